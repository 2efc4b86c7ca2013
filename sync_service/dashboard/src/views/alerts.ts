// What the service raised: about itself, its documents, laptops as a number, teams. Never about one person.

import { shortDay } from "../calendar.js";
import type { Context, View } from "../context.js";
import { h } from "../dom.js";
import { every } from "../every.js";
import { count } from "../numbers.js";
import { head, note, part, table } from "../parts.js";
import type { Alert } from "../types.js";

const ABOUT: Readonly<Record<Alert["about"], string>> = {
  service: "The service",
  documents: "Signed documents",
  channel: "Messages to you",
  laptops: "Laptops",
  team: "A team",
};
const MOST_SHOWN = 200;

export async function alertsView(context: Context): Promise<View> {
  const all = await every(context, "/v1/alerts", (page) => page.alerts);
  const open = all.filter((one) => one.resolved_on === null);
  const over = all.filter((one) => one.resolved_on !== null);
  return {
    title: "Alerts",
    body: h(
      "div",
      {},
      head("Alerts", h("p", { class: "lead" }, open.length ? `${count(open.length, "alert")} not resolved yet.` : "Nothing needs looking after.")),
      open.length
        ? h(
            "ul",
            { class: "waiting-list" },
            open.map((one) => h("li", {}, h("h2", {}, name(one)), h("p", {}, one.message), note(`Since ${shortDay(one.raised_on)}. ${told(one)}`))),
          )
        : null,
      over.length
        ? part("Resolved", [
            table(
              "Newest first",
              [
                { name: "About", heads: true, cell: name },
                { name: "What", cell: (one: Alert) => one.message },
                { name: "Raised", cell: (one) => h("span", { class: "nowrap" }, shortDay(one.raised_on)) },
                { name: "Resolved", cell: (one) => h("span", { class: "nowrap" }, shortDay(one.resolved_on ?? "")) },
              ],
              over.slice(0, MOST_SHOWN),
              true,
            ),
          ])
        : null,
      part("What is raised", [
        h("p", {}, "Each is raised once and resolved once, by day. They are about the service, its documents, its messages, laptops as a number, and what could not be told of a team. There is no alert about one person. Where they are sent is set on the service's machine: ", h("code", {}, "framekeep-sync admin alerts")),
      ]),
    ),
  };
}

function name(alert: Alert): string {
  return alert.team_name ?? ABOUT[alert.about];
}

function told(alert: Alert): string {
  const { delivered, waiting, given_up } = alert.sent;
  const parts = [
    delivered ? `${count(delivered, "message")} sent` : "",
    waiting ? `${waiting} on the way` : "",
    given_up ? `${given_up} given up` : "",
  ].filter(Boolean);
  return parts.length ? `${parts.join(", ")}.` : "Nobody is set up to be told.";
}
