// PURE. From released, rounded percentages to what a bar is drawn with, and to words.

import type { Numbers, Row, Shares, State, Told } from "./types.js";

export const STATES: readonly State[] = ["at_screen", "looking_away", "on_phone", "absent", "unknown"];

export const STATE_NAMES: Readonly<Record<State, string>> = {
  at_screen: "At the screen",
  looking_away: "Looking away",
  on_phone: "Phone in use",
  absent: "Away from the laptop",
  unknown: "Could not tell",
};

export const STATE_MEANINGS: Readonly<Record<State, string>> = {
  at_screen: "A face is turned to the screen.",
  looking_away: "A face is turned elsewhere for more than a moment, or somebody is there and no face in view.",
  on_phone: "Somebody at the laptop holds a mobile phone.",
  absent: "Nobody is at the laptop.",
  unknown: "The picture was dark, covered or blurred, or the camera was lost. Never counted as away.",
};

/** Where a bar is drawn for a rounded percentage: "5 or less" and "95 or more" at the middle of what they may mean. */
export function drawn(told: Told): number {
  if (told.percent <= 5) return 2.5;
  if (told.percent >= 95) return 97.5;
  return told.percent;
}

export interface Piece {
  readonly state: State;
  /** Percent of the bar's length: from, to. Together the pieces fill it. */
  readonly from: number;
  readonly to: number;
}

/** The pieces of a stacked bar. Rounded shares need not add to 100, so they are drawn in proportion to each other. */
export function pieces(shares: Shares): Piece[] {
  const whole = STATES.reduce((sum, state) => sum + drawn(shares[state]), 0);
  let at = 0;
  return STATES.map((state) => {
    const from = at;
    at += (100 * drawn(shares[state])) / whole;
    return { state, from, to: at };
  });
}

/** "70 %", "5 % or less". */
export function percentText(told: Told): string {
  if (told.percent <= 5) return "5 % or less";
  if (told.percent >= 95) return "95 % or more";
  return `${told.percent} %`;
}

/** The same for narrow places: "70", "≤ 5". */
export function percentShort(told: Told): string {
  if (told.percent <= 5) return "≤ 5";
  if (told.percent >= 95) return "≥ 95";
  return String(told.percent);
}

/** What a screen reader says in place of a bar. */
export function spoken(numbers: Pick<Numbers, "shares" | "coverage">): string {
  const states = STATES.map((state) => `${STATE_NAMES[state]} ${percentText(numbers.shares[state])}`);
  return `${states.join(", ")}; observed ${percentText(numbers.coverage)} of the time.`;
}

export function duration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return hours === 0 ? `${rest} min` : rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** Rows that carry numbers. */
export function released(rows: readonly Row[]): (Row & Numbers)[] {
  return rows.filter((row): row is Row & Numbers => row.shares !== null && row.coverage !== null);
}

export interface Absence {
  readonly status: Row["status"];
  readonly explanation: string;
  readonly rows: readonly Row[];
}

/** Rows without numbers, together with those that say the same: in the order in which they first occur. */
export function absences(rows: readonly Row[]): Absence[] {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.shares !== null) continue;
    const key = `${row.status}\n${row.explanation ?? ""}`;
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  return [...found.values()].map((same) => ({
    status: same[0]!.status,
    explanation: same[0]!.explanation ?? "",
    rows: same,
  }));
}

/** "5–7" of the service's "5-7". */
export function peopleText(band: string): string {
  return band.replace("-", "–");
}

/** Why a day has no number, as `sync_service/blocks.py` words it; a test holds both to the same words. */
export const NO_WORK_HOURS = "The policy has no work hours on this day.";

/** What a day without numbers is drawn as: a day off is nothing to be hatched. */
export function ground(row: Row): Row["status"] | "day_off" {
  return row.status === "suppressed" && row.explanation === NO_WORK_HOURS ? "day_off" : row.status;
}

/** "1 day", "3 days". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${new Intl.NumberFormat("en-GB").format(n)} ${n === 1 ? one : many}`;
}
