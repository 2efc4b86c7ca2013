// PURE. Days as "YYYY-MM-DD" and instants that carry their own offset: no calculation here knows the browser's zone.

export type Span = "day" | "week" | "month";

const MS_A_DAY = 86_400_000;

/** Midnight UTC of a day, to count days with: a day of the calendar has no length here, so DST cannot bend it. */
function noonless(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(noonless(text)) && iso(noonless(text)) === text;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function plusDays(day: string, days: number): string {
  return iso(noonless(day) + days * MS_A_DAY);
}

/** Today in a time zone; `now` in epoch milliseconds. */
export function today(zone: string, now: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now);
}

/** First and last day of the day, the week (from Monday) or the month that `day` lies in. */
export function bounds(span: Span, day: string): readonly [string, string] {
  if (span === "day") return [day, day];
  if (span === "week") {
    const monday = plusDays(day, -((new Date(noonless(day)).getUTCDay() + 6) % 7));
    return [monday, plusDays(monday, 6)];
  }
  const first = `${day.slice(0, 8)}01`;
  return [first, plusDays(`${plusDays(first, 31).slice(0, 8)}01`, -1)];
}

/** A day in the span before (-1) or after (+1) the one `day` lies in. */
export function step(span: Span, day: string, by: -1 | 1): string {
  const [first, last] = bounds(span, day);
  return by < 0 ? bounds(span, plusDays(first, -1))[0] : plusDays(last, 1);
}

export function daysBetween(first: string, last: string): string[] {
  const count = Math.round((noonless(last) - noonless(first)) / MS_A_DAY);
  return Array.from({ length: count + 1 }, (_, n) => plusDays(first, n));
}

function told(day: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(noonless(day));
}

/** "Mon 9 Nov" */
export function shortDay(day: string): string {
  return told(day, { weekday: "short", day: "numeric", month: "short" }).replace(",", "");
}

/** "Monday 9 November 2026" */
export function longDay(day: string): string {
  return told(day, { weekday: "long", day: "numeric", month: "long", year: "numeric" }).replace(",", "");
}

/** The span in words: "Monday 9 November 2026", "9 to 15 November 2026", "November 2026". */
export function spanTitle(span: Span, day: string): string {
  const [first, last] = bounds(span, day);
  if (span === "day") return longDay(day);
  if (span === "month") return told(day, { month: "long", year: "numeric" });
  const end = told(last, { day: "numeric", month: "long", year: "numeric" });
  if (first.slice(0, 7) === last.slice(0, 7)) return `${Number(first.slice(8))} to ${end}`;
  const year = first.slice(0, 4) === last.slice(0, 4) ? {} : { year: "numeric" as const };
  return `${told(first, { day: "numeric", month: "long", ...year })} to ${end}`;
}

export function weekdayOf(day: string): string {
  return told(day, { weekday: "short" });
}

export function dayOfMonth(day: string): number {
  return Number(day.slice(8));
}

/** "09:00" of "2026-11-09T09:00:00+01:00": the clock on the team's wall stands in the text itself. */
export function clock(instant: string): string {
  return instant.slice(11, 16);
}

/** Minutes since local midnight by the wall clock. */
export function wallMinutes(instant: string): number {
  return Number(instant.slice(11, 13)) * 60 + Number(instant.slice(14, 16));
}

/** Minutes east of UTC. */
export function offsetMinutes(instant: string): number {
  const found = /([+-])(\d{2}):(\d{2})$/.exec(instant);
  if (!found) return 0;
  return (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

/** Whether the clocks change on that day in that zone, and what a reader needs to know about it. */
export function clockChange(day: string, zone: string): string | null {
  const name = (at: number) =>
    new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" })
      .formatToParts(at)
      .find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const minutes = (at: number) => {
    const found = /GMT([+-])(\d{2}):(\d{2})/.exec(name(at));
    return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) : 0;
  };
  const midnight = (of: string) => {
    let at = noonless(of);
    for (let n = 0; n < 2; n++) at = noonless(of) - minutes(at) * 60_000;
    return at;
  };
  const hours = (midnight(plusDays(day, 1)) - midnight(day)) / 3_600_000;
  if (hours === 24) return null;
  return `The clocks change on ${shortDay(day)}: that day has ${hours} hours.`;
}

/** An instant by a zone's clock: "Mon 9 Nov 2026, 14:22". */
export function instantIn(zone: string, epochSeconds: number): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  })
    .format(epochSeconds * 1000)
    .replace(",", "");
}

/** "December 2026" of a month's first day. */
export function monthTitle(first: string): string {
  return told(first, { month: "long", year: "numeric" });
}
