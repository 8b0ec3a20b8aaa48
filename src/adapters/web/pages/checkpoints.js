// The table of a model's checkpoints.
//
// The one rule: a link leads to a file of this HUB, or there is none.

import { fileAddress } from "./api.js";
import { copyButton, element, foreign, keyed } from "./dom.js";
import { bytes, date, epochNumber, number } from "./format.js";
import { cell, row, table, tableBody } from "./tables.js";

const HEADS = ["File", "Epoch", "Size", "Stored", "SHA-256"];

/** A table, or a sentence while there is nothing to put into it. `label` is the ID of its heading. */
export class Checkpoints {
  #rows = tableBody();
  #none = element("p", { class: "muted" }, "None yet. They come at most every 15 minutes, and one at the end.");
  #table;

  constructor(label) {
    this.#table = table({ "aria-labelledby": label }, HEADS, this.#rows);
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
    keyed(this.#rows, rows, ({ url, isBest }) => `${url} ${isBest}`, rowOf);
  }
}

function rowOf(checkpoint) {
  const { name, type, epoch, size, sha256, isBest, map, at, url } = checkpoint;
  const href = fileAddress(url);
  const file = href === null ? foreign(name) : element("a", { class: "name", href, download: true }, foreign(name));
  const hash = String(sha256);
  const tags = [type === "final" && "final", isBest && "best"].filter(Boolean);
  return row(
    [file, ...tags.map((tag) => element("span", { class: "tag" }, tag))],
    cell("Epoch", epochNumber(epoch), typeof map === "number" && element("span", { class: "muted small" }, `mAP50-95 ${number(map)}`)),
    cell("Size", bytes(size)),
    cell("Stored", typeof at === "number" && at > 0 ? element("time", { datetime: new Date(at * 1000).toISOString() }, date(at)) : "–"),
    cell("SHA-256", element("code", { title: hash }, `${hash.slice(0, 12)}…`), copyButton(() => hash, `Copy the SHA-256 of ${name}`)),
  );
}
