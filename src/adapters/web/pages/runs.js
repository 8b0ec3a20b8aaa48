// The table of a model's runs, by their heartbeats.
//
// The one rule: it is there when there is more than one run; of a single one the page says everything anyway.

import { element, foreign, keyed, retext } from "./dom.js";
import { showSeen, showState } from "./model_display.js";
import { cell, row, table, tableBody } from "./tables.js";

const HEADS = ["Run", "State", "Last seen", "Client"];

/** `label` is the ID of its heading. */
export class Runs {
  #rows = tableBody();
  #note = element("p", { class: "muted" });

  constructor(label) {
    const heading = element("h2", { id: label }, "Runs");
    this.element = element(
      "section", { "aria-labelledby": label, hidden: true },
      heading, this.#note, table({ "aria-labelledby": label }, HEADS, this.#rows),
    );
  }

  show(agents) {
    const shown = agents.length > 1 ? [...agents].reverse() : [];
    this.element.hidden = shown.length === 0;
    const living = agents.filter(({ state }) => state === "training").length;
    this.#note.hidden = living < 2;
    retext(this.#note, `${living} trainers send to this model at the same time. Each overwrites epochs of the others.`);
    keyed(this.#rows, shown, ({ id }) => id, rowOf);
  }

  /** What changes with time alone. */
  tick() {
    for (const shown of this.#rows.children) shown.tick();
  }
}

function rowOf({ id }) {
  const pill = element("span", { class: "state" });
  const time = element("time");
  const client = foreign("");
  let seen = null;
  const made = row([foreign(id)], cell("State", pill), cell("Last seen", time), cell("Client", client));
  made.tick = () => showSeen(time, seen);
  made.update = (agent) => {
    seen = agent.last_seen;
    showState(pill, agent);
    retext(client, agent.name ?? "");
    made.tick();
  };
  return made;
}
