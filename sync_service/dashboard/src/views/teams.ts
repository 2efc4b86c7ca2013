// Every team by name with one week's numbers. By name and never by number: this is no ranking.

import { bounds, plusDays, shortDay, spanTitle, step, today } from "../calendar.js";
import { bar } from "../charts/bar.js";
import { swatch } from "../charts/textures.js";
import type { Context, View } from "../context.js";
import { h } from "../dom.js";
import { every } from "../every.js";
import { count, NO_WORK_HOURS, peopleText, percentShort, percentText, released, spoken, STATE_NAMES, STATES } from "../numbers.js";
import { head, message, note, problemBox } from "../parts.js";
import { Problem } from "../problem.js";
import { formatRoute } from "../route.js";
import type { Summary, Team } from "../types.js";

const AT_A_TIME = 3;
/** Numbers are shown two days after their day: the newest week that can have some. */
export const DAYS_TO_RELEASE = 2;

export async function teamsView(context: Context, week: string | null): Promise<View> {
  const teams = await every(context, "/v1/teams", (page) => page.teams);
  const newest = plusDays(today("UTC", context.now()), -DAYS_TO_RELEASE);
  const day = week ?? newest;
  const [first, last] = bounds("week", day);
  const readable = teams.filter((team) => team.readable);
  const body = h("div", {}, head("Teams", readable.length ? weekControls(day, newest) : null));
  if (!teams.length) body.append(message("", ...emptyWords(context)));
  if (readable.length) body.append(legend());
  const list = h("ul", { class: "teams" });
  const slots = readable.map((team) => ({ team, slot: h("div", { class: "team-numbers" }, note("Reading …")) }));
  for (const team of [...teams].sort((a, b) => a.name.localeCompare(b.name, "en"))) {
    const slot = slots.find((one) => one.team === team)?.slot;
    list.append(teamLine(team, slot ?? notReadable(), day));
  }
  if (teams.length) body.append(list);
  if (readable.length) {
    body.append(
      note(
        "Teams stand in the order of their names. Opening this page reads each team's week, and the people in it see that in their own panel.",
      ),
    );
  }
  void fill(context, slots, first, last);
  return { title: "Teams", body };
}

function emptyWords(context: Context): string[] {
  if (context.me?.role === "manager") {
    return ["You have no team yet. An administrator gives a reader the teams they may read."];
  }
  return ["There is no team yet. Teams and their people are set up by an administrator; numbers follow once at least five people of a team have been measured."];
}

function weekControls(day: string, newest: string): HTMLElement {
  const [, last] = bounds("week", day);
  return h(
    "div",
    { class: "row apart" },
    h("p", { class: "lead" }, `Week of ${spanTitle("week", day)}`),
    h(
      "p",
      { class: "row" },
      h("a", { id: "before", href: formatRoute({ page: "teams", week: step("week", day, -1) }) }, "Week before"),
      last < newest ? h("a", { id: "after", href: formatRoute({ page: "teams", week: step("week", day, 1) }) }, "Week after") : null,
    ),
  );
}

export function legend(): HTMLElement {
  return h("ul", { class: "legend" }, STATES.map((state) => h("li", {}, swatch(state), STATE_NAMES[state])));
}

function teamLine(team: Team, slot: HTMLElement, day: string): HTMLElement {
  return h(
    "li",
    {},
    h(
      "div",
      { class: "team-name" },
      h(
        "h2",
        {},
        team.readable
          ? h("a", { href: formatRoute({ page: "team", team: team.id, span: "week", day: bounds("week", day)[0] }) }, team.name)
          : team.name,
      ),
      note(team.time_zone.replace(/_/g, " ")),
    ),
    slot,
  );
}

function notReadable(): HTMLElement {
  return h("div", { class: "team-numbers" }, note("This team's numbers are not yours to read."));
}

/** Ask for the weeks, a few at a time, and put each where it belongs as it comes. */
async function fill(
  context: Context,
  slots: readonly { readonly team: Team; readonly slot: HTMLElement }[],
  first: string,
  last: string,
): Promise<void> {
  const waiting = [...slots];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (context.signal.aborted) return;
      await fillOne(context, next.team, next.slot, first, last);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}

async function fillOne(context: Context, team: Team, slot: HTMLElement, first: string, last: string): Promise<void> {
  try {
    const query = { from: first, to: last, bucket: "day" };
    slot.replaceChildren(...week(await context.client.get("/v1/teams/{team}/summary", { team: team.id }, query, context.signal)));
  } catch (problem) {
    if (context.signal.aborted) return;
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind === "signed_out") return context.reload();
    const again = () => void fillOne(context, team, slot, first, last);
    slot.replaceChildren(problem.kind === "refused" ? note(problem.message) : problemBox(problem, again));
  }
}

function week(summary: Summary): Node[] {
  const { total } = summary;
  const days = released(summary.rows);
  if (!total) return [note(whyNone(summary))];
  return [
    h("p", { class: "unseen" }, spoken(total)),
    bar(total.shares, 20),
    h(
      "p",
      { class: "note nums", "aria-hidden": "true" },
      STATES.map((state) => h("span", { class: "pair-of" }, swatch(state), percentShort(total.shares[state]))),
    ),
    h(
      "p",
      { class: "note nums" },
      h("span", { class: "pair-of" }, `Could not tell ${percentText(total.shares.unknown)}`),
      h("span", { class: "pair-of" }, `Coverage ${percentText(total.coverage)}`),
      h("span", { class: "pair-of" }, `${peopleText(total.people)} people`),
      h("span", { class: "pair-of" }, daysWords(days.map((row) => row.day))),
    ),
  ];
}

function daysWords(days: readonly string[]): string {
  return `${count(days.length, "day")}: ${days.map((day) => shortDay(day).slice(0, 3)).join(", ")}`;
}

function whyNone(summary: Summary): string {
  const statuses = new Set(summary.rows.map((row) => row.status));
  if (statuses.has("suppressed") && summary.rows.some((row) => row.status === "suppressed" && row.explanation !== NO_WORK_HOURS)) {
    return "No number this week: on no day were enough people observed long enough.";
  }
  if (statuses.has("withdrawn")) return "This week's numbers were withdrawn.";
  return "This week's numbers are not fixed yet, or it is outside what is kept.";
}
