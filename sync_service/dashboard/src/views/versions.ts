// Every policy there was: since when, by whom, and what is different now, in plain words.

import { instantIn } from "../calendar.js";
import type { Context } from "../context.js";
import { h } from "../dom.js";
import { every } from "../every.js";
import { note, part, table, tag } from "../parts.js";
import { formatRoute } from "../route.js";
import type { Change, Version } from "../types.js";

const STATES: Readonly<Record<Version["state"], readonly ["full" | "half" | "open" | "turned", string]>> = {
  in_force: ["full", "In force"],
  coming: ["half", "To come"],
  past: ["open", "Past"],
  withdrawn: ["turned", "Overtaken"],
};

/** `current`: the policy in force; `since`: the one it is compared with, where somebody asked for that. */
export async function versions(context: Context, current: string, since: string | null): Promise<Node | null> {
  if (!(await context.client.has("GET", "/v1/policies"))) return null;
  const all = await every(context, "/v1/policies", (page) => page.policies);
  const coming = all.filter((one) => one.state === "coming");
  const parts: Node[] = [];
  for (const one of coming) {
    const { changes } = await differences(context, one.id, current);
    parts.push(
      h("div", { class: "stack" }, h("h3", {}, `${one.id} applies from ${instantIn("UTC", one.effective)} UTC on`), changeList(changes)),
    );
  }
  if (since !== null && since !== current) {
    const { changes } = await differences(context, current, since);
    parts.push(h("div", { class: "stack" }, h("h3", {}, `What changed from ${since} to ${current}`), changeList(changes)));
  }
  return part("Versions", [
    ...parts,
    table(
      "Newest first; times are UTC",
      [
        { name: "Policy", heads: true, cell: (one: Version) => one.id },
        { name: "State", cell: (one) => [tag(...STATES[one.state]), one.beyond_agreement ? h("small", { class: "under" }, "goes beyond the agreement: refused") : null] },
        { name: "Applies from", cell: (one) => instantIn("UTC", one.effective) },
        { name: "Published by", cell: (one) => one.published_by ?? "the service's machine" },
        {
          name: "Compare",
          cell: (one) =>
            one.id === current || one.state === "coming"
              ? null
              : h("a", { id: `since-${one.id}`, href: formatRoute({ page: "policy", since: one.id }) }, "What changed since"),
        },
      ],
      all,
      true,
    ),
  ]);
}

function differences(context: Context, policy: string, since: string) {
  return context.client.get("/v1/policies/{policy}/changes", { policy }, { since }, context.signal);
}

/** Changes as sentences; what lets more be measured or seen says so. */
export function changeList(changes: readonly Change[]): HTMLElement {
  if (!changes.length) return note("Nothing is different.");
  return h(
    "ul",
    { class: "changes" },
    changes.map((change) =>
      h("li", {}, change.text, change.widens ? h("strong", { class: "widens" }, " More may be measured or seen than before.") : null),
    ),
  );
}
