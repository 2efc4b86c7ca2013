// Placeholder until routes are known.
import type { Context } from "../context.js";
export async function versions(_context: Context, _current: string, _since: string | null): Promise<Node | null> {
  return null;
}
