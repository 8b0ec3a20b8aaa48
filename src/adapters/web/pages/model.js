// One model: where it stands, its curves, its checkpoints, and how to go on.
//
// The one rule: the page is built once and then changed in place, so that what somebody reads, has selected or has the
// focus on stays where it is while a training goes on.

import { Refused, ROOT, modelInAddress } from "./api.js";
import { follow } from "./event_stream.js";
import { Checkpoints } from "./checkpoints.js";
import { Curves } from "./curves.js";
import { element, fill, foreign, keyed, retext } from "./dom.js";
import { epochNumber, number } from "./format.js";
import { howToGoOn, recipes } from "./snippets.js";
import { Runs } from "./runs.js";
import { notice, start, trouble } from "./page.js";
import { nameOf, showProgress, showSeen, showState, told } from "./model_display.js";

const TICK = 10_000;

const page = document.getElementById("page");

start(async (signal) => {
  const id = modelInAddress();
  if (id === null) return missing("This address names no model.", false);
  let view = null;
  const ticking = setInterval(() => view?.tick(), TICK);
  try {
    for await (const { change, trouble, reset } of follow(id, signal)) {
      if (reset) view?.curves.clear();
      if (trouble) notice(trouble);
      if (!change) continue;
      notice("");
      if (view === null) {
        view = new View(id);
        fill(page, ...view.elements);
      }
      view.show(change);
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof Refused) || error.status !== 404) throw error;
    missing(trouble(error, 1).said, view !== null);
  } finally {
    clearInterval(ticking);
    view?.curves.close();
  }
});

/** The metric, and the epoch whose value is shown. */
function bestOf(found, metric) {
  if (found === null) return metric ? [foreign(metric), " has no value yet"] : [];
  return [foreign(found.name), ` at epoch ${epochNumber(found.epoch)}${found.isLast ? ", the last value" : ""}`];
}

function missing(message, wasShown) {
  const title = wasShown ? "This model was deleted" : "There is no such model";
  document.title = `${title} · hubport`;
  notice("");
  fill(
    page,
    element(
      "div", { class: "empty" },
      element("h1", {}, title),
      element("p", {}, message),
      element("p", {}, element("a", { href: ROOT.pathname }, "Show all models")),
    ),
  );
}

class View {
  curves = new Curves();
  #model = null;
  #name = foreign("");
  #state = element("span", { class: "state" });
  #id = element("code");
  #bar = element("progress", { max: 1, "aria-label": "Progress" });
  #done = element("span");
  #best = element("span", { class: "value" });
  #bestOf = element("span", { class: "muted small" });
  #seen = element("time");
  #agent = foreign("", { class: "muted small" });
  #noMetrics = element("p", { class: "muted" });
  #checkpoints = new Checkpoints("checkpoints");
  #runs = new Runs("runs");
  #howTitle = element("h2", { id: "how" });
  #how = element("div");
  #howNote = element("p", { class: "muted" });
  #curves;
  #arguments = element("dl", { class: "facts" });

