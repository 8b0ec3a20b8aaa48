// Elements, made without any HTML text.
//
// The one rule: a text becomes a text node. What a trainer has named can look like markup and stays text, because no
// function here, and none that calls these, parses HTML.

/** An element; a child that is no node becomes text, and `null`, `undefined` and `false` become nothing. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  fill(made, ...children);
  return made;
}

/** Put `children` in place of what `parent` holds. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child != null && child !== false));
}

/** A text of a trainer: its direction is its own, and cannot turn the text around it. */
export function foreign(text, attributes = {}) {
  return element("bdi", { dir: "auto", ...attributes }, String(text));
}

/** Change the text of `node` only where it differs, so that a selection and a screen reader's place stay. */
export function retext(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Make the children of `parent` those of `items`, in their order. A child stays the same element for as long as its key
 * does, so that a list which is refreshed under a keyboard does not lose the focus.
 */
export function keyed(parent, items, keyOf, make) {
  const held = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = held.get(key);
    if (child === undefined) {
      child = make(item);
      child.dataset.key = key;
    }
    held.delete(key);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
    child.update?.(item);
  }
  for (const child of held.values()) child.remove();
}

/** Copies what `text()` gives; `said` is what a screen reader hears of the button, where "Copy" says too little. */
export function copyButton(text, said) {
  const button = element("button", { type: "button", class: "small", "aria-label": said }, "Copy");
  const live = element("span", { role: "status", class: "unseen" });
  let back;
  button.addEventListener("click", async () => {
    const done = await copy(text());
    retext(button, done ? "Copied" : "Not allowed");
    retext(live, done ? "Copied" : "The browser does not allow copying: select the text instead");
    clearTimeout(back);
    back = setTimeout(() => {
      retext(button, "Copy");
      retext(live, "");
    }, 2000);
  });
  return element("span", { class: "copy" }, button, live);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain http to another machine there is no clipboard for pages: the old way still works there.
    const area = element("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}
