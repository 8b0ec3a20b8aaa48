// Lines to be pasted into a shell: those that start or resume a model's training, for each client.
//
// The one rule: nothing but this HUB's address, the ID and the key goes into a line that somebody will run; and the key
// is copied with the lines, but not shown.

import { ROOT, modelAddress } from "./api.js";
import { copyButton, element } from "./dom.js";
import { key } from "./key.js";

/** Where the HUB is and whose key it gets. */
export const environment = (root, secret) =>
  `export ULTRALYTICS_HUB_API=${root} ULTRALYTICS_HUB_WEB=${root}\nexport HUB_API_KEY=${secret}\n`;

const CLIENTS = [
  {
    name: "hubport",
    note: "A training loop of your own, in Python.",
    lines: (root, id, secret) => `${environment(root, secret)}python - <<'END'
import hubport

with hubport.connect("${id}") as session:
    print("train", session.model_file, "with", session.train_args)
    # session.log_metrics(epoch, {"train/loss": loss})
    # session.upload_checkpoint("last.pt", epoch=epoch)
    # session.finish("best.pt", epoch=epoch, map=0.42)
END`,
  },
  {
    name: "ultralytics 8.2 and later",
    note: "Up to 8.4.114, with hub-sdk beside it.",
    lines: (root, id, secret) => `${environment(root, secret)}python - <<'END'
from ultralytics import YOLO

YOLO("${root}/models/${id}").train()
END`,
  },
  {
    name: "ultralytics 8.0",
    note: "It knows its own address of the HUB alone, and takes the key as a part of it; the calls go to this HUB.",
    lines: (root, id, secret) => `export ULTRALYTICS_HUB_API=${root}
python - <<'END'
from ultralytics import YOLO

YOLO("https://hub.ultralytics.com/models/${secret}_${id}").train()
END`,
  },
];

/** A box with what `lines(root, secret)` gives; `label` is its own name, `said` that of its button. */
export function box(label, said, lines) {
  const root = ROOT.href.replace(/\/$/, "");
  const shown = lines(root, `…${(key() ?? "").slice(-4)}`);
  return element(
    "div", { class: "lines" },
    element("pre", { tabindex: 0, role: "region", "aria-label": label }, shown),
    copyButton(() => lines(root, key() ?? ""), said),
  );
}

/** What can be done with a model now: a heading, a sentence, and whether the lines below are of any use. */
export function howToGoOn({ state, status }) {
  if (state === "trained") {
    return { title: "Trained", note: "The final checkpoint is stored: there is nothing left to start. Download it above.", isOffered: false };
  }
  const isLive = state === "training";
  if (status === "training") {
    const live = "It is training now: a second training beside it would write into the same model. Once it has ended, each";
    return { title: "Resume", note: `${isLive ? live : "Each"} of these goes on from the newest checkpoint.`, isOffered: true };
  }
  if (isLive) {
    return { title: "Training", note: "It is training now. How to resume it is shown here once a checkpoint is stored.", isOffered: false };
  }
  return { title: "Start", note: "Each of these starts the training from the beginning.", isOffered: true };
}

/** One folded piece for each client, the first of them open. */
export function recipes(id) {
  // A model without a good ID has no page.
  if (modelAddress(id) === null) return [];
  return CLIENTS.map(({ name, note, lines }, place) =>
    element(
      "details", { open: place === 0 },
      element("summary", {}, name),
      element("p", { class: "muted small" }, note),
      box(`Lines for ${name}`, `Copy the lines for ${name}`, (root, secret) => lines(root, id, secret)),
    ),
  );
}
