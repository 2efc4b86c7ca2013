// Where somebody can go: what they may do, as far as this service has it.

import type { Client } from "./api.js";
import type { Route } from "./route.js";
import type { Me } from "./types.js";

type Entry = readonly [page: string, name: string, route: Route];

const ALL: readonly { readonly entry: Entry; readonly action: string; readonly needs: string }[] = [
  { entry: ["teams", "Teams", { page: "teams", week: null }], action: "teams", needs: "/v1/teams" },
  { entry: ["policy", "Policy", { page: "policy", since: null }], action: "policy", needs: "/v1/policy" },
  { entry: ["log", "Access log", { page: "log", from: null, to: null }], action: "access_log", needs: "/v1/access-log" },
  { entry: ["devices", "Devices", { page: "devices", name: "" }], action: "devices", needs: "/v1/devices" },
  { entry: ["people", "People", { page: "people", team: null }], action: "people", needs: "/v1/people" },
  { entry: ["approvals", "Approvals", { page: "approvals" }], action: "approve", needs: "/v1/approvals" },
  { entry: ["alerts", "Alerts", { page: "alerts" }], action: "alerts", needs: "/v1/alerts" },
];

export async function menuFor(client: Client, me: Me | null): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const { entry, action, needs } of ALL) {
    if ((me === null || me.may.includes(action)) && (await client.has("GET", needs))) found.push(entry);
  }
  return found;
}
