// Sorts a table by the column whose title is pressed.
watch("value", () => {
  for (const table of element.querySelectorAll("table.adv-sortable")) {
    const [body] = table.tBodies;
    [...table.tHead.rows[0].cells].forEach((title, column) => {
      const button = document.createElement("button");
      button.textContent = title.textContent;
      title.replaceChildren(button);
      button.onclick = () => {
        const isUp = title.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        title.setAttribute("aria-sort", isUp ? "ascending" : "descending");
        const key = (row) => row.cells[column].textContent.replace("−", "-");
        const order = (a, b) => key(a).localeCompare(key(b), undefined, { numeric: true });
        const isMissing = (row) => Number(key(row) === "–");
        // What is missing comes last in both directions
        body.append(
          ...[...body.rows].sort((a, b) => isMissing(a) - isMissing(b) || (isUp ? order(a, b) : order(b, a)))
        );
      };
    });
  }
});
