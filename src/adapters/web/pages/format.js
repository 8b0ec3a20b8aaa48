// Numbers, sizes and times as people read them. Pure.

/** A metric: four digits that matter. */
export function number(value) {
  if (typeof value !== "number") return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e12) return value.toLocaleString("en");
  return size >= 1e6 || size < 1e-4 ? value.toExponential(3).replace("e+", "e") : plain(value);
}

// toPrecision() goes over to powers of ten from 10,000 on.
const plain = (value) => (Math.abs(value) < 9999.5 ? value.toPrecision(4) : value.toFixed(0));

/** Labels for `ticks`, alike in their digits. */
export function tickLabels(ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(ticks[0]) || 1;
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= 1e5 || (largest > 0 && largest < 1e-3)) {
    return ticks.map((tick) => (tick === 0 ? "0" : Number(tick.toPrecision(3)).toExponential().replace("e+", "e")));
  }
  const digits = Math.min(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)), 8);
  return ticks.map((tick) => tick.toFixed(digits));
}

/** Bytes, in units of 1024. */
export function bytes(size) {
  if (typeof size !== "number") return "–";
  if (size < 1024) return `${size} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let shown = size / 1024;
  let unit = 0;
  while (shown >= 1023.95 && unit < units.length - 1) {
    shown /= 1024;
    unit += 1;
  }
  return `${shown.toFixed(1)} ${units[unit]}`;
}

/** How long ago, in seconds. What is a minute in the future was noted by a clock that was wrong. */
export function ago(seconds) {
  if (seconds < -60) return "in the future";
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** Unix seconds, in full. */
export const date = (seconds) =>
  new Date(seconds * 1000).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

/** The number of an epoch; roughly where it is so large that this page has only read it roughly. */
export const epochNumber = (epoch) => (Number.isSafeInteger(epoch) ? String(epoch) : `≈ ${number(epoch)}`);

const epochs = (count) => `${epochNumber(count)} ${count === 1 ? "epoch" : "epochs"}`;

/** How many epochs are done: their numbers begin at 0. */
export function progress(model) {
  const newest = model.progress?.epoch;
  const done = typeof newest === "number" ? newest + 1 : 0;
  const all = typeof model.epochs === "number" && model.epochs > 0 ? model.epochs : 0;
  const text = all ? `${epochNumber(done)} of ${epochs(all)}` : epochs(done);
  return { all, text, part: all ? Math.min(done / all, 1) : 0 };
}
