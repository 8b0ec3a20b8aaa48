// The key with which the pages ask.
//
// The one rule: a key is in the address for as long as it takes to read it, and is sent to this HUB alone.

const NAME = "hubport.key";
const SHAPE = /^[0-9A-Za-z]{42}$/;
// Where the browser keeps nothing for pages, a key lasts as long as the page.
let unkept = null;

export const isKey = (text) => SHAPE.test(text);

/** The key, or `null`. Read each time: another tab may have changed it. */
export function key() {
  try {
    return localStorage.getItem(NAME) ?? unkept;
  } catch {
    return unkept;
  }
}

export function keep(text) {
  unkept = text;
  try {
    localStorage.setItem(NAME, text);
  } catch {
    // Storage is full or switched off.
  }
}

/** Forget the key; only `which`, where one is given: another tab may have a better one by now. */
export function forget(which = key()) {
  if (which !== key()) return;
  unkept = null;
  try {
    localStorage.removeItem(NAME);
  } catch {
    // As above.
  }
}

/**
 * Take the key out of the address: of the fragment (`#key=`, as `hubport serve` prints it, which a browser sends to
 * nobody) or of the query (`?api_key=`, as links of the 8.3 clients have it).
 *
 * Gives "taken", "wrong" for something that is no key, or `null` where there was nothing to take.
 */
export function takeFromAddress() {
  const address = new URL(location.href);
  const fragment = new URLSearchParams(address.hash.slice(1));
  const found = fragment.get("key") ?? address.searchParams.get("api_key");
  if (found === null) return null;
  address.hash = "";
  address.searchParams.delete("api_key");
  // Replaced and not pushed: the way back must not lead to the key either.
  history.replaceState(history.state, "", address.pathname + address.search);
  if (!isKey(found)) return "wrong";
  keep(found);
  return "taken";
}

/** Call `changed` when another tab has kept or forgotten a key, or a link with one was pasted over this page's. */
export function watch(changed) {
  addEventListener("storage", (event) => {
    if (event.key === NAME || event.key === null) {
      unkept = null;
      changed();
    }
  });
  addEventListener("hashchange", () => {
    if (new URLSearchParams(location.hash.slice(1)).has("key")) changed();
  });
}
