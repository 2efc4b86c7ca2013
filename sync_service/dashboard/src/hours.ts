// PURE. Work hours in words: "Mon–Fri, 08:00–18:00".

const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

export interface Hours {
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
}

export function hoursText(hours: Hours): string {
  return `${days(hours.days)}, ${minute(hours.from)}–${minute(hours.to)}`;
}

/** "mon-fri 08:00-18:00", as the service reads hours. */
export function hoursTerm(hours: Hours): string {
  const named = days(hours.days).toLowerCase().replaceAll("–", "-").replaceAll(", ", ",");
  return `${named} ${minute(hours.from)}-${minute(hours.to)}`;
}

function minute(of: number): string {
  return `${String(Math.floor(of / 60)).padStart(2, "0")}:${String(of % 60).padStart(2, "0")}`;
}

function days(list: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of list) {
    const run = runs.at(-1);
    if (run && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs
    .flatMap((run) => {
      const names = run.map((day) => NAMES[day - 1] ?? "?");
      return run.length > 2 ? [`${names[0]}–${names.at(-1)}`] : names;
    })
    .join(", ");
}
