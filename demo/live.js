// Sound comes 0.1 s at a time, values each 0.05 s: show each when its turn comes.
const EVERY = 50;
let turns = [];

function show(panel, values, number) {
  panel.dataset.updates = number;
  for (const [name, value] of Object.entries(values)) {
    const text = panel.querySelector(`[data-value="student-${name}"]`);
    const bar = panel.querySelector(`[data-bar="student-${name}"]`);
    const width = 100 * Math.min(1, Math.max(0, value));
    text.firstChild.nodeValue = value.toFixed(2);
    bar.setAttribute("aria-valuenow", (width / 100).toFixed(2));
    bar.setAttribute("aria-valuetext", value.toFixed(2));
    bar.firstChild.style.width = `${width}%`;
  }
}

watch("value", () => {
  turns.forEach(clearTimeout);
  const panel = element.querySelector("[data-steps]");
  const first = Number(panel.dataset.updates);
  turns = JSON.parse(panel.dataset.steps)
    .slice(1)
    .map((values, step) =>
      setTimeout(show, EVERY * (step + 1), panel, values, first + step + 1)
    );
});
