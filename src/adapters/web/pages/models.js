// The list of models.
//
// The one rule: what is shown follows from the address and the newest answer alone, so that a reload, the way back and a
// link sent to a colleague show the same.

import { ROOT, Unreachable, ask, modelAddress } from "./api.js";
import { element, fill, foreign, keyed, retext } from "./dom.js";
import { number } from "./format.js";
import { box, environment } from "./snippets.js";
import { hurry, notice, pause, seen, start, trouble } from "./page.js";
import { nameOf, showProgress, showSeen, showState, told } from "./model_display.js";
import { cell, row, table, tableBody } from "./tables.js";

const EVERY = 3000;
const A_PAGE = 25;
const TYPING = 250;
const HEADS = ["Model", "State", "Progress", "Best", "Last seen"];

const list = document.getElementById("models");
const pages = document.getElementById("pages");
const search = document.getElementById("query");

/** What the address asks for. */
function wanted() {
  const query = new URLSearchParams(location.search);
  return {
    query: (query.get("query") ?? "").slice(0, 200),
    after: query.get("after") ?? "",
    trashed: query.get("trashed") === "true",
  };
}

function address(changes) {
  const given = Object.entries({ ...wanted(), ...changes }).filter(([, value]) => value);
  return `${ROOT.pathname}${given.length ? "?" : ""}${new URLSearchParams(given)}`;
}

start(async (signal) => {
  const field = wanted();
  search.value = field.query;
  retext(document.getElementById("headline"), field.trashed ? "Trash" : "Models");
  for (let failures = 0; ; ) {
    await seen(signal);
    const asked = wanted();
    const query = new URLSearchParams({ limit: A_PAGE, query: asked.query, trashed: asked.trashed });
    if (asked.after) query.set("last_doc_id", asked.after);
    try {
      const page = await ask(`v1/models?${query}`, { signal });
      if (!Array.isArray(page?.results)) throw new Unreachable("What answers is not the HUB.");
      // Somebody went on typing: this is the answer to an earlier question.
      if (JSON.stringify(asked) !== JSON.stringify(wanted())) continue;
      show(page, asked);
      notice("");
      failures = 0;
      await pause(EVERY, signal);
    } catch (error) {
      if (signal.aborted || error.status === 401) throw error;
      failures += 1;
      const { wait, text } = trouble(error, failures);
      notice(text);
      await pause(wait, signal);
    }
  }
});

let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(look, TYPING);
});
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  look();
});

function look() {
  history.replaceState(null, "", address({ query: search.value.trim(), after: "" }));
  hurry();
}

function show(page, asked) {
  const models = page.results;
  if (models.length > 0) showTable(models);
  else if (list.dataset.empty !== JSON.stringify(asked)) fill(list, ...nothing(asked));
  list.dataset.empty = models.length > 0 ? "" : JSON.stringify(asked);
  const shown = [];
  if (asked.after) shown.push(element("a", { href: address({ after: "" }) }, "← Newest"));
  if (page.lastRecordId) {
    shown.push(element("a", { href: address({ after: page.lastRecordId }) }, "Older →"));
  }
  if (asked.trashed && models.length > 0) {
    shown.push(element("span", { class: "muted" }, "To take one out: ", element("code", {}, "hubport models restore")));
  }
  const all = typeof page.total === "number" && models.length > 0;
  if (all) shown.push(element("span", { class: "muted" }, `${page.total} ${page.total === 1 ? "model" : "models"}`));
  shown.push(
    asked.trashed
      ? element("a", { class: "aside", href: address({ trashed: false, after: "" }) }, "Models")
      : element("a", { class: "aside", href: address({ trashed: true, after: "" }) }, "Trash"),
  );
  keyed(pages, shown, (node) => `${node.textContent} ${node.getAttribute("href")}`, (node) => node);
}

function showTable(models) {
  let body = list.querySelector("tbody");
  if (body === null) {
    body = tableBody();
    fill(list, table({ class: "models", "aria-labelledby": "headline" }, HEADS, body));
  }
  keyed(body, models, (model) => model.id, rowOf);
}

function rowOf() {
  const link = element("a", { class: "name" });
  const name = foreign("");
  const plan = [foreign(""), " · ", foreign("")];
  const pill = element("span", { class: "state" });
  const bar = element("progress", { max: 1, "aria-label": "Progress" });
  const epochs = element("span", { class: "muted small" });
  const value = element("span", { class: "value" });
  const metric = foreign("", { class: "muted small" });
  const label = element("span", { class: "muted small" }, "last value");
  const time = element("time");
  const agent = foreign("", { class: "muted small" });
  const made = row(
    [link, element("span", { class: "muted small" }, ...plan)],
    cell("State", pill),
    cell("Progress", element("div", { class: "progress" }, bar, epochs)),
    cell("Best", value, metric, label),
    cell("Last seen", time, agent),
  );
  link.append(name);
  made.update = (model) => {
    // In the trash there is no page to go to.
    const href = model.trashed ? null : modelAddress(model.id);
    if (href) link.setAttribute("href", href);
    else link.removeAttribute("href");
    retext(name, nameOf(model));
    retext(plan[0], lastPart(model.base_model ?? model.id));
    retext(plan[2], lastPart(model.data || "its dataset is still being processed"));
    showState(pill, model);
    showProgress(bar, epochs, model);
    const found = told(model);
    retext(value, found ? number(found.value) : "–");
    retext(metric, found?.name ?? model.best_metric ?? "");
    label.hidden = !found?.isLast;
    showSeen(time, model.last_seen);
    retext(agent, model.agent ?? "");
  };
  return made;
}

const lastPart = (text) => String(text).split("/").at(-1);

function nothing(asked) {
  if (asked.query || asked.after || asked.trashed) {
    return [
      element(
        "div", { class: "empty" },
        element("p", {}, asked.query ? ["No model has “", foreign(asked.query), "” in its name."] : "There is nothing here."),
        element("p", {}, element("a", { href: address({ query: "", after: "", trashed: false }) }, "Show all models")),
      ),
    ];
  }
  const lines = (root, secret) =>
    `${environment(root, secret)}hubport models create --weights yolov8n.pt --data coco8.yaml --epochs 100`;
  return [
    element(
      "div", { class: "empty" },
      element("h2", {}, "No models yet"),
      element("p", {}, "Create the first one on the command line. It appears here by itself."),
      box("How to create a model", "Copy the lines to create a model", lines),
      element("p", { class: "muted small" }, "Shown without your key, copied with it."),
    ),
  ];
}
