// One team over a day, a week or a month.

import { bounds, clockChange, daysBetween, plusDays, spanTitle, step, today, type Span } from "../calendar.js";
import { bar } from "../charts/bar.js";
import { oneMeasure, stackedColumns } from "../charts/columns.js";
import { type Chart, figure } from "../charts/figure.js";
import { dayBlocks, dayMeasure, weekOfBlocks } from "../charts/hours.js";
import { swatch } from "../charts/textures.js";
import type { Context, View } from "../context.js";
import { type Child, h } from "../dom.js";
import { every } from "../every.js";
import { peopleText, percentText, released, spoken, STATE_MEANINGS, STATE_NAMES, STATES } from "../numbers.js";
import { details, head, note, part } from "../parts.js";
import { Problem } from "../problem.js";
import { formatRoute } from "../route.js";
import type { Numbers, Row, State, Summary, Team } from "../types.js";
import { summaryTable } from "./summary_table.js";
import { DAYS_TO_RELEASE } from "./teams.js";
import { notShown, remarks, statusLegend } from "./unshown.js";

export async function teamView(context: Context, id: string, span: Span, asked: string | null): Promise<View> {
  const teams = await every(context, "/v1/teams", (page) => page.teams);
  const team = teams.find((one) => one.id === id);
  if (!team) throw new Problem("missing", "There is no such team, or it is not one of yours. Choose one from the list of teams.");
  const newest = plusDays(today(team.time_zone, context.now()), -DAYS_TO_RELEASE);
  const day = asked ?? newest;
  const [from, to] = bounds(span, day);
  const ask = (bucket: string) =>
    context.client.get("/v1/teams/{team}/summary", { team: id }, { from, to, bucket }, context.signal);
  const summary = await ask(span === "day" ? "block" : "day");
  const blocks = span === "week" ? await ask("block") : null;
  const body = h(
    "div",
    {},
    head(team.name, h("p", { class: "lead" }, `${spanTitle(span, day)}, by the clock in ${zone(summary)}`)),
    controls(context, team, span, day, today(team.time_zone, context.now())),
    daysBetween(from, to).map((one) => {
      const change = clockChange(one, summary.time_zone);
      return change ? note(change) : null;
    }),
    together(summary, span),
    summary.total ? charts(summary, blocks, span) : null,
    notShown(summary, span, team.id),
    remarks(summary),
    summary.total ? part("The same as a table", [details("Show the table", summaryTable(summary, span, team.id))]) : null,
    blocks?.total
      ? h("div", { class: "more-table" }, details("Show the table of the week's blocks", summaryTable(blocks, "day", team.id)))
      : null,
    part("How these numbers are made", [
      h("p", {}, summary.rule.text.replace("at least k people", `at least ${summary.rule.k} people`)),
      h("p", {}, "Shares are parts of the time in which somebody looked. Bars fill their length: rounded shares need not add to 100, so they are drawn in proportion, “5 or less” as 2.5. A pause, a call and a lunch break are all “not observed”; nobody learns which."),
      h("ul", { class: "meanings" }, STATES.map((state) => h("li", {}, swatch(state), h("strong", {}, STATE_NAMES[state]), " ", STATE_MEANINGS[state]))),
    ]),
  );
  return { title: `${team.name}, ${spanTitle(span, day)}`, body };
}

function zone(summary: Summary): string {
  return summary.time_zone.replace(/_/g, " ");
}

function controls(context: Context, team: Team, span: Span, day: string, todayThere: string): HTMLElement {
  const to = (to: Span, on: string) => formatRoute({ page: "team", team: team.id, span: to, day: on });
  const [, last] = bounds(span, day);
  const names: Readonly<Record<Span, string>> = { day: "Day", week: "Week", month: "Month" };
  const picked = h("input", {
    type: "date",
    id: "on-day",
    value: day,
    max: todayThere,
    "aria-label": "Go to the day",
    onchange: (event) => {
      const value = (event.target as HTMLInputElement).value;
      if (value) location.hash = to(span, value);
    },
  });
  return h(
    "div",
    { class: "controls" },
    h(
      "nav",
      { "aria-label": "How much time", class: "spans" },
      (Object.keys(names) as Span[]).map((one) =>
        h("a", { id: `span-${one}`, href: to(one, one === "day" ? dayFor(span, day) : day), "aria-current": one === span ? "true" : null }, names[one]),
      ),
    ),
    h(
      "div",
      { class: "row" },
      h("a", { class: "button quiet", id: "before", href: to(span, step(span, day, -1)) }, `${names[span]} before`),
      picked,
      last < todayThere
        ? h("a", { class: "button quiet", id: "after", href: to(span, step(span, day, 1)) }, `${names[span]} after`)
        : h("span", { class: "button quiet off", "aria-hidden": "true" }, `${names[span]} after`),
    ),
    h(
      "div",
      { class: "row" },
      csvButton(context, team, span, day, span === "month" ? "day" : "block"),
      span === "week" ? csvButton(context, team, span, day, "day") : null,
    ),
  );
}

