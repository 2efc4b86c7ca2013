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

async function ask(path, patience = 5000) {
  const answer = await fetch(new URL(path, base), {
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(patience),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// Nobody there: nothing is asked, so that the panel and the camera can rest. It goes on with the first movement.
const REST = 10 * 60 * 1000;
let active = Date.now();
const unattended = () => Date.now() - active > REST;
const away = () => document.hidden || unattended();

// What Framekeep does now is true on every page for as long as it is open, or the page says that it does not know. It goes
// on asking after failures, and never jumps away under a reader's eyes: it offers to load again.
const USUAL = 3000;
const MOST = 30000;
const line = document.getElementById("state-line");
const stale = document.getElementById("stale");
const parts = (name) => document.querySelectorAll(`[data-live="${name}"]`);
const first = parts("title")[0].textContent;
let heard = line.dataset.heard;
let wait = USUAL / 3; // soon after loading: what was asked for a moment before has been done by then
let asking = false;
let timer = 0;

const say = (name, text) => {
  for (const part of parts(name)) if (part.textContent !== text) part.textContent = text;
};
const list = (name, texts) => {
  for (const part of parts(name)) {
    const lines = [...part.children].map((each) => each.textContent);
    if (lines.join("\n") === texts.join("\n")) continue;
    part.replaceChildren(
      ...texts.map((text) => {
        const paragraph = document.createElement("p");
        paragraph.textContent = text;
        if (name === "details") paragraph.className = "lead";
        return paragraph;
      }),
    );
  }
};
const show = (told) => {
  say("title", told.title);
  say("at", told.at);
  list("details", told.details);
  list("problems", told.problems);
  for (const part of parts("icon")) {
    part.setAttribute("class", `glyph ${told.icon}`);
    part.firstElementChild.setAttribute("href", `#g-${told.icon}`);
  }
  // What was true while the headline was the one the page came with.
  for (const part of document.querySelectorAll("[data-while]")) part.hidden = told.title !== first;
};
const unsure = (why) => show({ title: why, at: heard, icon: "attention", details: [], problems: [] });

async function follow() {
  clearTimeout(timer);
  if (asking || document.hidden) return; // whoever looks again asks at once
  if (unattended()) return unsure(line.dataset.rests);
  asking = true;
  try {
    const told = await ask("now/state");
    heard = told.heard;
    wait = USUAL;
    show(told);
    if (stale) stale.hidden = told[stale.dataset.by] === line.dataset[stale.dataset.by];
  } catch {
    wait = Math.min(2 * wait, MOST);
    unsure(line.dataset.lost);
  }
  asking = false;
  timer = setTimeout(follow, wait);
}

for (const sign of ["pointermove", "keydown", "scroll", "touchstart"]) {
  const noticed = () => {
    const rested = unattended();
    active = Date.now();
    if (rested) follow();
  };
  addEventListener(sign, noticed, { passive: true });
}
document.addEventListener("visibilitychange", () => document.hidden || follow());
addEventListener("pageshow", (event) => event.persisted && follow());
timer = setTimeout(follow, wait);

// The camera check asks for one picture after the other, only while its page can be seen.
const live = document.querySelector("#live:has(img)"); // without a camera there is nothing to ask for
if (live) {
  const image = live.querySelector("img");
  const overlay = live.querySelector("svg");
  const note = document.getElementById("live-note");
  const state = document.getElementById("live-state");
  const reasons = document.getElementById("live-reasons");
  let count = 0;
  let failures = 0;

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
    if (state.textContent !== (told.state ?? "–")) state.textContent = told.state ?? "–";
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
      failures = 0;
      next(pause);
    } catch {
      failures += 1;
      tell({ sentence: live.dataset.gone }); // nothing of the last picture stays: neither boxes nor reasons
      image.removeAttribute("src");
      follow();
      next(Math.min(1000 * 2 ** failures, MOST));
    }
  };
  image.addEventListener("load", () => after(200));
  image.addEventListener("error", () => after(2000));
  load();
}
