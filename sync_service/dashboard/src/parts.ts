// Pieces that several pages are made of.

import { type Child, freshId, h } from "./dom.js";
import type { Problem } from "./problem.js";

export interface Column<R> {
  readonly name: string;
  readonly cell: (row: R) => Child;
  readonly number?: boolean;
  /** The cell that names the row. */
  readonly heads?: boolean;
}

export function head(title: string, ...below: Child[]): HTMLElement {
  return h("header", { class: "head" }, h("h1", { tabindex: -1 }, title), below);
}

/** A part of a page under its own heading; `aside` stands at the heading's other end. */
export function part(title: string, children: readonly Child[], aside: Child = null): HTMLElement {
  const id = freshId("part");
  const heading = h("h2", { id }, title);
  return h(
    "section",
    { class: "part", "aria-labelledby": id },
    aside ? h("div", { class: "row apart" }, heading, aside) : heading,
    children,
  );
}

/**
 * A table that scrolls in its own frame where it is too wide. With `cards`, each row stands by itself on narrow screens;
 * the roles say that it is a table there too.
 */
export function table<R>(caption: string, columns: readonly Column<R>[], rows: readonly R[], cards = false): HTMLElement {
  const id = freshId("table");
  const role = (name: string) => (cards ? name : null);
  return h(
    "div",
    { class: "scroll", role: "group", "aria-labelledby": id, tabindex: 0 },
    h(
      "table",
      { class: cards ? "dense cards" : "dense", role: role("table"), "aria-labelledby": id },
      h("caption", { id }, caption),
      h(
        "thead",
        { role: role("rowgroup") },
        h(
          "tr",
          { role: role("row") },
          columns.map((column) =>
            h("th", { scope: "col", role: role("columnheader"), class: column.number ? "num" : null }, column.name || h("span", { class: "unseen" }, "What can be done")),
          ),
        ),
      ),
      h(
        "tbody",
        { role: role("rowgroup") },
        rows.map((row) => h("tr", { role: role("row") }, columns.map((column) => cell(column, row, role)))),
      ),
    ),
  );
}

function cell<R>(column: Column<R>, row: R, role: (name: string) => string | null): HTMLElement {
  if (column.heads) return h("th", { scope: "row", role: role("rowheader"), class: "nowrap" }, column.cell(row));
  const within = h("td", { role: role("cell"), class: column.number ? "num" : null, "data-name": column.name || null }, column.cell(row));
  if (!within.hasChildNodes()) within.classList.add("nothing");
  return within;
}

export function facts(pairs: readonly (readonly [string, Child])[]): HTMLElement {
  return h("dl", { class: "facts" }, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

export function details(summary: string, ...children: Child[]): HTMLElement {
  return h("details", {}, h("summary", {}, summary), children);
}

export function message(kind: "" | "warn" | "danger", ...children: Child[]): HTMLElement {
  const role = kind === "danger" ? "alert" : kind === "warn" ? "status" : "note";
  return h("div", { class: `message ${kind}`.trim(), role }, children.map((child) => h("p", {}, child)));
}

export function note(...children: Child[]): HTMLElement {
  return h("p", { class: "note" }, ...children);
}

/** A problem where its answer would have stood, with a way to try again. */
export function problemBox(problem: Problem, again: (() => void) | null): HTMLElement {
  return h(
    "div",
    { class: "message danger", role: "alert" },
    h("p", {}, problem.message),
    problem.requestId ? h("p", { class: "note" }, "Tell whoever runs the service this number: ", h("code", {}, problem.requestId)) : null,
    again ? h("p", {}, h("button", { type: "button", class: "quiet", onclick: again }, "Try again")) : null,
  );
}

/** A tag with a mark that differs by shape, not by colour alone. */
export function tag(kind: "full" | "half" | "open" | "turned", text: string): HTMLElement {
  return h("span", { class: `tag ${kind}` }, text);
}

export function field(label: string, control: HTMLElement, hint: Child = null): HTMLElement {
  const id = control.id || freshId("field");
  control.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hint ? h("small", {}, hint) : null);
}
