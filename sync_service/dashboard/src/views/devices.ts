// The laptops, by person's name. Days and never times: when somebody was last heard of would say when they work.

import { plusDays, shortDay, today } from "../calendar.js";
import type { Context, View } from "../context.js";
import { every } from "../every.js";
import { h } from "../dom.js";
import { count } from "../numbers.js";
import { field, head, message, note, part, table, tag } from "../parts.js";
import { formatRoute } from "../route.js";
import type { Device } from "../types.js";

const QUIET_DAYS = 3;
const MOST_SHOWN = 200;

export async function devicesView(context: Context, name: string): Promise<View> {
  const devices = await every(context, "/v1/devices", (page) => page.devices);
  const body = h("div", {}, head("Devices", h("p", { class: "lead" }, intro(devices))));
  if (!devices.length) {
    body.append(message("", "No laptop is enrolled yet. An administrator gives each person a one-time code; the laptop appears here once it was used."));
    return { title: "Devices", body };
  }
  const place = h("div", {});
  const search = h("input", { type: "search", id: "name", value: name, autocomplete: "off", spellcheck: "false" });
  const show = () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    const found = devices.filter((device) => device.person_name.toLocaleLowerCase().includes(wanted));
    place.replaceChildren(list(context, found));
  };
  search.addEventListener("input", () => {
    history.replaceState(null, "", formatRoute({ page: "devices", name: search.value.trim() }));
    show();
  });
  show();
  body.append(
    h("div", { class: "narrow" }, field("Find a person", search)),
    place,
    part("What this list says", [
      h("p", {}, "Days are in UTC. Who does not take part, or has paused, is not silent: of them nothing more is told than the day since when. A laptop sends on the same schedule whether it measures or not."),
      h("p", {}, "“Missing” are envelopes that never arrived, “lost” are five-minute windows the laptop had to drop, on a full disk say. Neither is anybody's doing."),
    ]),
  );
  return { title: "Devices", body };
}

function intro(devices: readonly Device[]): string {
  const active = devices.filter((device) => device.revoked_on === null);
  return `${count(active.length, "laptop")} enrolled${active.length < devices.length ? `, ${devices.length - active.length} revoked` : ""}.`;
}

function list(context: Context, devices: readonly Device[]): HTMLElement {
  if (!devices.length) return note("Nobody of that name has a laptop here.");
  const since = plusDays(today("UTC", context.now()), -QUIET_DAYS);
  const shown = devices.slice(0, MOST_SHOWN);
  return h(
    "div",
    { class: "stack" },
    table(
      "By person's name",
      [
        { name: "Person", heads: true, cell: (one: Device) => one.person_name },
        { name: "State", cell: (one) => state(one, since) },
        { name: "Last heard of", cell: (one) => one.last_heard_on ? h("span", { class: "nowrap" }, shortDay(one.last_heard_on)) : null },
        { name: "Enrolled", cell: (one) => h("span", { class: "nowrap" }, shortDay(one.enrolled_on)) },
        { name: "Missing", number: true, cell: (one) => one.missing },
        { name: "Lost", number: true, cell: (one) => one.lost },
      ],
      shown,
      true,
    ),
    devices.length > shown.length ? note(`${shown.length} of ${devices.length} are shown. Type part of a name to find the others.`) : null,
  );
}

function state(device: Device, since: string): HTMLElement {
  if (device.revoked_on) return tag("turned", `Revoked ${shortDay(device.revoked_on)}`);
  if (device.not_participating_since) return tag("open", `Not taking part since ${shortDay(device.not_participating_since)}`);
  if (!device.last_heard_on) return tag("open", "Nothing heard yet");
  return device.last_heard_on <= since ? tag("half", "Quiet") : tag("full", "Heard of");
}
