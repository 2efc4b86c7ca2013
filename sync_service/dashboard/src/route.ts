// PURE. What is looked at, as the address says it: a link opens the same view for everybody who may see it.
// It stands behind the # so that no web server between here and the service learns what was read.

import { isDay, type Span } from "./calendar.js";

export type Route =
  | { readonly page: "teams"; readonly week: string | null }
  | { readonly page: "team"; readonly team: string; readonly span: Span; readonly day: string | null }
  | { readonly page: "devices"; readonly name: string }
  | { readonly page: "log"; readonly from: string | null; readonly to: string | null }
  | { readonly page: "policy"; readonly since: string | null }
  | { readonly page: "people"; readonly team: string | null }
  | { readonly page: "person"; readonly person: string }
  | { readonly page: "approvals" }
  | { readonly page: "alerts" }
  | { readonly page: "unknown" };

const ID = /^[0-9a-f]{32}$/;
const PLAIN = ["approvals", "alerts"] as const;

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#/, "").split("?", 2);
  const query = new URLSearchParams(search);
  const [page = "", id = "", span = "", day = "", ...more] = path.replace(/^\//, "").split("/");
  if (more.length) return { page: "unknown" };
  const plain = PLAIN.find((name) => name === page);
  if (plain && !id) return { page: plain };
  if (page === "" || (page === "teams" && !id)) return { page: "teams", week: asDay(query.get("week")) };
  if (page === "teams" && ID.test(id)) {
    if (span !== "" && span !== "day" && span !== "week" && span !== "month") return { page: "unknown" };
    if (day !== "" && !isDay(day)) return { page: "unknown" };
    return { page: "team", team: id, span: span || "week", day: day || null };
  }
  if (page === "people" && ID.test(id) && !span) return { page: "person", person: id };
  if (id) return { page: "unknown" };
  if (page === "devices") return { page, name: query.get("name") ?? "" };
  if (page === "log") return { page, from: asDay(query.get("from")), to: asDay(query.get("to")) };
  if (page === "policy") return { page, since: query.get("since") };
  if (page === "people") return { page, team: query.get("team") };
  return { page: "unknown" };
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case "team":
      return `#/teams/${route.team}/${route.span}${route.day ? `/${route.day}` : ""}`;
    case "teams":
      return `#/teams${search({ week: route.week })}`;
    case "devices":
      return `#/devices${search({ name: route.name || null })}`;
    case "log":
      return `#/log${search({ from: route.from, to: route.to })}`;
    case "policy":
      return `#/policy${search({ since: route.since })}`;
    case "person":
      return `#/people/${route.person}`;
    case "people":
      return `#/people${search({ team: route.team })}`;
    case "unknown":
      return "#/teams";
    default:
      return `#/${route.page}`;
  }
}

function asDay(text: string | null): string | null {
  return text !== null && isDay(text) ? text : null;
}

function search(values: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== null);
  return given.length ? `?${new URLSearchParams(given).toString()}` : "";
}
