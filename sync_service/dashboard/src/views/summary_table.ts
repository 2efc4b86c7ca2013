// The table behind every chart: all that the charts say, in words and figures.

import { clock, shortDay, type Span } from "../calendar.js";
import { h } from "../dom.js";
import { duration, ground, peopleText, percentShort, STATE_NAMES, STATES } from "../numbers.js";
import { type Column, table } from "../parts.js";
import { formatRoute } from "../route.js";
import type { Row, Summary } from "../types.js";
import { STATUS_WORDS } from "./unshown.js";

export function summaryTable(summary: Summary, span: Span, team: string): HTMLElement {
  const link = (row: Row) =>
    span === "day"
      ? shortDay(row.day)
      : h("a", { href: formatRoute({ page: "team", team, span: "day", day: row.day }) }, shortDay(row.day));
  const columns: Column<Row>[] = [
    { name: "Day", heads: true, cell: link },
    { name: "Time", cell: (row) => (row.start && row.end ? h("span", { class: "nowrap" }, `${clock(row.start)}–${clock(row.end)}`) : "") },
    { name: "Minutes", number: true, cell: (row) => (row.minutes === null ? "" : duration(row.minutes)) },
    { name: "People", number: true, cell: (row) => peopleText(row.people ?? "") },
    ...STATES.map((state) => ({
      name: `${STATE_NAMES[state]}, %`,
      number: true,
      cell: (row: Row) => (row.shares ? percentShort(row.shares[state]) : ""),
    })),
    { name: "Coverage, %", number: true, cell: (row) => (row.coverage ? percentShort(row.coverage) : "") },
    { name: "Status", cell: (row) => [STATUS_WORDS[ground(row)], row.corrected ? ", corrected" : "", row.notes.length ? ", with a note" : ""] },
  ];
  return table(`In percent of the observed time; times by the clock in ${summary.time_zone.replace(/_/g, " ")}`, columns, summary.rows);
}
