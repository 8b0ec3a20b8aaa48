// What both pages show of a model.
//
// The one rule: a state, a progress and a time look the same wherever they are shown.

import { fileAddress, now } from "./api.js";
import { retext } from "./dom.js";
import { ago, date, progress, state } from "./format.js";

export const nameOf = (model) => model.meta?.name || model.id;

/** What a model is trained from: its final weights, which a trained one has in their place, are something else. */
export const origin = (model) => model.cfg ?? (fileAddress(model.weights ?? "") === null ? model.weights : null);

/** Gives the word. */
export function showState(pill, model) {
  const word = state(model, now());
  retext(pill, word);
  pill.dataset.state = word;
  return word;
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
