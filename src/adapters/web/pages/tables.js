// Tables of rows and cells where there is room, else a card for each row.
//
// The one rule: each says its role, which it has anyway: the narrow form of the table would take it from them.

import { element } from "./dom.js";

/** A table under `heads`, its rows in `body`. */
export function table(attributes, heads, body) {
  const cells = heads.map((head) => element("th", { role: "columnheader", scope: "col" }, head));
  return element(
    "table", { role: "table", ...attributes },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...cells)),
    body,
  );
}

export const tableBody = () => element("tbody", { role: "rowgroup" });

/** A row: what it is of, and its cells. */
export const row = (head, ...cells) =>
  element("tr", { role: "row" }, element("th", { role: "rowheader", scope: "row" }, ...head), ...cells);

/** A cell below `head`. */
export const cell = (head, ...children) => element("td", { role: "cell", "data-head": head }, ...children);
