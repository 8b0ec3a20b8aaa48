// The table of a model's checkpoints.
//
// The one rule: a link leads to a file of this HUB, or there is none.

import { fileAddress } from "./api.js";
import { copyButton, element, foreign, keyed } from "./dom.js";
import { bytes, date, number } from "./format.js";

const HEADS = ["File", "Epoch", "Size", "Stored", "SHA-256"];

/** A table, or a sentence while there is nothing to put into it. `label` is the ID of its heading. */
export class Checkpoints {
  #rows = element("tbody", { role: "rowgroup" });
  #none = element("p", { class: "muted" }, "None yet. They come at most every 15 minutes, and one at the end.");
  #table;

  constructor(label) {
    const heads = HEADS.map((head) => element("th", { role: "columnheader", scope: "col" }, head));
    // The roles say what the elements are anyway: the narrow form of the table would take it from them.
    this.#table = element(
      "table", { role: "table", "aria-labelledby": label },
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)),
      this.#rows,
    );
    this.elements = [this.#none, this.#table];
  }

  show(checkpoints) {
    this.#none.hidden = checkpoints.length > 0;
    this.#table.hidden = checkpoints.length === 0;
    // Newest first, and the final one before all.
    const ordered = [...checkpoints].reverse().sort((a, b) => (b.type === "final") - (a.type === "final"));
    // Each was the best when it came: the newest of those is it still.
    const best = ordered.find((checkpoint) => checkpoint.isBest);
    const rows = ordered.map((checkpoint) => ({ ...checkpoint, isBest: checkpoint === best }));
    keyed(this.#rows, rows, ({ url, isBest }) => `${url} ${isBest}`, row);
  }
}

function row(checkpoint) {
  const { name, type, epoch, size, sha256, isBest, map, at, url } = checkpoint;
  const href = fileAddress(url);
  const file = href === null ? foreign(name) : element("a", { class: "name", href, download: true }, foreign(name));
  const hash = String(sha256);
  const cell = (head, ...children) => element("td", { role: "cell", "data-head": head }, ...children);
  return element(
    "tr", { role: "row" },
    element(
      "th", { role: "rowheader", scope: "row" }, file,
      type === "final" && element("span", { class: "tag" }, "final"),
      isBest && element("span", { class: "tag" }, "best"),
    ),
    cell("Epoch", String(epoch), typeof map === "number" && element("span", { class: "muted small" }, `mAP50-95 ${number(map)}`)),
    cell("Size", bytes(size)),
    cell("Stored", typeof at === "number" && at > 0 ? element("time", { datetime: new Date(at * 1000).toISOString() }, date(at)) : "–"),
    cell("SHA-256", element("code", { title: hash }, `${hash.slice(0, 12)}…`), copyButton(() => hash, `Copy the SHA-256 of ${name}`)),
  );
}
