// People and the teams they are in, for administrators. Nothing that was measured is on this page.

import { deed } from "../act.js";
import { monthTitle } from "../calendar.js";
import type { Context, View } from "../context.js";
import { type Child, h } from "../dom.js";
import { every } from "../every.js";
import { count } from "../numbers.js";
import { field, head, note, part, table } from "../parts.js";
import { formatRoute } from "../route.js";
import type { Approval, Person, Team } from "../types.js";

const MOST_SHOWN = 200;

export async function peopleView(context: Context, team: string | null): Promise<View> {
  const people = await every(context, "/v1/people", (page) => page.people);
  const teams = await every(context, "/v1/teams", (page) => page.teams);
  const sorted = [...people].sort((a, b) => a.name.localeCompare(b.name, "en"));
  const place = h("div", { class: "stack" });
  const search = h("input", { type: "search", id: "name", autocomplete: "off", spellcheck: "false" });
  const filter = teamSelect(teams, "filter", "Every team", team);
  const show = () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    const found = sorted.filter(
      (one) => one.name.toLocaleLowerCase().includes(wanted) && (filter.value === "" || one.team === filter.value),
    );
    place.replaceChildren(...list(found));
  };
  search.addEventListener("input", show);
  filter.addEventListener("change", () => {
    history.replaceState(null, "", formatRoute({ page: "people", team: filter.value || null }));
    show();
  });
  show();
  return {
    title: "People",
    body: h(
      "div",
      {},
      head("People", h("p", { class: "lead" }, `${count(people.length, "person", "people")} in ${count(teams.length, "team")}.`)),
      people.length ? h("div", { class: "controls" }, field("Find a person", search), field("Team", filter)) : null,
      people.length ? place : null,
      teams.length ? part("Somebody new", [addPerson(context, teams), note("A new colleague is a member from next month on and counts in the team's numbers after ten days at work. Everybody in the team sees their name.")]) : null,
      part("A new team", [addTeam(context)]),
    ),
  };
}

/** What has become of a request, in words. */
export function outcome(answer: unknown): Node {
  const asked = answer as Approval;
  const from = asked.counts_from ? ` from ${monthTitle(asked.counts_from)} on` : "";
  if (asked.state === "approved") return document.createTextNode(`Done: ${asked.person_name} is in ${asked.team_name}${from}.`);
  if (asked.nobody_to_agree) {
    return document.createTextNode("Asked, but there is no other administrator who could agree. Add a second one on the service's machine.");
  }
  return h("span", {}, "It waits for another administrator: ", h("a", { href: "#/approvals" }, "see the approvals"), ".");
}

export function teamSelect(teams: readonly Team[], id: string, none: string, chosen: string | null): HTMLSelectElement {
  return h(
    "select",
    { id },
    h("option", { value: "" }, none),
    teams.map((team) => h("option", { value: team.id, selected: team.id === chosen }, team.name)),
  );
}

function list(people: readonly Person[]): HTMLElement[] {
  if (!people.length) return [note("Nobody of that name is here.")];
  const shown = people.slice(0, MOST_SHOWN);
  return [
    table(
      "By name",
      [
        { name: "Person", heads: true, cell: (one: Person): Child => h("a", { href: formatRoute({ page: "person", person: one.id }) }, one.name) },
        { name: "Team", cell: (one) => one.team_name ?? "none" },
        { name: "Member since", cell: (one) => (one.since ? monthTitle(one.since) : "") },
      ],
      shown,
      true,
    ),
    ...(people.length > shown.length ? [note(`${shown.length} of ${people.length} are shown. Type part of a name to find the others.`)] : []),
  ];
}

function addPerson(context: Context, teams: readonly Team[]): HTMLElement {
  const name = h("input", { type: "text", id: "new-name", maxlength: 200, autocomplete: "off" });
  const team = teamSelect(teams, "new-team", "Choose a team", null);
  return deed(context, [h("div", { class: "pair narrowed" }, field("Name", name), field("Team", team))], {
    label: "Ask to add",
    id: "add-person",
    missing: () => (name.value.trim() === "" ? "Enter the person's name." : team.value === "" ? "Choose the team they join." : ""),
    act: async (id) => {
      const answer = await context.client.send("POST", "/v1/people", {}, { id, name: name.value.trim(), team: team.value });
      name.value = "";
      return outcome(answer);
    },
  });
}

function addTeam(context: Context): HTMLElement {
  const name = h("input", { type: "text", id: "team-name", maxlength: 200, autocomplete: "off" });
  const zones = h("datalist", { id: "zones" }, Intl.supportedValuesOf("timeZone").map((zone) => h("option", { value: zone })));
  const zone = h("input", { type: "text", id: "team-zone", list: "zones", placeholder: "Europe/Berlin", autocomplete: "off" });
  return deed(context, [h("div", { class: "pair narrowed" }, field("Name", name), field("Time zone", zone, "Its days and work hours go by this clock.")), zones], {
    label: "Make the team",
    id: "add-team",
    missing: () => (name.value.trim() === "" ? "Enter the team's name." : zone.value.trim() === "" ? "Choose the time zone the team works in." : ""),
    act: async (id) => {
      await context.client.send("POST", "/v1/teams", {}, { id, name: name.value.trim(), time_zone: zone.value.trim() });
      context.say(`${name.value.trim()} was made.`);
      context.reload();
      return null;
    },
  });
}
