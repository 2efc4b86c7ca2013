// A new policy: what would change is shown in plain words before anything is published.

import type { Context } from "../context.js";
import { h } from "../dom.js";
import type { Policy } from "../documents.js";
import { hoursTerm } from "../hours.js";
import { field, note, part } from "../parts.js";
import { Problem } from "../problem.js";
import type { Change } from "../types.js";
import { changeList } from "./versions.js";

/** `policy`: the one in force, which a new one starts from and is compared with. */
export async function editing(context: Context, policy: Policy): Promise<Node | null> {
  const may = context.me?.may.includes("policy_edit") && (await context.client.has("POST", "/v1/policies"));
  if (!may) return null;
  const before = policy.work_hours.map(hoursTerm).join("\n");
  const hours = h("textarea", { id: "hours", rows: Math.max(2, policy.work_hours.length), spellcheck: "false" }, before);
  const interval = number("interval", policy.interval_seconds, 5, 60);
  const k = number("k", policy.k, 5, 1000);
  const single = check("individual", policy.individual_reports);
  const quit = check("quit", policy.may_quit !== false);
  const from = h("input", { type: "date", id: "effective" });
  const wrong = h("p", { class: "problem", role: "alert" });
  const shown = h("div", { class: "stack", role: "status" });

  const terms = (): Record<string, unknown> => ({
    ...(hours.value.trim() !== before ? { work_hours: hours.value.split("\n").map((line) => line.trim()).filter(Boolean) } : {}),
    ...(Number(interval.value) !== policy.interval_seconds ? { interval_seconds: Number(interval.value) } : {}),
    ...(Number(k.value) !== policy.k ? { k: Number(k.value) } : {}),
    ...(single.checked !== policy.individual_reports ? { individual_reports: single.checked } : {}),
    ...(quit.checked !== (policy.may_quit !== false) ? { may_quit: quit.checked } : {}),
    ...(from.value ? { effective: Date.parse(`${from.value}T00:00:00Z`) / 1000 } : {}),
  });
  const ask = async (asked: Record<string, unknown>, dry: boolean) =>
    (await context.client.send("POST", "/v1/policies", {}, { terms: asked, dry_run: dry })) as { id: string; changes: Change[] };
  const attempt = (button: HTMLButtonElement, act: () => Promise<void>) => {
    wrong.textContent = "";
    button.disabled = true;
    act()
      .catch((problem: unknown) => {
        if (problem instanceof Problem && problem.kind === "signed_out") return context.reload();
        wrong.textContent = problem instanceof Problem ? problem.message : "This did not work. Try again.";
        return undefined;
      })
      .finally(() => {
        button.disabled = false;
      });
  };
  const preview = h("button", { type: "submit", id: "preview" }, "Show what would change");
  const form = h(
    "form",
    {
      class: "stack",
      novalidate: true,
      oninput: () => shown.replaceChildren(),
      onsubmit: (event) => {
        event.preventDefault();
        const asked = terms();
        if (!Object.keys(asked).some((name) => name !== "effective")) {
          wrong.textContent = `Nothing is different from ${policy.id}. Change something first.`;
          return;
        }
        attempt(preview, async () => {
          const { id, changes } = await ask(asked, true);
          const publish = h("button", { type: "button", class: "main", id: "publish", onclick: () =>
            attempt(publish, async () => {
              await ask(asked, false);
              context.say(`${id} was published.`);
              context.reload();
            }) }, `Sign and publish ${id}`);
          shown.replaceChildren(h("h3", {}, `What ${id} would change`), changeList(changes), h("p", {}, publish));
        });
      },
    },
    field("Work hours", hours, "One stretch a line, such as mon-fri 08:00-18:00. Nothing is measured outside them."),
    h("div", { class: "pair narrowed" }, field("Seconds between two looks", interval), field("People behind a number, at least", k)),
    choice(single, "Reports about one person", "A manager of the team sees the days of its people by name; they are then in no team number."),
    choice(quit, "Everybody may quit Framekeep", "Without it the program stays open; pausing and declining are always possible."),
    h("div", { class: "narrow" }, field("Applies from", from, "The beginning of that day in UTC; at once when left empty. Every employee sees it coming.")),
    h("p", {}, preview),
    wrong,
    shown,
  );
  return part("A new policy", [form, note("The service signs it where it holds a signer's key, and refuses one that goes beyond the works agreement; so does every laptop.")]);
}

function number(id: string, value: number, min: number, max: number): HTMLInputElement {
  return h("input", { type: "number", id, value, min, max, inputmode: "numeric" });
}

function check(id: string, on: boolean): HTMLInputElement {
  return h("input", { type: "checkbox", id, checked: on });
}

function choice(box: HTMLInputElement, label: string, hint: string): HTMLElement {
  return h("div", { class: "choice" }, box, h("label", { for: box.id }, label, h("small", {}, hint)));
}
