// What one administrator asked for and another decides: nobody comes into a team by one person's word.

import { instantIn, monthTitle } from "../calendar.js";
import { deed } from "../act.js";
import type { Context, View } from "../context.js";
import { h } from "../dom.js";
import { every } from "../every.js";
import { count } from "../numbers.js";
import { head, message, note, part, table, tag } from "../parts.js";
import type { Approval } from "../types.js";

const STATES: Readonly<Record<Approval["state"], readonly ["full" | "half" | "open" | "turned", string]>> = {
  waiting: ["half", "Waits"],
  approved: ["full", "Agreed"],
  refused: ["turned", "Refused"],
  lapsed: ["open", "Lapsed"],
};
const MOST_SHOWN = 200;

export async function approvalsView(context: Context): Promise<View> {
  const all = await every(context, "/v1/approvals", (page) => page.approvals);
  const waiting = all.filter((one) => one.state === "waiting");
  const decided = all.filter((one) => one.state !== "waiting");
  return {
    title: "Approvals",
    body: h(
      "div",
      {},
      head(
        "Approvals",
        h("p", { class: "lead" }, waiting.length ? `${count(waiting.length, "request")} for a second administrator.` : "Nothing waits for a second administrator."),
      ),
      waiting.some((one) => one.nobody_to_agree)
        ? message("warn", ["There is no other administrator who could agree. Add a second one on the service's machine: ", h("code", {}, "framekeep-sync admin reader add")])
        : null,
      waiting.length ? h("ul", { class: "waiting-list" }, waiting.map((one) => request(context, one))) : null,
      decided.length ? part("Decided", [decidedTable(decided.slice(0, MOST_SHOWN))]) : null,
      part("Why two", [
        h("p", {}, "A team's number says little about any of its people because enough of them stand behind it. Whoever could add invented colleagues or move people about could make that number about one person, so each such act takes two administrators, is on record, and is shown to everybody in the team."),
      ]),
    ),
  };
}

export function sentence(one: Approval): string {
  return one.act === "person_add" ? `${one.person_name} joins ${one.team_name}` : `${one.person_name} moves to ${one.team_name}`;
}

function request(context: Context, one: Approval): HTMLElement {
  const own = one.asked_by !== null && one.asked_by === context.me?.id;
  const decide = (decision: "approve" | "refuse") => async () => {
    await context.client.send("POST", "/v1/approvals/{approval}", { approval: one.id }, { decision });
    context.say(`${sentence(one)}: ${decision === "approve" ? "agreed" : "refused"}.`);
    context.reload();
    return null;
  };
  return h(
    "li",
    {},
    h("h2", {}, sentence(one)),
    note(`Asked by ${one.asked_by_name ?? "whoever runs the service's machine"} on ${instantIn("UTC", one.asked_at)} UTC; lapses on ${instantIn("UTC", one.lapses_at)} UTC.`),
    own
      ? h("p", {}, "You asked for this: another administrator decides.")
      : h(
          "div",
          { class: "row" },
          deed(context, [], { label: "Agree", id: `agree-${one.id}`, act: decide("approve") }),
          deed(context, [], { label: "Refuse", id: `refuse-${one.id}`, act: decide("refuse") }),
        ),
  );
}

function decidedTable(rows: readonly Approval[]): HTMLElement {
  return table(
    "Newest first; times are UTC",
    [
      { name: "What", heads: true, cell: (one: Approval) => sentence(one) },
      { name: "Outcome", cell: (one) => tag(...STATES[one.state]) },
      { name: "Counts from", cell: (one) => (one.counts_from ? monthTitle(one.counts_from) : "") },
      { name: "Asked by", cell: (one) => [one.asked_by_name ?? "the service's machine", h("small", { class: "under" }, instantIn("UTC", one.asked_at))] },
      {
        name: "Decided by",
        cell: (one) =>
          one.alone
            ? ["one alone", h("small", { class: "under" }, "nothing was measured yet")]
            : [one.decided_by_name ?? "", one.decided_at ? h("small", { class: "under" }, instantIn("UTC", one.decided_at)) : null],
      },
    ],
    rows,
    true,
  );
}
