// Live parts only: every page says and does the same without this file, after loading it again.
"use strict";

const base = new URL("..", document.currentScript.src);

// Copy buttons appear where copying can work.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = words), 2000);
  });
}

async function ask(path) {
  const answer = await fetch(new URL(path, base), { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// Nobody there: nothing is asked, so that the panel and the camera can rest. It goes on with the first movement.
const REST = 10 * 60 * 1000;
let active = Date.now();
for (const sign of ["pointermove", "keydown", "scroll", "touchstart"])
  addEventListener(sign, () => (active = Date.now()), { passive: true });
const away = () => document.hidden || Date.now() - active > REST;

// The first page offers to load again when what it says has changed; it never jumps away under a reader's eyes.
const stale = document.getElementById("stale");
if (stale) {
  let first = null;
  const look = async () => {
    if (away()) return;
    try {
      const { key } = await ask("now/state");
      first ??= key;
      if (key !== first) stale.hidden = false;
    } catch {
      clearInterval(timer); // the panel has stopped; loading again says so
    }
  };
  const timer = setInterval(look, 5000);
  look();
}

// The camera check asks for one picture after the other, only while its page can be seen.
const live = document.getElementById("live");
if (live) {
  const image = live.querySelector("img");
  const overlay = live.querySelector("svg");
  const note = document.getElementById("live-note");
  const state = document.getElementById("live-state");
  const reasons = document.getElementById("live-reasons");
  let count = 0;

  const mark = (outline) => {
    const [x, y, width, height] = outline.box;
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ x, y, width, height })) box.setAttribute(name, `${100 * value}%`);
    box.setAttribute("class", `o-${outline.kind}${outline.counts ? "" : " aside"}`);
    const label = document.createElementNS("http://www.w3.org/2000/svg", "text");
    label.setAttribute("x", `${100 * x + 1}%`);
    label.setAttribute("y", `${100 * Math.max(0.05, y) - 1}%`);
    label.textContent = outline.label;
    return [box, label];
  };

  const tell = (told) => {
    const seen = told.sentence === undefined;
    note.hidden = seen;
    image.hidden = overlay.toggleAttribute("hidden", !seen);
    note.textContent = told.sentence ?? "";
    if (state.textContent !== (told.state ?? "")) state.textContent = told.state ?? "";
    reasons.replaceChildren(
      ...(told.reasons ?? []).map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }),
    );
    overlay.replaceChildren(...(told.outlines ?? []).flatMap(mark));
  };

  const next = (after) => setTimeout(() => (away() ? next(1000) : load()), after);
  const load = () => (image.src = new URL(`camera/picture?n=${(count += 1)}`, base));
  const after = async (pause) => {
    try {
      tell(await ask("camera/state"));
      next(pause);
    } catch {
      note.hidden = false;
      note.textContent = live.dataset.gone;
    }
  };
  image.addEventListener("load", () => after(200));
  image.addEventListener("error", () => after(2000));
  load();
}
