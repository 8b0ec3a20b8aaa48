// Calls to the HUB.
//
// The one rule: every call goes below the address that served this file, with the key in a header, and ends: with an
// answer, or within ten seconds.

import { key } from "./key.js";

/** Where the HUB is, with a slash at the end; a HUB behind a path of its own is one like any other. */
export const ROOT = new URL("..", import.meta.url);

const WITHIN = 10_000;
const FILE = /^\/files\/[0-9A-Za-z][0-9A-Za-z_-]{0,63}\/[0-9A-Za-z][0-9A-Za-z_.-]{0,127}$/;
const ID = /^[0-9A-Za-z]{20}$/;

// The HUB's clock less ours, in seconds: "last seen" is by the HUB's.
let ahead = 0;

/** Unix seconds, as the HUB has them. */
export const now = () => Date.now() / 1000 + ahead;

/** An answer that says no. `wait`: for how many seconds not to ask again, where the HUB said so. */
export class Refused extends Error {
  constructor(status, message, used, wait) {
    super(message);
    this.status = status;
    this.used = used;
    this.wait = wait;
  }
}

/** No answer, or none of a HUB. */
export class Unreachable extends Error {}

/**
 * Ask for `path`; gives what `read` makes of the answer, which has to come within the same ten seconds.
 *
 * Throws `Refused`, `Unreachable`, or what `signal` was aborted with.
 */
export async function open(path, { signal, accept }, read) {
  const used = key();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), WITHIN);
  try {
    const answer = await fetch(new URL(path, ROOT), {
      headers: { accept, "x-api-key": used ?? "" },
      signal: AbortSignal.any([signal, late.signal]),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
    });
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (!Number.isNaN(date)) ahead = (date - Date.now()) / 1000;
    if (answer.ok) return await read(answer);
    throw new Refused(answer.status, await message(answer), used, Number(answer.headers.get("retry-after")) || 0);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Refused) throw error;
    if (late.signal.aborted) throw new Unreachable("The HUB takes too long to answer.", { cause: error });
    // Something that is no JSON is a page of a proxy, and no answer.
    const what = error instanceof SyntaxError ? "What answers is not the HUB." : "The HUB does not answer.";
    throw new Unreachable(what, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** The `data` of the answer to `path`. */
export const ask = (path, { signal }) => open(path, { signal, accept: "application/json" }, data);

/** The `data` of an answer in JSON. */
export const data = async (answer) => (await answer.json()).data;

async function message(answer) {
  try {
    return String((await answer.json()).message || `The HUB answered ${answer.status}.`);
  } catch {
    return `The HUB answered ${answer.status}.`;
  }
}

/** The page of a model, or `null` for what is no model's ID. */
export function modelAddress(id) {
  return typeof id === "string" && ID.test(id) ? new URL(`models/${id}`, ROOT).href : null;
}

/** The ID in this page's address, or `null`. */
export function modelInAddress() {
  const last = location.pathname.replace(/\/$/, "").split("/").at(-1);
  return ID.test(last) ? last : null;
}

/**
 * Where to download a file whose address the HUB gave: the same path at the host that this page is from, since a HUB can
 * be reached under many names. `null` for an address that is no file's.
 */
export function fileAddress(given) {
  let path;
  try {
    path = new URL(given, ROOT).pathname;
  } catch {
    return null;
  }
  path = path.slice(Math.max(path.lastIndexOf("/files/"), 0));
  return FILE.test(path) ? new URL(path.slice(1), ROOT).href : null;
}
