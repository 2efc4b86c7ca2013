// Which view belongs to which route.

import type { Context, View } from "../context.js";
import { Problem } from "../problem.js";
import type { Route } from "../route.js";
import { alertsView } from "./alerts.js";
import { approvalsView } from "./approvals.js";
import { devicesView } from "./devices.js";
import { logView } from "./log.js";
import { peopleView } from "./people.js";
import { personView } from "./person.js";
import { policyView } from "./policy.js";
import { teamView } from "./team.js";
import { teamsView } from "./teams.js";

export function show(context: Context, route: Route): Promise<View> {
  switch (route.page) {
    case "teams":
      return teamsView(context, route.week);
    case "team":
      return teamView(context, route.team, route.span, route.day);
    case "devices":
      return devicesView(context, route.name);
    case "log":
      return logView(context, route.from, route.to);
    case "people":
      return peopleView(context, route.team);
    case "person":
      return personView(context, route.person);
    case "approvals":
      return approvalsView(context);
    case "alerts":
      return alertsView(context);
    case "policy":
      return policyView(context, route.since);
    default:
      return Promise.reject(new Problem("missing", "There is no such page. The address may be old or mistyped; start from the list of teams."));
  }
}
