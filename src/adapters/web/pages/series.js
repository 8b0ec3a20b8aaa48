// The values of a training, and what of them is drawn. Pure.
//
// The one rule: an epoch that comes again replaces the earlier one: the HUB has merged both, and gives it whole.

const ORDER = ["train", "metrics", "val", "lr"];

/** Every metric of every epoch. */
export class Epochs {
  // By an epoch's digits: beyond 2**53 several epochs are one number here.
  #values = new Map();
  #order = null;
  // How often each metric is there, and how often as a text.
  #names = new Map();
  #texts = new Map();

  /** Take `epochs`, an object of objects, and give the names of the metrics that have changed. */
  take(epochs) {
    const changed = new Set();
    for (const [epoch, values] of Object.entries(epochs)) {
      const before = this.#values.get(epoch);
      if (before === undefined) this.#order = null;
      for (const [name, value] of before ?? []) this.#count(name, value, -1, changed);
      const taken = new Map(Object.entries(values ?? {}));
      for (const [name, value] of taken) this.#count(name, value, 1, changed);
      this.#values.set(epoch, taken);
    }
    return changed;
  }

  #count(name, value, by, changed) {
    changed.add(name);
    for (const counts of typeof value === "string" ? [this.#names, this.#texts] : [this.#names]) {
      const count = (counts.get(name) ?? 0) + by;
      if (count > 0) counts.set(name, count);
      else counts.delete(name);
    }
  }

  clear() {
    this.#values.clear();
    this.#names.clear();
    this.#texts.clear();
    this.#order = null;
  }

  get size() {
    return this.#values.size;
  }

  /** `[prefix, [name, …]]` in the order in which they are shown: those that every trainer has first. */
  groups() {
    const groups = new Map();
    for (const name of this.#names.keys()) {
      const prefix = name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
      if (!groups.has(prefix)) groups.set(prefix, []);
      groups.get(prefix).push(name);
    }
    const place = (prefix) => (ORDER.indexOf(prefix) + 1 || (prefix ? 10 : 11));
    return [...groups]
      .sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
      .map(([prefix, names]) => [prefix, names.sort(natural)]);
  }

  /** The points of one metric in the order of epochs: `[epoch, value]`, where `null` is a value that is no number. */
  points(name) {
    this.#order ??= [...this.#values.keys()].sort((a, b) => a - b || (BigInt(a) < BigInt(b) ? -1 : 1));
    const points = [];
    for (const epoch of this.#order) {
      const values = this.#values.get(epoch);
      if (values.has(name)) {
        const value = values.get(name);
        points.push([Number(epoch), typeof value === "number" ? value : null]);
      }
    }
    return points;
  }

  /** The newest text among the values of one metric, where a trainer sends texts. */
  text(name) {
    if (!this.#texts.has(name)) return null;
    let found = null;
    let newest = -1;
    for (const [epoch, values] of this.#values) {
      if (epoch > newest && typeof values.get(name) === "string") [newest, found] = [Number(epoch), values.get(name)];
    }
    return found;
  }
}

const collator = new Intl.Collator("en", { numeric: true });
const natural = (a, b) => collator.compare(a, b) || (a < b ? -1 : 1);

/**
 * The runs of points to be drawn as lines, at most about four points a column: the first, the least, the greatest and
 * the last. So a peak of one epoch among thousands stays to be seen. A `null` ends a run.
 */
export function runs(points, columns) {
  const drawn = points.length > 4 * columns ? thinned(points, columns) : points;
  const found = [];
  let run = [];
  for (const point of drawn) {
    if (point[1] === null) {
      if (run.length) found.push(run);
      run = [];
    } else run.push(point);
  }
  if (run.length) found.push(run);
  return found;
}

function thinned(points, columns) {
  const first = points[0][0];
  const width = (points.at(-1)[0] - first || 1) / columns;
  const kept = [];
  for (let at = 0; at < points.length; ) {
    const column = Math.floor((points[at][0] - first) / width);
    let [head, least, greatest, tail, gap] = [null, null, null, null, false];
    for (; at < points.length && Math.floor((points[at][0] - first) / width) === column; at += 1) {
      const point = points[at];
      if (point[1] === null) {
        gap = true;
        continue;
      }
      head ??= point;
      if (least === null || point[1] < least[1]) least = point;
      if (greatest === null || point[1] > greatest[1]) greatest = point;
      tail = point;
    }
    kept.push(...[...new Set([head, least, greatest, tail])].filter(Boolean).sort((a, b) => a[0] - b[0]));
    if (gap) kept.push([tail?.[0] ?? points[at - 1][0], null]);
  }
  return kept;
}

/** At most about `count` round numbers from `low` to `high`; whole ones where `whole`. */
export function ticks(low, high, count, whole = false) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  if (whole) step = Math.max(1, Math.round(step));
  if (!(step > 0) || !Number.isFinite(step)) return [low, high];
  const found = [];
  const from = Math.ceil(low / step - 1e-9);
  const to = Math.floor(high / step + 1e-9);
  // Counted and not added up: the sum of many steps drifts.
  for (let at = from; at <= to && found.length < 20; at += 1) found.push(at === 0 ? 0 : at * step);
  return found.length ? found : [low];
}

/** The least and the greatest value, with some air; something drawable where they are the same, or there is none. */
export function range(points) {
  let [low, high] = [Infinity, -Infinity];
  for (const [, value] of points) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (size < 1e-300) return [-1, 1];
  // What differs by less than is kept of it in the arithmetic of drawing is the same.
  const around = [low - size / 2, high + size / 2];
  if (high / 2 - low / 2 < size * 1e-12) return around.every(Number.isFinite) ? around : [Math.min(low, 0), Math.max(high, 0)];
  // Halved first: the difference of two doubles can be greater than any double.
  const air = (high / 2 - low / 2) * 0.1;
  const grown = [low - air, high + air];
  return grown.every(Number.isFinite) ? grown : [low, high];
}

/** The place of the point whose epoch is nearest to `epoch`. */
export function nearest(points, epoch) {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < epoch) low = middle + 1;
    else high = middle;
  }
  return low > 0 && epoch - points[low - 1][0] < points[low][0] - epoch ? low - 1 : low;
}
