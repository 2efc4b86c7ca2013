// A chart that fills the width it is given and is drawn anew when that changes.

import type { PlotOptions } from "@observablehq/plot";
import { plot } from "@observablehq/plot";
import { h } from "../dom.js";

/** What every chart of ours has in common. */
const HOUSE: PlotOptions = { marginRight: 1, marginTop: 8, style: { background: "none", overflow: "visible" } };

export interface Chart {
  /** What a screen reader says in the chart's place; the table says the rest. */
  readonly label: string;
  readonly options: (width: number) => PlotOptions;
}

export function figure(chart: Chart): HTMLElement {
  const box = h("div", { class: "chart", role: "img", "aria-label": chart.label });
  let drawnAt = 0;
  const watch = new ResizeObserver(() => {
    const width = Math.floor(box.clientWidth);
    if (width === 0 || width === drawnAt) return;
    drawnAt = width;
    box.replaceChildren(draw(chart.options(width), width));
  });
  watch.observe(box);
  return box;
}

function draw(options: PlotOptions, width: number): Element {
  const drawn = plot({ ...HOUSE, ...options, width });
  // The library's own style element would break the page's content security policy; dashboard.css says the same.
  for (const style of drawn.querySelectorAll("style")) style.remove();
  drawn.setAttribute("aria-hidden", "true");
  drawn.setAttribute("focusable", "false");
  return drawn;
}
