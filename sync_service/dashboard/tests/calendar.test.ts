import assert from "node:assert/strict";
import { test } from "node:test";
import { bounds, clock, clockChange, daysBetween, instantIn, isDay, offsetMinutes, plusDays, spanTitle, step, today, wallMinutes } from "../src/calendar.js";

test("days are counted by the calendar, also where clocks change", () => {
  assert.equal(plusDays("2026-10-25", 1), "2026-10-26");
  assert.equal(plusDays("2024-02-28", 1), "2024-02-29");
  assert.deepEqual(daysBetween("2026-10-24", "2026-10-26"), ["2026-10-24", "2026-10-25", "2026-10-26"]);
});

test("a week begins on Monday, a month has its own length", () => {
  assert.deepEqual(bounds("week", "2026-10-18"), ["2026-10-12", "2026-10-18"]);
  assert.deepEqual(bounds("week", "2026-10-12"), ["2026-10-12", "2026-10-18"]);
  assert.deepEqual(bounds("month", "2024-02-11"), ["2024-02-01", "2024-02-29"]);
  assert.equal(step("month", "2026-01-31", -1), "2025-12-01");
  assert.equal(step("week", "2026-10-14", 1), "2026-10-19");
});

test("only days are days", () => {
  assert.ok(isDay("2024-02-29"));
  for (const text of ["2026-02-29", "2026-13-01", "2026-1-1", "", "today"]) assert.ok(!isDay(text), text);
});

test("today is the zone's, not the browser's", () => {
  const at = Date.parse("2026-10-30T23:30:00Z");
  assert.equal(today("UTC", at), "2026-10-30");
  assert.equal(today("Europe/Berlin", at), "2026-10-31");
  assert.equal(today("America/Los_Angeles", at), "2026-10-30");
});

test("the wall clock is read off the instant itself", () => {
  assert.equal(clock("2026-10-25T02:30:00+02:00"), "02:30");
  assert.equal(wallMinutes("2026-10-25T02:30:00+01:00"), 150);
  assert.equal(offsetMinutes("2026-10-25T02:30:00+02:00"), 120);
  assert.equal(offsetMinutes("2026-03-08T02:30:00-03:30"), -210);
});

test("a day of 23 or 25 hours says so", () => {
  assert.match(clockChange("2026-10-25", "Europe/Berlin") ?? "", /25 hours/);
  assert.match(clockChange("2026-03-29", "Europe/Berlin") ?? "", /23 hours/);
  assert.match(clockChange("2026-10-04", "Australia/Lord_Howe") ?? "", /23.5 hours/);
  assert.equal(clockChange("2026-10-24", "Europe/Berlin"), null);
  assert.equal(clockChange("2026-10-25", "Asia/Kolkata"), null);
});

test("spans in words", () => {
  assert.equal(spanTitle("week", "2026-10-14"), "12 to 18 October 2026");
  assert.equal(spanTitle("week", "2026-10-28"), "26 October to 1 November 2026");
  assert.equal(spanTitle("week", "2026-12-30"), "28 December 2026 to 3 January 2027");
  assert.equal(spanTitle("day", "2026-10-14"), "Wednesday 14 October 2026");
  assert.match(instantIn("UTC", 1793350800), /^Fri 30 Oct 2026,? 09:00$/);
});
