// Which shape each GET answers with.

import type { AgreementIssue, Alert, Approval, Change, Code, Device, LogEntry, Me, Person, SignedDocument, SignIn, Summary, Team, Version } from "./types.js";

/** A list that may go on: `next` is where the following page begins. */
export interface Paged {
  readonly next?: string | null;
}

export interface Answers {
  readonly "/v1/sign-in": SignIn;
  readonly "/v1/me": Me;
  readonly "/v1/teams": { readonly teams: readonly Team[] } & Paged;
  readonly "/v1/teams/{team}/summary": Summary;
  readonly "/v1/devices": { readonly devices: readonly Device[] } & Paged;
  readonly "/v1/access-log": { readonly entries: readonly LogEntry[]; readonly more?: boolean } & Paged;
  readonly "/v1/people": { readonly people: readonly Person[] } & Paged;
  readonly "/v1/approvals": { readonly approvals: readonly Approval[] } & Paged;
  readonly "/v1/codes": { readonly codes: readonly Code[] } & Paged;
  readonly "/v1/policy": SignedDocument;
  readonly "/v1/policies": { readonly policies: readonly Version[]; readonly agreements: readonly AgreementIssue[] } & Paged;
  readonly "/v1/policies/{policy}": { readonly document: SignedDocument };
  readonly "/v1/policies/{policy}/changes": { readonly from: string; readonly to: string; readonly changes: readonly Change[] };
  readonly "/v1/alerts": { readonly alerts: readonly Alert[] } & Paged;
  readonly "/v1/agreement": SignedDocument;
}
