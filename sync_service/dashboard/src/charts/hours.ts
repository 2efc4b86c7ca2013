// Blocks where they lie in the day: one day on its own axis, or the days of a week under one clock.

import { axisFy, axisX, axisY, gridX, gridY, type PlotOptions, rect, ruleY, text } from "@observablehq/plot";
import { clock, dayOfMonth, offsetMinutes, shortDay, wallMinutes, weekdayOf } from "../calendar.js";
import { drawn, ground, percentText, pieces, released, STATE_NAMES } from "../numbers.js";
import type { Row, State, Told } from "../types.js";
import { texture } from "./textures.js";

const HOUR = 3_600_000;
const LEFT = 46;
const SHORT: Readonly<Record<ReturnType<typeof ground>, string>> = {
  day_off: "no work hours",
  released: "",
  suppressed: "no number is shown",
  withdrawn: "withdrawn",
  not_released: "not fixed yet",
};

interface Placed {
  readonly row: ReturnType<typeof released>[number];
  readonly start: number;
  readonly end: number;
}

function placed(rows: readonly Row[]): Placed[] {
  return released(rows)
    .filter((row) => row.start !== null && row.end !== null)
    .map((row) => ({ row, start: Date.parse(row.start!), end: Date.parse(row.end!) }));
}

/** Whole hours of the day by the clock that hung on the wall then: an hour that comes twice is there twice. */
function hourTicks(rows: readonly Row[], width: number): { readonly at: number; readonly label: string }[] {
  const timed = rows.filter((row) => row.start !== null && row.end !== null);
  if (!timed.length) return [];
  const first = Math.min(...timed.map((row) => Date.parse(row.start!)));
  const last = Math.max(...timed.map((row) => Date.parse(row.end!)));
  const offset = (at: number) => {
    const after = timed.flatMap((row) => [row.start!, row.end!]).filter((instant) => Date.parse(instant) <= at);
    return offsetMinutes(after.at(-1) ?? timed[0]!.start!);
  };
  const all: { at: number; label: string }[] = [];
  for (let at = Math.ceil(first / (HOUR / 2)) * (HOUR / 2); at <= last; at += HOUR / 2) {
    const local = new Date(at + offset(at) * 60_000);
    if (local.getUTCMinutes() === 0) all.push({ at, label: String(local.getUTCHours()).padStart(2, "0") });
  }
  const every = Math.max(1, Math.ceil((all.length * 34) / Math.max(width, 1)));
  return all.filter((_, n) => n % every === 0);
}

function blockTitle(row: Row): string {
  return `${clock(row.start ?? "")} to ${clock(row.end ?? "")}`;
}

function timeScale(rows: readonly Row[]) {
  const timed = rows.filter((row) => row.start !== null && row.end !== null);
  return {
    domain: [
      Math.min(...timed.map((row) => Date.parse(row.start!))),
      Math.max(...timed.map((row) => Date.parse(row.end!))),
    ],
  };
}

/** One day's blocks, the states stacked, each as wide as it lasted. */
export function dayBlocks(rows: readonly Row[]): (width: number) => PlotOptions {
  const bars = placed(rows).flatMap(({ row, start, end }) =>
    pieces(row.shares).map((piece) => ({
      ...piece,
      start,
      end,
      title: `${blockTitle(row)}: ${STATE_NAMES[piece.state]} ${percentText(row.shares[piece.state])}`,
    })),
  );
  const gone = rows.filter((row) => row.status === "withdrawn" && row.start !== null);
  return (width) => {
    const ticks = hourTicks(rows, width);
    return {
      height: width < 500 ? 220 : 300,
      marginLeft: LEFT,
      marginBottom: 26,
      x: timeScale(rows),
      y: { domain: [0, 100] },
      color: { type: "identity" },
      marks: [
        gridY([25, 50, 75, 100], { stroke: "var(--rule)", strokeOpacity: 1 }),
        axisY([0, 50, 100], { tickSize: 0, label: null, tickFormat: (value: number) => `${value} %` }),
        withdrawn(gone, 100),
        rect(bars, {
          x1: "start",
          x2: "end",
          y1: "from",
          y2: "to",
          fill: (bar: { state: State }) => texture(bar.state),
          inset: 0.75,
          title: "title",
        }),
        ruleY([0], { stroke: "var(--rule-strong)" }),
        hours(ticks),
      ],
    };
  };
}

