// One person, as an administrator looks after them: their team and the codes for their laptops. Nothing that was
// measured is on this page, and nothing here leads to it.

import { deed } from "../act.js";
import { instantIn, monthTitle } from "../calendar.js";
import type { Context, View } from "../context.js";
import { h } from "../dom.js";
import { every } from "../every.js";
import { facts, field, head, message, note, part, table, tag } from "../parts.js";
import { Problem } from "../problem.js";
import type { Code } from "../types.js";
import { outcome, teamSelect } from "./people.js";

export async function personView(context: Context, id: string): Promise<View> {
  const people = await every(context, "/v1/people", (page) => page.people);
  const person = people.find((one) => one.id === id);
  if (!person) throw new Problem("missing", "There is no such person. They may have been erased; choose somebody from the list of people.");
  const teams = await every(context, "/v1/teams", (page) => page.teams);
  const codes = (await every(context, "/v1/codes", (page) => page.codes)).filter((code) => code.person === id);
  const team = teamSelect(teams.filter((one) => one.id !== person.team), "to-team", "Choose a team", null);
  return {
    title: person.name,
    body: h(
      "div",
      {},
      h("p", { class: "back" }, h("a", { href: "#/people" }, "All people")),
      head(person.name, h("p", { class: "lead" }, "Nothing that was measured is shown here.")),
      facts([
        ["Team", person.team_name ?? "none"],
        ["Member since", person.since ? monthTitle(person.since) : "not yet"],
      ]),
      part("Move to another team", [
        deed(context, [h("div", { class: "narrow" }, field("Team", team))], {
          label: "Ask to move",
          id: "move",
          missing: () => (team.value === "" ? "Choose the team they move to." : ""),
          act: async (request) =>
            outcome(await context.client.send("POST", "/v1/people/{person}/move", { person: id }, { id: request, team: team.value })),
        }),
        note("A move holds from next month on, takes a second administrator, and shows in the panel of everybody concerned."),
      ]),
      part("Enrolment codes", [
        deed(context, [], {
          label: "Make a code",
          id: "make-code",
          act: async (request) => {
            const made = (await context.client.send("POST", "/v1/codes", {}, { id: request, person: id })) as { code: string; expires_at: number };
            return h(
              "span",
              { class: "stack" },
              h("code", { class: "code" }, made.code),
              h("small", {}, `It is shown this once, works once, and until ${instantIn("UTC", made.expires_at)} UTC. Give it to ${person.name} in person.`),
            );
          },
        }),
        codes.length ? codeTable(context, codes) : message("", "No code was made for this person in the last days."),
      ]),
    ),
  };
}

function codeTable(context: Context, codes: readonly Code[]): HTMLElement {
  const now = context.now() / 1000;
  const state = (code: Code) => (code.used ? tag("full", "Used") : code.expires_at <= now ? tag("open", "Run out") : tag("half", "Open"));
  return table(
    "Times are UTC",
    [
      { name: "Made", heads: true, cell: (code: Code) => instantIn("UTC", code.created_at) },
      { name: "Holds until", cell: (code) => instantIn("UTC", code.expires_at) },
      { name: "State", cell: state },
      {
        name: "",
        cell: (code) =>
          !code.used && code.expires_at > now
            ? deed(context, [], {
                label: "Withdraw",
                id: `withdraw-${code.id}`,
                quiet: true,
                act: async () => {
                  await context.client.send("DELETE", "/v1/codes/{code}", { code: code.id });
                  context.reload();
                  return null;
                },
              })
            : null,
      },
    ],
    codes,
    true,
  );
}
