// What every page is given.

import type { Client } from "./api.js";
import type { Me } from "./types.js";

export interface Context {
  readonly client: Client;
  /** Null where the service does not say who is asking. */
  readonly me: Me | null;
  /** Ends when another page is opened. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Show the page again, as after something was changed. */
  readonly reload: () => void;
  /** Tell somebody who cannot see the page what happened. */
  readonly say: (text: string) => void;
}

export interface View {
  readonly title: string;
  readonly body: Node;
}
