// One column a day: the states stacked, or one state by itself.

import { axisX, axisY, barY, gridY, type PlotOptions, ruleY } from "@observablehq/plot";
import { dayOfMonth, shortDay, weekdayOf } from "../calendar.js";
import { drawn, ground, percentText, pieces, released, STATE_NAMES } from "../numbers.js";
import type { Row, State, Told } from "../types.js";
import { texture } from "./textures.js";

const PERCENT = { domain: [0, 100] as [number, number] };
const LEFT = 46;

/** Rows of a `bucket=day` answer as stacked columns. */
export function stackedColumns(rows: readonly Row[]): (width: number) => PlotOptions {
  const bars = released(rows).flatMap((row) =>
    pieces(row.shares).map((piece) => ({
      ...piece,
      day: row.day,
      title: `${shortDay(row.day)}: ${STATE_NAMES[piece.state]} ${percentText(row.shares[piece.state])}`,
    })),
  );
  return (width) => ({
    height: width < 500 ? 220 : 300,
    marginLeft: LEFT,
    marginBottom: 34,
    x: { domain: rows.map((row) => row.day), padding: padding(rows.length) },
    y: PERCENT,
    marks: [
      gridY([25, 50, 75, 100], { stroke: "var(--rule)", strokeOpacity: 1 }),
      axisY([0, 50, 100], { tickSize: 0, label: null, tickFormat: (value: number) => `${value} %` }),
      empty(rows),
      barY(bars, {
        x: "day",
        y1: "from",
        y2: "to",
        fill: (bar: { state: State }) => texture(bar.state),
        insetTop: 0.75,
        insetBottom: 0.75,
        title: "title",
      }),
      ruleY([0], { stroke: "var(--rule-strong)" }),
      dayAxis(rows, width),
    ],
    color: { type: "identity" },
  });
}

/** One measure by itself on the scale that all have in common. */
export function oneMeasure(
  rows: readonly Row[],
  name: State | "coverage",
  of: (row: ReturnType<typeof released>[number]) => Told,
): (width: number) => PlotOptions {
  const bars = released(rows).map((row) => ({
    day: row.day,
    value: drawn(of(row)),
    title: `${shortDay(row.day)}: ${percentText(of(row))}`,
  }));
  return (width) => ({
    height: 132,
    marginLeft: 30,
    marginTop: 14,
    marginBottom: 22,
    x: { domain: rows.map((row) => row.day), padding: padding(rows.length) },
    y: PERCENT,
    marks: [
      gridY([50, 100], { stroke: "var(--rule)", strokeOpacity: 1 }),
      axisY([0, 50, 100], { tickSize: 0, label: null }),
      empty(rows, 6),
      barY(bars, { x: "day", y: "value", fill: texture(name), stroke: outline(name), insetTop: 0, title: "title" }),
      ruleY([0], { stroke: "var(--rule-strong)" }),
      smallAxis(rows, width),
    ],
    color: { type: "identity" },
  });
}

/** Days without a number, by why: textured grounds, never a column of height nought. */
function empty(rows: readonly Row[], height = 100) {
  const days = rows.filter((row) => row.shares === null);
  return barY(days, {
    x: "day",
    y1: 0,
    y2: height,
    fill: (row: Row) => texture(ground(row)),
    title: (row: Row) => `${shortDay(row.day)}: ${row.explanation ?? ""}`,
  });
}

function dayAxis(rows: readonly Row[], width: number) {
  const days = rows.map((row) => row.day);
  if (days.length <= 7) {
    const label = (day: string) => (width < 500 ? `${weekdayOf(day).slice(0, 2)}\n${dayOfMonth(day)}` : shortDay(day));
    return axisX(days, { tickSize: 0, label: null, tickFormat: label });
  }
  const every = width < 500 ? days.filter((day) => weekdayOf(day) === "Mon") : days;
  return axisX(every, {
    tickSize: 0,
    label: null,
    tickFormat: (day: string) => (width < 760 ? String(dayOfMonth(day)) : `${weekdayOf(day).slice(0, 2)}\n${dayOfMonth(day)}`),
  });
}

function smallAxis(rows: readonly Row[], width: number) {
  const days = rows.map((row) => row.day);
  if (days.length > 7) {
    const mondays = days.filter((day) => weekdayOf(day) === "Mon");
    return axisX(mondays, { tickSize: 0, label: null, tickFormat: (day: string) => String(dayOfMonth(day)) });
  }
  return axisX(days, { tickSize: 0, label: null, tickFormat: (day: string) => weekdayOf(day).slice(0, width < 240 ? 2 : 3) });
}

function outline(name: State | "coverage"): string {
  return name === "coverage" || name === "at_screen" ? "none" : `var(--${name.replace("_", "-")}-line)`;
}

function padding(days: number): number {
  return days > 7 ? 0.28 : 0.24;
}