/** One measure over the day. */
export function dayMeasure(
  rows: readonly Row[],
  name: State | "coverage",
  of: (row: Placed["row"]) => Told,
): (width: number) => PlotOptions {
  const bars = placed(rows).map(({ row, start, end }) => ({
    start,
    end,
    value: drawn(of(row)),
    title: `${blockTitle(row)}: ${percentText(of(row))}`,
  }));
  const gone = rows.filter((row) => row.status === "withdrawn" && row.start !== null);
  return (width) => ({
    height: 132,
    marginLeft: 30,
    marginTop: 14,
    marginBottom: 22,
    x: timeScale(rows),
    y: { domain: [0, 100] },
    color: { type: "identity" },
    marks: [
      gridY([50, 100], { stroke: "var(--rule)", strokeOpacity: 1 }),
      axisY([0, 50, 100], { tickSize: 0, label: null }),
      withdrawn(gone, 6),
      rect(bars, {
        x1: "start",
        x2: "end",
        y1: 0,
        y2: "value",
        fill: texture(name),
        stroke: name === "coverage" || name === "at_screen" ? "none" : `var(--${name.replace("_", "-")}-line)`,
        insetLeft: 0.75,
        insetRight: 0.75,
        title: "title",
      }),
      ruleY([0], { stroke: "var(--rule-strong)" }),
      hours(hourTicks(rows, width)),
    ],
  });
}

function hours(ticks: readonly { readonly at: number; readonly label: string }[]) {
  const labels = new Map(ticks.map((tick) => [tick.at, tick.label]));
  return axisX([...labels.keys()], { tickSize: 0, label: null, tickFormat: (at: number) => labels.get(at) ?? "" });
}

function withdrawn(rows: readonly Row[], height: number) {
  return rect(rows, {
    x1: (row: Row) => Date.parse(row.start!),
    x2: (row: Row) => Date.parse(row.end!),
    y1: 0,
    y2: height,
    fill: texture("withdrawn"),
    title: (row: Row) => `${blockTitle(row)}: ${row.explanation ?? ""}`,
  });
}

/** The days of a week below each other, every block at its time by the wall clock. */
export function weekOfBlocks(rows: readonly Row[]): (width: number) => PlotOptions {
  const days = [...new Set(rows.map((row) => row.day))];
  const timed = released(rows).filter((row) => row.start !== null);
  let before = { day: "", to: 0 };
  const bars = timed.flatMap((row) => {
    // Where an hour comes twice its second half hides behind the first: the day's own page shows both.
    const start = row.day === before.day ? Math.max(wallMinutes(row.start!), before.to) : wallMinutes(row.start!);
    const end = Math.max(start, wallMinutes(row.end!) || 1440);
    before = { day: row.day, to: end };
    return pieces(row.shares).map((piece) => ({
      ...piece,
      day: row.day,
      start,
      end,
      title: `${shortDay(row.day)}, ${blockTitle(row)}: ${STATE_NAMES[piece.state]} ${percentText(row.shares[piece.state])}`,
    }));
  });
  const gone = rows.filter((row) => row.status === "withdrawn" && row.start !== null);
  const first = Math.floor(Math.min(1440, ...bars.map((bar) => bar.start)) / 60) * 60;
  const last = Math.ceil(Math.max(0, ...bars.map((bar) => bar.end)) / 60) * 60;
  const without = days
    .map((day) => rows.find((row) => row.day === day)!)
    .filter((row) => !timed.some((one) => one.day === row.day) && row.start === null);
  return (width) => {
    const step = width < 500 ? 180 : last - first > 900 ? 120 : 60;
    const ticks: number[] = [];
    for (let at = Math.ceil(first / step) * step; at <= last; at += step) ticks.push(at);
    const narrow = width < 500;
    return {
      height: days.length * 52 + 30,
      marginLeft: narrow ? 44 : 92,
      marginBottom: 26,
      marginTop: 2,
      x: { domain: [first, last] },
      y: { domain: [0, 100], axis: null },
      fy: { domain: days, padding: 0.2 },
      color: { type: "identity" },
      marks: [
        axisFy({
          anchor: "left",
          label: null,
          textAnchor: "start",
          dx: narrow ? -42 : -90,
          tickFormat: (day: string) => (narrow ? `${weekdayOf(day).slice(0, 2)} ${dayOfMonth(day)}` : shortDay(day)),
        }),
        gridX(ticks, { stroke: "var(--rule)", strokeOpacity: 1 }),
        axisX(ticks, {
          tickSize: 0,
          label: null,
          tickFormat: (minute: number) => String(minute / 60).padStart(2, "0"),
        }),
        rect(bars, {
          x1: "start",
          x2: "end",
          y1: "from",
          y2: "to",
          fy: "day",
          fill: (bar: { state: State }) => texture(bar.state),
          insetLeft: 0.5,
          insetRight: 0.5,
          title: "title",
        }),
        rect(gone, {
          x1: (row: Row) => wallMinutes(row.start!),
          x2: (row: Row) => wallMinutes(row.end!) || 1440,
          y1: 0,
          y2: 100,
          fy: "day",
          fill: texture("withdrawn"),
          title: (row: Row) => `${shortDay(row.day)}, ${blockTitle(row)}: ${row.explanation ?? ""}`,
        }),
        text(without, {
          fy: "day",
          text: (row: Row) => SHORT[ground(row)],
          frameAnchor: "left",
          dx: 8,
          fill: "var(--ink-soft)",
        }),
      ],
    };
  };
}
