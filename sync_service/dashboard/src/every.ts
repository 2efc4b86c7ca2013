// A list that comes in pages, whole.

import type { Answers, Paged } from "./answers.js";
import type { Context } from "./context.js";

const A_PAGE = 1000;

/** Every row of a paged list. */
export async function every<P extends keyof Answers, R>(
  context: Context,
  path: P,
  rows: (page: Answers[P]) => readonly R[],
): Promise<R[]> {
  const all: R[] = [];
  let after: string | null | undefined;
  do {
    const page = await context.client.get(path, {}, { limit: A_PAGE, after }, context.signal);
    all.push(...rows(page));
    after = (page as Paged).next;
  } while (after);
  return all;
}
