// The list of models.
//
// The one rule: what is shown follows from the address and the newest answer alone, so that a reload, the way back and a
// link sent to a colleague show the same.

import { ROOT, Unreachable, ask, modelAddress, now, origin } from "./api.js";
import { copyButton, element, fill, foreign, keyed, retext } from "./dom.js";
import { ago, date, number, progress, state } from "./format.js";
import { key } from "./key.js";
import { hurry, notice, pause, seen, start, trouble } from "./shell.js";

const EVERY = 3000;
const A_PAGE = 25;
const TYPING = 250;

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
    body = element("tbody", { role: "rowgroup" });
    const heads = ["Model", "State", "Progress", "Best", "Last seen"];
    fill(
      list,
      // The roles say what the elements are anyway: the narrow form of the table would take it from them.
      element(
        "table", { class: "models", role: "table", "aria-labelledby": "headline" },
        element(
          "thead", { role: "rowgroup" },
          element("tr", { role: "row" }, ...heads.map((head) => element("th", { role: "columnheader", scope: "col" }, head))),
        ),
        body,
      ),
    );
  }
  keyed(body, models, (model) => model.id, row);
}

function row(model) {
  const link = element("a", { class: "name" });
  const name = foreign("");
  const plan = [foreign(""), " · ", foreign("")];
  const pill = element("span", { class: "state" });
  const bar = element("progress", { max: 1, "aria-label": "Progress" });
  const epochs = element("span", { class: "muted small" });
  const value = element("span", { class: "value" });
  const metric = foreign("", { class: "muted small" });
  const time = element("time");
  const agent = foreign("", { class: "muted small" });
  const cell = (head, ...children) => element("td", { role: "cell", "data-head": head }, ...children);
  const made = element(
    "tr", { role: "row" },
    element("th", { role: "rowheader", scope: "row" }, link, element("span", { class: "muted small" }, ...plan)),
    cell("State", pill),
    cell("Progress", element("div", { class: "progress" }, bar, epochs)),
    cell("Best", value, metric),
    cell("Last seen", time, agent),
  );
  link.append(name);
  made.update = (model) => {
    // In the trash there is no page to go to.
    const href = model.trashed ? null : modelAddress(model.id);
    if (href) link.setAttribute("href", href);
    else link.removeAttribute("href");
    retext(name, model.meta?.name || model.id);
    retext(plan[0], lastPart(origin(model) ?? model.id));
    retext(plan[2], lastPart(model.data || "its dataset is still being processed"));
    showState(pill, state(model, now()));
    const { all, text, part } = progress(model);
    bar.hidden = !all;
    bar.value = part;
    retext(epochs, text);
    const best = model.progress?.best;
    retext(value, best ? number(best.value) : "–");
    retext(metric, best ? best.name : "");
    showTime(time, model.last_seen);
    retext(agent, model.agent ?? "");
  };
  return made;
}

const lastPart = (text) => String(text).split("/").at(-1);

function showState(pill, word) {
  retext(pill, word);
  pill.dataset.state = word;
}

function showTime(time, seconds) {
  if (typeof seconds !== "number") {
    retext(time, "never");
    return;
  }
  retext(time, ago(now() - seconds));
  time.dateTime = new Date(seconds * 1000).toISOString();
  time.title = date(seconds);
}

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
  const root = ROOT.href.replace(/\/$/, "");
  const lines = (secret) =>
    `export ULTRALYTICS_HUB_API=${root} ULTRALYTICS_HUB_WEB=${root}\n` +
    `export HUB_API_KEY=${secret}\n` +
    "hubport models create --weights yolov8n.pt --data coco8.yaml --epochs 100";
  return [
    element(
      "div", { class: "empty" },
      element("h2", {}, "No models yet"),
      element("p", {}, "Create the first one on the command line. It appears here by itself."),
      element(
        "div", { class: "lines" },
        element("pre", { tabindex: 0, role: "region", "aria-label": "How to create a model" }, lines(`…${(key() ?? "").slice(-4)}`)),
        copyButton(() => lines(key() ?? ""), "Copy the lines to create a model"),
      ),
      element("p", { class: "muted small" }, "Shown without your key, copied with it."),
    ),
  ];
}
