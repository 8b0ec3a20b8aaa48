// What both pages are set in: the form for the key, the notice, and how a page waits.
//
// The one rule: a page runs while there is a key. Without one, or with one that the HUB does not take, there is the form
// and a sentence that says what to do, and nothing is asked meanwhile.

import { Refused } from "./api.js";
import { element, fill, retext } from "./dom.js";
import { forget, isKey, keep, key, takeFromAddress, watch } from "./key.js";

const parts = Object.fromEntries(["forget", "notice", "key", "page"].map((id) => [id, document.getElementById(id)]));
let running = new AbortController();

/** Run `page(signal)` for as long as there is a key; what it throws but a refused key is shown. */
export function start(page) {
  const run = async (taken) => {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    notice("");
    if (taken === "wrong") return askForKey(`What the link has after “key=” is no key: ${SHAPE}`);
    if (key() === null) return askForKey("");
    parts.key.hidden = true;
    parts.page.hidden = parts.forget.hidden = false;
    try {
      await page(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused && error.status === 401)) throw error;
      forget(error.used);
      if (key() !== null) return run();
      askForKey("The HUB does not take this key: check that it is this HUB’s and whole, or make a new one with “hubport keys create”.");
    }
  };
  const askForKey = (reason) => {
    parts.page.hidden = parts.forget.hidden = true;
    parts.key.hidden = false;
    fill(parts.key, ...keyForm(reason, run));
    parts.key.querySelector("input").focus();
  };
  parts.forget.addEventListener("click", () => {
    forget();
    run();
  });
  watch(() => run(takeFromAddress()));
  run(takeFromAddress());
}

const SHAPE = "a key has 42 letters and digits.";

function keyForm(reason, run) {
  const error = element("p", { id: "key-error", class: "error", role: "alert" }, reason);
  const input = element("input", {
    id: "key-input", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false",
    "aria-describedby": "key-error key-help",
  });
  const form = element(
    "form", {},
    element("label", { for: "key-input" }, "Key"),
    element("div", { class: "row" }, input, element("button", { type: "submit" }, "Show")),
    error,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = input.value.trim();
    if (isKey(typed)) {
      keep(typed);
      run();
      document.getElementById("content").focus();
    } else {
      retext(error, typed === "" ? `Paste the key: ${SHAPE}` : `This is no key: ${SHAPE} This has ${typed.length} characters.`);
      input.setAttribute("aria-invalid", "true");
      input.focus();
    }
  });
  return [
    element("h1", {}, "This HUB asks for a key"),
    form,
    element(
      "p", { id: "key-help", class: "muted" },
      "“hubport serve” prints a key, and a link with it, when it starts for the first time. More are made with ",
      element("code", {}, "hubport keys create"), ". The key stays in this browser and is sent to this HUB alone.",
    ),
  ];
}

/** Say something above the page; nothing with an empty text. */
export function notice(text) {
  retext(parts.notice, text);
  parts.notice.hidden = text === "";
}

/** What to say of an error, and for how many milliseconds to wait after the `failures`-th in a row. */
export function trouble(error, failures) {
  const told = error instanceof Refused ? error.wait * 1000 : 0;
  const wait = Math.max(told, Math.min(1000 * 2 ** (failures - 1), 15_000));
  const said = error instanceof Refused ? sentence(error.message) : error.message;
  return { wait, said, text: `${said} What you see may be old. Trying again …` };
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/[^.!?]$/, "$&.");

/** Wait until somebody looks at the page: what nobody sees asks for nothing. */
export async function seen(signal) {
  while (document.hidden) await once(document, "visibilitychange", signal);
  signal.throwIfAborted();
}

/** Wait so many milliseconds; less when the network comes back, or `hurry()` is called. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (settle) => {
      clearTimeout(timer);
      over.abort();
      settle();
    };
    const timer = setTimeout(() => end(resolve), milliseconds);
    const options = { signal: over.signal };
    addEventListener("online", () => end(resolve), options);
    hurries.addEventListener("hurry", () => end(resolve), options);
    signal.addEventListener("abort", () => end(() => reject(signal.reason)), options);
  });
}

const hurries = new EventTarget();

/** End every pause. */
export const hurry = () => hurries.dispatchEvent(new Event("hurry"));

function once(target, name, signal) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (settle) => {
      over.abort();
      settle();
    };
    target.addEventListener(name, () => end(resolve), { signal: over.signal });
    signal.addEventListener("abort", () => end(() => reject(signal.reason)), { signal: over.signal });
  });
}
