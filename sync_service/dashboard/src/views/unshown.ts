// What is not shown, and why: a day without a number is explained and never left blank.

import { clock, shortDay, type Span } from "../calendar.js";
import { swatch } from "../charts/textures.js";
import { type Child, h } from "../dom.js";
import { absences, ground } from "../numbers.js";
import { part } from "../parts.js";
import { formatRoute } from "../route.js";
import type { Row, Summary } from "../types.js";

type Ground = ReturnType<typeof ground>;

export const STATUS_WORDS: Readonly<Record<Ground, string>> = {
  day_off: "no work hours",
  released: "shown",
  suppressed: "no number",
  withdrawn: "withdrawn",
  not_released: "not fixed yet",
};

const MEANINGS: Readonly<Record<Ground, string>> = {
  day_off: "",
  released: "",
  suppressed: "Too small a group could be told apart by its number, so none is made: it cannot be found by asking in another way either.",
  withdrawn: "A number that was withdrawn stays away as a whole; it is not computed again.",
  not_released:
    "Numbers are fixed two days after their day, once corrections are closed; the people in the team see them first, and from then on they never change.",
};

export function statusLegend(rows: readonly Row[]): HTMLElement | null {
  const statuses = [...new Set(rows.filter((row) => row.shares === null).map(ground))];
  if (!statuses.length) return null;
  return h("ul", { class: "legend" }, statuses.map((status) => h("li", {}, swatch(status), capital(STATUS_WORDS[status]))));
}

export function notShown(summary: Summary, span: Span, team: string): HTMLElement | null {
  const groups = absences(summary.rows);
  if (!groups.length) return null;
  return part("What is not shown, and why", [
    h(
      "ul",
      { class: "unshown" },
      groups.map((group) =>
        h(
          "li",
          {},
          h("h3", {}, swatch(ground(group.rows[0]!)), capital(STATUS_WORDS[ground(group.rows[0]!)])),
          h("p", {}, where(group.rows, span, team)),
          h("p", {}, group.explanation),
          MEANINGS[ground(group.rows[0]!)] ? h("p", { class: "note" }, MEANINGS[ground(group.rows[0]!)]) : null,
        ),
      ),
    ),
  ]);
}

/** "Mon 9 Nov to Wed 11 Nov, Sat 14 Nov"; a block says its time too. */
function where(rows: readonly Row[], span: Span, team: string): Child[] {
  const days = [...new Set(rows.map((row) => row.day))];
  if (span === "day") {
    const timed = rows.filter((row) => row.start && row.end);
    return [timed.length ? timed.map((row) => `${clock(row.start!)} to ${clock(row.end!)}`).join(", ") : "The whole day."];
  }
  return days.flatMap((day, n) => [
    n ? ", " : "",
    h("a", { class: "nowrap", href: formatRoute({ page: "team", team, span: "day", day }) }, shortDay(day)),
  ]);
}

/** Corrections that went into a number, and what was noted about it. */
export function remarks(summary: Summary): HTMLElement | null {
  const lines = summary.rows.flatMap((row) => {
    const at = row.start && row.end && summary.bucket === "block" ? `, ${clock(row.start)} to ${clock(row.end)}` : "";
    const name = `${shortDay(row.day)}${at}`;
    return [
      ...(row.corrected ? [`${name}: somebody corrected what was measured of them, and the correction is in the number.`] : []),
      ...row.notes.map((text) => `${name}: ${text}`),
    ];
  });
  if (!lines.length) return null;
  return part("Corrections and notes", [h("ul", {}, lines.map((line) => h("li", {}, line)))]);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
