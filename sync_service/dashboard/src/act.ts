// Something done rather than read: a form or a button, its answer said where it was asked, and never done twice.

import type { Context } from "./context.js";
import { type Child, h } from "./dom.js";
import { Problem } from "./problem.js";

/** A new random id: asking again with the same one is asking once. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface Deed {
  /** The words on the button, and its place in the page. */
  readonly label: string;
  readonly id: string;
  readonly main?: boolean;
  readonly quiet?: boolean;
  readonly danger?: boolean;
  /** What is missing before it can be done, in one sentence; an empty string when nothing is. */
  readonly missing?: () => string;
  /** Do it; `id` stays the same until it succeeds or something in the form changes. Answers what to say then. */
  readonly act: (id: string) => Promise<Child>;
}

/** A form around `fields` with one button, and below it what came of it. */
export function deed(context: Context, fields: readonly Child[], one: Deed): HTMLElement {
  let id = newId();
  const said = h("p", { class: "said", role: "status" });
  const wrong = h("p", { class: "problem", role: "alert" });
  const kind = [one.main ? "main" : "", one.quiet ? "quiet" : "", one.danger ? "danger" : ""].join(" ").trim();
  const button = h("button", { type: "submit", id: one.id, class: kind || null }, one.label);
  const form = h(
    "form",
    {
      class: "stack",
      novalidate: true,
      oninput: () => {
        id = newId();
        wrong.textContent = "";
      },
      onsubmit: (event) => {
        event.preventDefault();
        wrong.textContent = one.missing?.() ?? "";
        said.replaceChildren();
        if (wrong.textContent || button.disabled) return;
        button.disabled = true;
        one
          .act(id)
          .then((answer) => {
            id = newId();
            if (answer) said.append(...[answer].flat().filter((part) => part !== null) as Node[]);
          })
          .catch((problem: unknown) => {
            if (problem instanceof Problem && problem.kind === "signed_out") return context.reload();
            wrong.textContent = problem instanceof Problem ? problem.message : "This did not work. Try again.";
            return undefined;
          })
          .finally(() => {
            button.disabled = false;
          });
      },
    },
    fields,
    h("p", {}, button),
    wrong,
    said,
  );
  return form;
}
