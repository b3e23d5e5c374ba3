// Elements of HTML and SVG.

const make = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

export const html = (name, attributes = {}, ...children) =>
  make(document.createElement(name), attributes, children);

export const svg = (name, attributes = {}, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

/** Table whose first column names the rows; wide ones scroll, by keyboard as well. */
export const table = (head, rows, caption) => {
  const titles = head.map((name) => (name ? html("th", { scope: "col" }, name) : html("td")));
  const lines = rows.map(([first, ...rest]) =>
    html("tr", {}, html("th", { scope: "row" }, first), ...rest.map((text) => html("td", {}, text))),
  );
  const inner = html(
    "table",
    { "aria-label": caption },
    html("thead", {}, html("tr", {}, ...titles)),
    html("tbody", {}, ...lines),
  );
  const scroll = { class: "adv-scroll", tabindex: 0, role: "group", "aria-label": caption };
  return [html("p", { class: "adv-caption" }, caption), html("div", scroll, inner)];
};
