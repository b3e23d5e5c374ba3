// Sorts a table by the column whose title is pressed.

const sortable = (table) => {
  const [body] = table.tBodies;
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const button = document.createElement("button");
    button.textContent = title.textContent;
    title.replaceChildren(button);
    button.onclick = () => {
      const isUp = title.getAttribute("aria-sort") !== "ascending";
      for (const other of titles) other.removeAttribute("aria-sort");
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
};

/** Makes the tables of each new value of an element sortable. */
export const open = (element, watch) =>
  watch("value", () => element.querySelectorAll("table.adv-sortable").forEach(sortable));