  constructor(id) {
    fill(this.#how, ...recipes(id));
    retext(this.#id, id);
    const tile = (head, ...children) => element("div", {}, element("dt", {}, head), element("dd", {}, ...children));
    this.#curves = element(
      "section", { "aria-labelledby": "curves" },
      element("h2", { id: "curves" }, "Curves"), this.#noMetrics, ...this.curves.elements,
    );
    this.start = element("section", { "aria-labelledby": "how" }, this.#howTitle, this.#howNote, this.#how);
    this.elements = [
      element("nav", { "aria-label": "Where this is", class: "small" }, element("a", { href: ROOT.pathname }, "← Models")),
      element("div", { class: "headline" }, element("h1", {}, this.#name), this.#state),
      element(
        "dl", { class: "tiles" },
        tile("Progress", this.#done, this.#bar),
        tile("Best", this.#best, this.#bestOf),
        tile("Last seen", this.#seen, this.#agent),
        tile("ID", this.#id),
      ),
      this.#curves,
      element("section", { "aria-labelledby": "checkpoints" }, element("h2", { id: "checkpoints" }, "Checkpoints"), ...this.#checkpoints.elements),
      this.#runs.element,
      this.start,
      element("section", { "aria-labelledby": "arguments" }, element("h2", { id: "arguments" }, "Train arguments"), this.#arguments),
    ];
  }

  show({ model, epochs }) {
    this.curves.take(epochs ?? {});
    this.#model = model;
    this.#showNoMetrics(model);
    this.#showHead(model);
    this.#runs.show(Array.isArray(model.agents) ? model.agents : []);
    this.#checkpoints.show(Array.isArray(model.checkpoints) ? model.checkpoints : []);
    this.#showArguments(model);
    this.#showHow(model);
    this.tick();
  }

  /** What changes with time alone. */
  tick() {
    showSeen(this.#seen, this.#model.last_seen);
    this.#runs.tick();
  }

  /** Why there are no metrics, or none of the last epochs. */
  #showNoMetrics({ state, progress, metrics_epoch: newest }) {
    const dropped = "The clients of ultralytics end without sending the metrics of the last epochs; a short training loses all of them. Trained with hubport, none are lost.";
    const hints = {
      stopped: "The training ended before it sent any metrics.",
      failed: "The training failed before it sent any metrics.",
      disconnected: "No metrics, and nothing was heard of the training for 15 minutes.",
      trained: `This training has sent no metrics. ${dropped}`,
    };
    const epoch = progress?.epoch;
    const isCut = state === "trained" && typeof newest === "number" && newest < epoch;
    this.#noMetrics.hidden = !this.curves.isEmpty && !isCut;
    retext(
      this.#noMetrics,
      isCut && !this.curves.isEmpty
        ? `The newest metrics are those of epoch ${epochNumber(newest)}, and the final checkpoint is that of epoch ${epochNumber(epoch)}. ${dropped}`
        : hints[state] ?? "No metrics yet. They appear here as soon as the training sends some.",
    );
  }

  #showHead(model) {
    const name = nameOf(model);
    retext(this.#name, name);
    document.title = `${name} · hubport`;
    showState(this.#state, model);
    showProgress(this.#bar, this.#done, model);
    const found = told(model);
    retext(this.#best, found ? number(found.value) : "–");
    const shown = JSON.stringify([found, model.best_metric]);
    if (this.#bestOf.dataset.shown !== shown) {
      fill(this.#bestOf, ...bestOf(found, model.best_metric));
      this.#bestOf.dataset.shown = shown;
    }
    retext(this.#agent, model.agent ?? "");
  }

  #showArguments(model) {
    const shown = { model: model.base_model, ...model.train_args };
    const items = Object.entries(shown).filter(([, value]) => value !== null && value !== undefined);
    keyed(this.#arguments, items, ([name]) => name, ([name]) => {
      const value = element("dd");
      const made = element("div", {}, element("dt", {}, foreign(name)), value);
      made.update = ([, given]) => {
        const text = given !== "" ? String(given) : name === "data" ? "still being processed" : "the trainer’s choice";
        if (value.textContent !== text) fill(value, given === "" ? element("span", { class: "muted" }, text) : foreign(text));
      };
      return made;
    });
  }

  #showHow(model) {
    const { title, note, isOffered } = howToGoOn(model);
    retext(this.#howTitle, title);
    retext(this.#howNote, note);
    this.#how.hidden = !isOffered;
    // Before there is anything to see, how to start is what somebody has come for. Moved once, with nobody in it.
    const isFirst = model.state === "new" && this.curves.isEmpty;
    if (isFirst) this.#curves.before(this.start);
    else if (this.start.nextElementSibling === this.#curves && !this.start.contains(document.activeElement)) {
      this.elements.at(-1).before(this.start);
    }
  }
}
