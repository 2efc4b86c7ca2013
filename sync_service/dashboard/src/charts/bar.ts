// A whole range as one horizontal bar, filled from end to end.

import { svg } from "../dom.js";
import { pieces } from "../numbers.js";
import type { Shares } from "../types.js";
import { texture } from "./textures.js";

export function bar(shares: Shares, height: number): Element {
  return svg(
    "svg",
    { class: "bar", width: "100%", height, "aria-hidden": "true", focusable: "false" },
    pieces(shares).map((piece) =>
      svg("rect", { x: `${piece.from}%`, width: `${piece.to - piece.from}%`, height, fill: texture(piece.state) }),
    ),
  );
}
