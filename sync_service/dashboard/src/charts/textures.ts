// The states' textures: the privacy panel's, so that a state looks the same to whoever is measured and whoever reads.

import { svg } from "../dom.js";
import type { State, Status } from "../types.js";

export type Texture = State | Status | "coverage" | "day_off";

const LINES: Readonly<Record<string, readonly [number, () => Node[]]>> = {
  at_screen: [8, () => []],
  looking_away: [6, () => [svg("path", { class: "l-looking_away", d: "M-1 1l2-2M0 6l6-6M5 7l2-2", "stroke-width": 1.25 })]],
  on_phone: [6, () => [svg("circle", { class: "l-on_phone", cx: 3, cy: 3, r: 1 })]],
  absent: [4, () => [svg("path", { class: "l-absent", d: "M0 2h4", "stroke-width": 1 })]],
  unknown: [7, () => [svg("path", { class: "l-unknown", d: "M0 0l7 7M7 0l-7 7", "stroke-width": 1 })]],
  coverage: [8, () => []],
  day_off: [8, () => []],
  suppressed: [8, () => [svg("path", { class: "l-none", d: "M-2 2l4-4M0 8l8-8M6 10l4-4", "stroke-width": 1 })]],
  withdrawn: [10, () => [svg("path", { class: "l-none", d: "M2 2l6 6M8 2l-6 6", "stroke-width": 1.25 })]],
  not_released: [6, () => [svg("circle", { class: "l-dot", cx: 1.5, cy: 1.5, r: 0.8 })]],
};

/** To be put into the page once: every texture under the name `#t-NAME`. */
export function textures(): Element {
  const defs = Object.entries(LINES).map(([name, [size, lines]]) =>
    svg(
      "pattern",
      { id: `t-${name}`, width: size, height: size, patternUnits: "userSpaceOnUse" },
      svg("rect", { class: `f-${name}`, width: size, height: size }),
      lines(),
    ),
  );
  return svg("svg", { class: "patterns", "aria-hidden": "true", focusable: "false" }, svg("defs", {}, defs));
}

export function texture(name: Texture): string {
  return `url(#t-${name})`;
}

export function swatch(name: Texture): Element {
  return svg(
    "svg",
    { class: "swatch", viewBox: "0 0 18 18", "aria-hidden": "true", focusable: "false" },
    svg("rect", { width: 18, height: 18, fill: texture(name) }),
    svg("rect", { class: "edge", x: 0.5, y: 0.5, width: 17, height: 17 }),
  );
}

