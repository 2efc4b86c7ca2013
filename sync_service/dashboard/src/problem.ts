// What can go wrong between this page and the service, in one sentence each: whose fault it is and what to do next.

export type Kind = "signed_out" | "refused" | "missing" | "invalid" | "busy" | "broken" | "unreachable";

export class Problem extends Error {
  constructor(
    readonly kind: Kind,
    message: string,
    readonly code: string = "",
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

export const WORDS: Readonly<Record<string, string>> = {
  not_authenticated: "This sign-in is not accepted: it has run out, was revoked, or its account is no reader here. Sign in again, or ask an administrator to make the account a reader.",
  not_allowed: "Your role may not read this. An administrator decides who reads what; this attempt was logged.",
  counted_in_team:
    "You were counted in this team in these days, so its numbers are not shown to you: you could subtract yourself. Choose a month in which you were not.",
  unknown_team: "There is no such team. It may have been removed; choose one from the list.",
  too_many_requests: "You have asked for more than the service answers at a time. Wait a moment and try again.",
  from_after_to: "The first day is after the last. Choose another range.",
  range_too_long: "That is more days than one answer covers. Choose a shorter range.",
};

const BY_STATUS: Readonly<Record<number, readonly [Kind, string]>> = {
  401: ["signed_out", WORDS["not_authenticated"]!],
  403: ["refused", WORDS["not_allowed"]!],
  404: ["missing", "There is nothing here. The address may be old or mistyped; start from the list of teams."],
  429: ["busy", WORDS["too_many_requests"]!],
  503: ["busy", "The service cannot answer just now. Nothing is lost; try again in a moment."],
};

/** The problem behind an answer's status and its body, if that is one of the service's refusals. */
export function fromAnswer(status: number, body: unknown): Problem {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const code = typeof fields["error"] === "string" ? fields["error"] : "";
  const said = typeof fields["message"] === "string" ? fields["message"] : "";
  const id = typeof fields["request_id"] === "string" ? fields["request_id"] : null;
  const [kind, usual] = BY_STATUS[status] ?? [
    status >= 500 ? "broken" : "invalid",
    status >= 500
      ? "The service failed at this. Try again; if it stays so, tell whoever runs it."
      : "The service did not accept this. Check what was entered and try again.",
  ];
  return new Problem(kind as Kind, WORDS[code] ?? (said || usual), code, id);
}

export const UNREACHABLE = new Problem(
  "unreachable",
  "The service cannot be reached from here. Check your connection and try again; nothing is lost.",
);

export const TOO_SLOW = new Problem(
  "busy",
  "The service did not answer within a minute. It may have much to do; try again in a moment.",
);
