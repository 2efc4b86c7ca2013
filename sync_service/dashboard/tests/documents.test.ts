// Promise: the page names those who signed an agreement only where the service has verified it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Agreement, agreementStanding } from "../src/documents.js";

const agreement: Agreement = {
  id: "a-2",
  seq: 2,
  issued: 10,
  not_after: 100,
  k_at_least: 5,
  individual_reports_allowed: false,
  interval_at_least: 5,
  work_hours: [],
};

test("an agreement that the service lists as in force is signed by both and binds", () => {
  const { says, by } = agreementStanding(agreement, [{ id: "a-2", state: "in_force", not_after: 100 }], 50);
  assert.match(says, /refuse a policy that goes beyond it/);
  assert.equal(by, "by the organisation and the works council");
});

test("one that is to come does not bind yet", () => {
  const { says } = agreementStanding(agreement, [{ id: "a-2", state: "coming", not_after: 100 }], 5);
  assert.match(says, /No agreement binds yet/);
});

test("one that the service does not list, or that has ended, binds nobody and is said to be signed by nobody", () => {
  for (const [issues, now] of [
    [[], 50],
    [[{ id: "a-1", state: "in_force", not_after: 100 }], 50],
    [[{ id: "a-2", state: "in_force", not_after: 100 }], 100],
  ] as const) {
    const { says, by } = agreementStanding(agreement, issues, now);
    assert.match(says, /No agreement binds today/);
    assert.equal(by, null);
  }
});
