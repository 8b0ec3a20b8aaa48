// The curves of a model, grouped as trainers name them, and the values that are none.
//
// The one rule: whatever a trainer sends, the page stays one that can be read: so many metrics at first, the rest when
// somebody asks for them.

import { Chart } from "./chart.js";
import { element, fill, foreign, keyed } from "./dom.js";
import { number } from "./format.js";
import { Epochs } from "./series.js";

const A_SCREENFUL = 100;

/** The elements are to be put into the page, and what `take()` is given is shown in them. */
export class Curves {
  #epochs = new Epochs();
  #charts = new Map();
  #most = A_SCREENFUL;
  #groups = element("div", { class: "groups" });
  #facts = element("dl", { class: "facts", hidden: true });
  #more = element("p", { hidden: true });
  elements = [this.#groups, this.#facts, this.#more];

  get isEmpty() {
    return this.#epochs.size === 0;
  }

  take(epochs) {
    const changed = this.#epochs.take(epochs);
    if (changed.size > 0) this.#show(changed);
  }

  /** Forget everything. */
  clear() {
    this.#epochs.clear();
    this.#show(new Set());
  }

  close() {
    for (const chart of this.#charts.values()) chart.remove();
    this.#charts.clear();
  }

  #show(changed) {
    const facts = [];
    const groups = [];
    let left = this.#most;
    let hidden = 0;
    for (const [prefix, names] of this.#epochs.groups()) {
      const drawn = [];
      for (const name of names) {
        if (left === 0) hidden += 1;
        // What a model is (its size, its speed) is sent once, and a curve of one point says nothing. Nor has a text one.
        else if (prefix === "model" || this.#epochs.text(name) !== null) facts.push(name);
        else drawn.push(name);
        if (left > 0) left -= 1;
      }
      if (drawn.length) groups.push([prefix, drawn]);
    }
    const isDrawn = new Set(groups.flatMap(([, names]) => names));
    for (const [name, chart] of this.#charts) {
      if (isDrawn.has(name)) continue;
      chart.remove();
      this.#charts.delete(name);
    }
    keyed(this.#groups, groups, ([prefix]) => prefix, ([prefix]) => this.#group(prefix));
    for (const name of isDrawn) if (changed.has(name)) this.#charts.get(name).set(() => this.#epochs.points(name));
    keyed(this.#facts, facts, (name) => name, (name) => this.#fact(name));
    this.#facts.hidden = facts.length === 0;
    this.#showMore(hidden);
  }

  #group(prefix) {
    const charts = element("div", { class: "charts" });
    const made = element("div", { class: "group" }, element("h3", {}, foreign(prefix || "other")), charts);
    made.update = ([, names]) => {
      // Small groups stand beside each other where there is room.
      made.dataset.count = Math.min(names.length, 3);
      keyed(charts, names, (name) => name, (name) => this.#chart(name, prefix));
    };
    return made;
  }

  #chart(name, prefix) {
    const chart = new Chart(name, prefix && name.length > prefix.length + 1 ? name.slice(prefix.length + 1) : name);
    chart.set(() => this.#epochs.points(name));
    this.#charts.set(name, chart);
    return chart.element;
  }

  #fact(name) {
    const value = element("dd");
    const made = element("div", {}, element("dt", {}, foreign(name)), value);
    made.update = () => {
      const text = this.#epochs.text(name) ?? number(this.#epochs.points(name).at(-1)?.[1]);
      if (value.textContent !== text) fill(value, foreign(text));
    };
    return made;
  }

  #showMore(hidden) {
    this.#more.hidden = hidden === 0;
    const button = element("button", { type: "button", class: "small" }, `Show ${Math.min(hidden, A_SCREENFUL)} more`);
    button.addEventListener("click", () => {
      this.#most += A_SCREENFUL;
      this.#show(new Set());
    });
    fill(this.#more, `${hidden} more ${hidden === 1 ? "metric is" : "metrics are"} not shown. `, button);
  }
}
