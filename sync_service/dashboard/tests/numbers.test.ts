import assert from "node:assert/strict";
import { test } from "node:test";
import { absences, duration, ground, NO_WORK_HOURS, percentText, pieces, STATES } from "../src/numbers.js";
import { hoursTerm, hoursText } from "../src/hours.js";
import type { Row, Shares } from "../src/types.js";

const told = (percent: number) => ({ percent, text: String(percent) });

function shares(...percents: number[]): Shares {
  return Object.fromEntries(STATES.map((state, n) => [state, told(percents[n]!)])) as unknown as Shares;
}

test("a bar is filled from end to end whatever the rounding left", () => {
  for (const given of [shares(50, 15, 10, 25, 5), shares(95, 5, 5, 5, 5), shares(20, 20, 20, 20, 20), shares(5, 5, 5, 5, 95)]) {
    const drawn = pieces(given);
    assert.equal(drawn[0]!.from, 0);
    assert.ok(Math.abs(drawn.at(-1)!.to - 100) < 1e-9);
    for (const [n, piece] of drawn.entries()) {
      assert.ok(piece.to > piece.from);
      if (n) assert.equal(piece.from, drawn[n - 1]!.to);
    }
  }
});

test("the ends of the scale are said as what they are", () => {
  assert.equal(percentText(told(5)), "5 % or less");
  assert.equal(percentText(told(95)), "95 % or more");
  assert.equal(percentText(told(50)), "50 %");
});

test("rows without numbers stand together by why", () => {
  const row = (day: string, status: Row["status"], explanation: string): Row => ({
    day, status, explanation, start: null, end: null, minutes: null, people: null, shares: null, coverage: null, corrected: false, notes: [],
  });
  const rows = [row("2026-10-10", "suppressed", NO_WORK_HOURS), row("2026-10-12", "suppressed", "few"), row("2026-10-11", "suppressed", NO_WORK_HOURS)];
  assert.deepEqual(absences(rows).map((group) => group.rows.map((one) => one.day)), [["2026-10-10", "2026-10-11"], ["2026-10-12"]]);
  assert.deepEqual(rows.map(ground), ["day_off", "suppressed", "day_off"]);
});

test("durations and hours in words", () => {
  assert.deepEqual([45, 60, 615].map(duration), ["45 min", "1 h", "10 h 15 min"]);
  assert.equal(hoursText({ days: [1, 2, 3, 4, 5], from: 480, to: 1080 }), "Mon–Fri, 08:00–18:00");
  assert.equal(hoursTerm({ days: [1, 2, 4, 5, 6], from: 540, to: 1050 }), "mon,tue,thu-sat 09:00-17:30");
  assert.equal(hoursText({ days: [1, 2, 4, 5, 6, 7], from: 0, to: 1440 }), "Mon, Tue, Thu–Sun, 00:00–24:00");
});
