// Who read what, and why they were let: for auditors and administrators.

import { instantIn, plusDays, shortDay, today } from "../calendar.js";
import type { Context, View } from "../context.js";
import { h } from "../dom.js";
import { field, head, message, note, part, table } from "../parts.js";
import { formatRoute } from "../route.js";
import type { LogEntry } from "../types.js";

const DEFAULT_DAYS = 14;

const ACTIONS: Readonly<Record<string, string>> = {
  teams: "The list of teams",
  team_summary: "A team's numbers",
  person_summary: "One person's days",
  policy: "The policy",
  devices: "The list of laptops",
  access_log: "This log",
  alerts: "The alerts",
  people: "The list of people",
  people_edit: "A change of people or teams",
  codes: "Enrolment codes",
  approve: "An approval",
  policy_edit: "A change of the policy",
  agreement: "The works agreement",
  readers: "The list of readers",
};

export async function logView(context: Context, from: string | null, to: string | null): Promise<View> {
  const newest = today("UTC", context.now());
  const last = to ?? newest;
  const first = from ?? plusDays(last, 1 - DEFAULT_DAYS);
  const answer = await context.client.get("/v1/access-log", {}, { from: first, to: last }, context.signal);
  const entries = [...answer.entries];
  const place = h("div", { class: "stack" });
  let next = answer.next ?? null;
  const show = () => {
    place.replaceChildren(list(entries));
    if (next) place.append(h("p", {}, h("button", { type: "button", id: "older", onclick: () => void older() }, "Show older entries")));
    else if (answer.more) place.append(note("There are older entries in this range: choose fewer days to see them."));
  };
  const older = async () => {
    const page = await context.client.get("/v1/access-log", {}, { from: first, to: last, after: next }, context.signal);
    entries.push(...page.entries);
    next = page.next ?? null;
    show();
    context.say(`${entries.length} entries are shown.`);
  };
  show();
  return {
    title: "Access log",
    body: h(
      "div",
      {},
      head("Access log", h("p", { class: "lead" }, "Every read and every refusal, written before it was answered. The people concerned see theirs in their own panel.")),
      range(first, last, newest),
      entries.length ? place : message("", "Nobody read anything in these days."),
      part("How it is kept", [
        h("p", {}, "Days and times are UTC, since readers and teams may be in different zones. Entries are kept for twelve months and cannot be changed. Opening this page is an entry too."),
      ]),
    ),
  };
}

function range(first: string, last: string, newest: string): HTMLElement {
  const from = h("input", { type: "date", id: "from", value: first, max: newest, required: true });
  const to = h("input", { type: "date", id: "to", value: last, max: newest, required: true });
  return h(
    "form",
    {
      class: "controls",
      onsubmit: (event) => {
        event.preventDefault();
        location.hash = formatRoute({ page: "log", from: from.value, to: to.value });
      },
    },
    field("From", from),
    field("To", to),
    h("button", { type: "submit", id: "show" }, "Show"),
  );
}

function list(entries: readonly LogEntry[]): HTMLElement {
  return table(
    "Newest first",
    [
      { name: "When (UTC)", heads: true, cell: (one: LogEntry) => instantIn("UTC", one.at) },
      { name: "Who", cell: (one) => [one.reader_name, one.reader_role ? h("small", { class: "under" }, one.reader_role, one.reader_scope ? `, for ${what(one.reader_scope).toLowerCase()}` : null) : null] },
      { name: "What", cell: (one) => [what(one.action), h("small", { class: "under" }, about(one))] },
      { name: "Why allowed", cell: (one) => (one.action.endsWith("_refused") ? h("strong", {}, "Refused") : one.allowed_because) },
    ],
    entries,
    true,
  );
}

function what(action: string): string {
  const read = action.replace(/_refused$/, "");
  return ACTIONS[read] ?? read.replace(/_/g, " ");
}

function about(entry: LogEntry): string {
  const days =
    entry.from_day && entry.to_day
      ? entry.from_day === entry.to_day
        ? shortDay(entry.from_day)
        : `${shortDay(entry.from_day)} to ${shortDay(entry.to_day)}`
      : "";
  return [entry.team_name, days].filter(Boolean).join(", ");
}
