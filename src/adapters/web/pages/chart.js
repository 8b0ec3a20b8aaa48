// A small chart of one metric.
//
// The one rule: only what is on the screen is drawn, and not more than once a frame: fifty charts of thousands of epochs
// cost what the six of them cost that somebody sees.

import { element, foreign, retext } from "./dom.js";
import { epochNumber, number, tickLabels } from "./format.js";
import { nearest, range, runs, ticks } from "./series.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 150;
const TOP = 8;
const BOTTOM = 22;
const RIGHT = 10;
const LETTER = 6.4;

// The epoch that somebody points at is shown in every chart.
const charts = new Set();
let pointed = null;

function pointAt(epoch) {
  if (pointed === epoch) return;
  pointed = epoch;
  for (const chart of charts) chart.later();
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) target.chart.stale();
});
const views = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) target.chart.inView(isIntersecting);
  },
  { rootMargin: "200px" },
);

/** A chart; `element` is to be put into the page. `label` is what is left of `name` below its heading. */
export class Chart {
  #source = () => [];
  #points = [];
  #isStale = true;
  #isVisible = false;
  #frame = null;
  #scale = null;
  #now;
  #svg;
  #marks;
  #cursor;
  #plot;

  constructor(name, label) {
    this.#now = element("span", { class: "now" });
    this.#svg = svg("svg", { "aria-hidden": "true", height: HEIGHT });
    this.#marks = svg("g");
    this.#cursor = svg("g", { class: "cursor" });
    this.#svg.append(this.#marks, this.#cursor);
    this.#plot = element("div", {
      class: "plot", role: "slider", tabindex: 0, "aria-label": `${name}, by epoch`, "aria-orientation": "horizontal",
      "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0,
    });
    this.#plot.append(this.#svg);
    this.#plot.chart = this;
    this.element = element(
      "figure", { class: "chart" },
      element("figcaption", {}, foreign(label, { class: "metric", title: name }), this.#now),
      this.#plot,
    );
    this.#plot.addEventListener("pointermove", (event) => this.#follow(event));
    this.#plot.addEventListener("pointerdown", (event) => this.#follow(event));
    this.#plot.addEventListener("pointerleave", () => pointAt(null));
    this.#plot.addEventListener("blur", () => pointAt(null));
    this.#plot.addEventListener("keydown", (event) => this.#step(event));
    sizes.observe(this.#plot);
    views.observe(this.#plot);
    charts.add(this);
  }

  /** Other points. `points()` is not called before they are to be seen. */
  set(points) {
    this.#source = points;
    this.stale();
  }

  remove() {
    sizes.unobserve(this.#plot);
    views.unobserve(this.#plot);
    charts.delete(this);
    cancelAnimationFrame(this.#frame);
    this.element.remove();
  }

  stale() {
    this.#isStale = true;
    this.later();
  }

  inView(isVisible) {
    this.#isVisible = isVisible;
    this.later();
  }

  later() {
    if (!this.#isVisible || this.#frame !== null) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = null;
      if (this.#isStale) this.#draw();
      this.#point();
    });
  }

  #draw() {
    const width = this.#plot.clientWidth;
    if (width === 0) return;
    this.#isStale = false;
    this.#points = this.#source();
    const points = this.#points;
    this.#svg.setAttribute("width", width);
    if (points.length === 0) {
      this.#scale = null;
      this.#marks.replaceChildren();
      return;
    }
    const [first, last] = [points[0][0], points.at(-1)[0]];
    const [low, high] = range(points);
    const ys = ticks(low, high, 5);
    const labels = tickLabels(ys);
    const left = Math.max(...labels.map((label) => label.length)) * LETTER + 10;
    const right = width - RIGHT;
    const bottom = HEIGHT - BOTTOM;
    const x = (epoch) => (last === first ? (left + right) / 2 : left + ((epoch - first) / (last - first)) * (right - left));
    // Halved, as in range().
    const y = (value) => bottom - ((value / 2 - low / 2) / (high / 2 - low / 2)) * (bottom - TOP);
    const marks = [];
    ys.forEach((tick, place) => {
      const at = round(y(tick));
      marks.push(svg("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }));
      marks.push(svg("text", { x: left - 6, y: at, dy: "0.32em", "text-anchor": "end" }, labels[place]));
    });
    for (const tick of ticks(first, last, Math.max(2, Math.floor((right - left) / 48)), true)) {
      marks.push(svg("text", { x: round(x(tick)), y: HEIGHT - 6, "text-anchor": "middle" }, String(tick)));
    }
    const path = runs(points, Math.max(1, Math.round(right - left)))
      // A line to itself: a point that stands alone is a dot by its round ends.
      .map((run) => `M${run.map(([epoch, value]) => `${round(x(epoch))} ${round(y(value))}`).join("L")}${run.length === 1 ? "h0" : ""}`)
      .join("");
    marks.push(svg("path", { class: "line", d: path }));
    this.#marks.replaceChildren(...marks);
    this.#scale = { x, y, left, right, first, last, bottom };
  }

  /** Show the epoch that is pointed at; the newest value where none is. */
  #point() {
    const points = this.#points;
    if (this.#scale === null) return;
    const { x, y, bottom, first, last } = this.#scale;
    const [epoch, value] = points[pointed === null ? points.length - 1 : nearest(points, pointed)];
    const text = `epoch ${epochNumber(epoch)}: ${value === null ? "no number" : number(value)}`;
    retext(this.#now, pointed === null ? number(value) : text);
    const plot = this.#plot;
    plot.setAttribute("aria-valuemin", first);
    plot.setAttribute("aria-valuemax", last);
    plot.setAttribute("aria-valuenow", epoch);
    plot.setAttribute("aria-valuetext", text);
    const marks = [];
    if (pointed !== null) marks.push(svg("line", { x1: round(x(epoch)), x2: round(x(epoch)), y1: TOP, y2: bottom }));
    if (value !== null) marks.push(svg("circle", { cx: round(x(epoch)), cy: round(y(value)), r: 3 }));
    this.#cursor.replaceChildren(...marks);
  }

  #follow(event) {
    if (this.#scale === null) return;
    const { left, right, first, last } = this.#scale;
    const part = (event.clientX - this.#plot.getBoundingClientRect().left - left) / (right - left);
    const epoch = first + Math.min(Math.max(part, 0), 1) * (last - first);
    pointAt(this.#points[nearest(this.#points, epoch)][0]);
  }

  #step(event) {
    const points = this.#points;
    const by = {
      ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1,
      PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity,
    }[event.key];
    if (points.length === 0 || by === undefined || event.altKey || event.ctrlKey || event.metaKey) {
      if (event.key === "Escape") pointAt(null);
      return;
    }
    event.preventDefault();
    const from = nearest(points, pointed ?? points.at(-1)[0]);
    pointAt(points[Math.min(Math.max(from + by, 0), points.length - 1)][0]);
  }
}

const round = (value) => Math.round(value * 10) / 10;

function svg(tag, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}