function dayFor(span: Span, day: string): string {
  return span === "day" ? day : bounds(span, day)[0];
}

function csvButton(context: Context, team: Team, span: Span, day: string, bucket: string): HTMLElement {
  const [from, to] = bounds(span, day);
  const said = h("span", {}, `CSV by ${bucket}`);
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet",
      id: `csv-${bucket}`,
      onclick: () => {
        button.disabled = true;
        context.client
          .csv("/v1/teams/{team}/summary", { team: team.id }, { from, to, bucket })
          .then(({ name, blob }) => {
            const link = h("a", { href: URL.createObjectURL(blob), download: name });
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
            context.say(`${name} was handed to your browser.`);
          })
          .catch((problem: unknown) => {
            if (problem instanceof Problem && problem.kind === "signed_out") return context.reload();
            const text = problem instanceof Problem ? problem.message : "The file could not be made.";
            said.textContent = "CSV: try again";
            context.say(text);
            return undefined;
          })
          .finally(() => {
            button.disabled = false;
          });
      },
    },
    said,
  );
  return button;
}

function together(summary: Summary, span: Span): HTMLElement {
  const title = span === "day" ? "The day together" : span === "week" ? "The week together" : "The month together";
  if (!summary.total) {
    return part(title, [h("p", { class: "lead" }, "There is no number to show here."), note("Why is said below.")]);
  }
  const { total } = summary;
  return part(title, [
    h("p", { class: "unseen" }, spoken(total)),
    bar(total.shares, 28),
    h("dl", { class: "figures" }, STATES.map((state) => figureOf(swatch(state), STATE_NAMES[state], percentText(total.shares[state])))),
    h(
      "dl",
      { class: "figures beside" },
      figureOf(swatch("coverage"), "Coverage", percentText(total.coverage), "of the time, somebody was observed"),
      figureOf(null, "People", peopleText(total.people), "behind every part of these numbers, at least"),
    ),
  ]);
}

function figureOf(mark: Element | null, name: string, value: string, more: Child = null): HTMLElement {
  const [number = "", ...rest] = value.split(" %");
  const words = rest.length ? [number, h("small", {}, ` %${rest.join("")}`)] : [value];
  return h("div", {}, h("dt", {}, mark, name), h("dd", { class: "figure nums" }, words), more ? h("dd", { class: "note" }, more) : null);
}

function charts(summary: Summary, blocks: Summary | null, span: Span): Node[] {
  const { rows } = summary;
  const say = (what: string) => `${what}. The table below says the same.`;
  const stacked: Chart =
    span === "day"
      ? { label: say("Blocks of the day with the states stacked"), options: dayBlocks(rows) }
      : { label: say("Days with the states stacked"), options: stackedColumns(rows) };
  const measure = (name: State | "coverage", of: (row: Row & Numbers) => Numbers["coverage"]) =>
    span === "day" ? dayMeasure(rows, name, of) : oneMeasure(rows, name, of);
  const multiple = (name: State | "coverage", title: string, of: (row: Row & Numbers) => Numbers["coverage"]) =>
    h("div", { class: "multiple" }, h("h3", {}, swatch(name), title), figure({ label: say(`${title} by itself`), options: measure(name, of) }));
  const parts = [
    part(span === "day" ? "Through the day" : "Day by day", [
      legendOf(),
      figure(stacked),
      statusLegend(rows),
    ]),
  ];
  if (blocks && released(blocks.rows).length) {
    parts.push(
      part("When in the day", [figure({ label: say("Each day's blocks at their time of day"), options: weekOfBlocks(blocks.rows) })]),
    );
  }
  parts.push(
    part("Each by itself", [
      h(
        "div",
        { class: "multiples" },
        STATES.map((state) => multiple(state, STATE_NAMES[state], (row) => row.shares[state])),
        multiple("coverage", "Coverage", (row) => row.coverage),
      ),
      note("In percent, all on one scale."),
    ]),
  );
  return parts;
}

function legendOf(): HTMLElement {
  return h("ul", { class: "legend" }, STATES.map((state) => h("li", {}, swatch(state), STATE_NAMES[state])));
}
