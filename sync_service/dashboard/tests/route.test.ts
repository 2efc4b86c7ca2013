import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRoute, parseRoute, type Route } from "../src/route.js";

const ID = "0123456789abcdef0123456789abcdef";

test("every route survives its own address", () => {
  const routes: Route[] = [
    { page: "teams", week: null },
    { page: "teams", week: "2026-10-12" },
    { page: "team", team: ID, span: "month", day: "2026-10-12" },
    { page: "team", team: ID, span: "day", day: null },
    { page: "devices", name: "Åsa & co?#" },
    { page: "log", from: "2026-10-01", to: "2026-10-12" },
    { page: "policy", since: "p-3" },
    { page: "people", team: ID },
    { page: "person", person: ID },
    { page: "approvals" },
    { page: "alerts" },
  ];
  for (const route of routes) assert.deepEqual(parseRoute(formatRoute(route)), route);
});

test("what is no address of ours leads nowhere", () => {
  for (const hash of ["#/elsewhere", `#/teams/${ID}/year`, `#/teams/${ID}/day/2026-02-30`, "#/teams/short", `#/teams/${ID}/day/2026-10-12/more`, "#/approvals/x"]) {
    assert.equal(parseRoute(hash).page, "unknown", hash);
  }
  assert.deepEqual(parseRoute(""), { page: "teams", week: null });
});
