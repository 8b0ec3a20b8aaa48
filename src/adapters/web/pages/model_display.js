// What both pages show of a model.
//
// The one rule: a state, a progress and a time look the same wherever they are shown.

import { now } from "./api.js";
import { element, fill, foreign, retext } from "./dom.js";
import { ago, date, progress } from "./format.js";

export const nameOf = (model) => model.meta?.name || model.id;

/**
 * The state of a model or of one run: the HUB's own word, with the class of the exception where one ended it. The HUB
 * tells it again when it changes, also where silence alone changes it.
 */
export function showState(pill, { state, error }) {
  const shown = JSON.stringify([state, error]);
  if (pill.dataset.shown === shown) return;
  fill(pill, element("span", {}, String(state), error && [" (", foreign(error), ")"]));
  pill.dataset.state = state;
  pill.dataset.shown = shown;
}

export function showProgress(bar, epochs, model) {
  const { all, text, part } = progress(model);
  bar.hidden = !all;
  bar.value = part;
  retext(epochs, text);
}

/**
 * What says how good a model is, as the HUB has found it: the best value, or, where the name of the metric does not say
 * which that is, the last one. `null` where there is no value.
 */
export function told(model) {
  const { best, last } = model.progress ?? {};
  const found = best ?? last ?? null;
  return found && { ...found, isLast: !best };
}

/** `seconds` are Unix's. */
export function showSeen(time, seconds) {
  if (typeof seconds !== "number") {
    retext(time, "never");
    return;
  }
  retext(time, ago(now() - seconds));
  time.dateTime = new Date(seconds * 1000).toISOString();
  time.title = date(seconds);
}
