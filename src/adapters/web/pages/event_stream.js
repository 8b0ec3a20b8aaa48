// What happens to one model, as it happens.
//
// The one rule: nothing is missed. Each question names the revision that the page has, so that a broken connection, a
// page that was hidden and a HUB that was away all go on where they were.

import { Unreachable, ask, data, open } from "./api.js";
import { pause, seen, trouble } from "./page.js";

const EVERY = 3000;
// A stream that is silent for so long is taken for dead; one whose first event does not come is held back by a proxy.
const SILENCE = 60_000;
const FIRST = 8000;

/**
 * Yields `{ change }` for each change, `{ trouble }` with a sentence when there is no answer, and `{ reset }` when the
 * HUB has begun anew. Throws `Refused` for 401 and 404, which no waiting mends.
 *
 * Listens to a stream of events, and asks again and again where something between here and the HUB keeps streams back.
 * (`EventSource` cannot send the key.)
 */
export async function* follow(model, signal) {
  const place = { after: 0, polls: false };
  for (let failures = 0; ; ) {
    await seen(signal);
    try {
      for await (const change of place.polls ? asked(model, place, signal) : streamed(model, place, signal)) {
        if (!change?.model) throw new Unreachable("What answers is not the HUB.");
        failures = 0;
        if (change.revision < place.after) {
          place.after = 0;
          yield { reset: true };
          break;
        }
        place.after = change.revision;
        yield { change };
      }
    } catch (error) {
      if (signal.aborted || error.status === 401 || error.status === 404) throw error;
      failures += 1;
      const { wait, text } = trouble(error, failures);
      // A stream that ends is no news: only the question after it tells whether the HUB is there.
      if (!(error instanceof Ended)) yield { trouble: text };
      await pause(wait, signal);
    }
  }
}

class Ended extends Error {}

const address = (model, place) => `v1/models/${model}/changes?after=${place.after}`;

async function* asked(model, place, signal) {
  yield await ask(address(model, place), { signal });
  await pause(EVERY, signal);
}

async function* streamed(model, place, signal) {
  // Browsers open six connections to a server: a page that nobody sees must not keep one of them.
  const hidden = new AbortController();
  const hide = () => document.hidden && hidden.abort(new Ended());
  document.addEventListener("visibilitychange", hide);
  let timer;
  let isFirst = true;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      place.polls ||= isFirst;
      hidden.abort(new Ended());
    }, isFirst ? FIRST : SILENCE);
  };
  const until = AbortSignal.any([signal, hidden.signal]);
  try {
    const answer = await open(address(model, place), { signal: until, accept: "text/event-stream" }, (answer) => answer);
    if (!(answer.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      place.polls = true;
      yield await data(answer);
      return;
    }
    wait();
    for await (const change of events(answer.body, wait)) {
      isFirst = false;
      wait();
      yield change;
    }
  } catch (error) {
    // So many listen that the HUB takes no more.
    if (error.status === 503) place.polls = true;
    else if (signal.aborted || error.status !== undefined) throw error;
    // The connection was there and broke, or was broken off here.
    throw place.polls || until.aborted || error instanceof TypeError ? new Ended("", { cause: error }) : error;
  } finally {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", hide);
    hidden.abort();
  }
  throw new Ended();
}

/** The data of the events in `body`; `heard` is called for whatever comes, comments too. */
async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = [];
  let lines = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    rest.push(value);
    // Put together once: the first event of a long training comes in hundreds of pieces.
    if (!value.includes("\n")) continue;
    const come = rest.join("").split(/\r?\n/);
    rest = [come.pop()];
    for (const line of come) {
      if (line.startsWith("data:")) lines.push(line.slice(5));
      if (line !== "" || lines.length === 0) continue;
      const event = parsed(lines.join("\n"));
      lines = [];
      // The envelope of a refusal: the next question gets it with its status.
      if (event.success === false) return;
      yield event;
    }
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Unreachable("What answers is not the HUB.", { cause: error });
  }
}
