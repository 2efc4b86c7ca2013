// PURE. What stands in a signed document. The service and every laptop verify signatures; this page only reads.

import { type Hours, hoursText } from "./hours.js";
import type { AgreementIssue, SignedDocument } from "./types.js";

export interface Policy {
  readonly id: string;
  readonly seq: number;
  readonly issued: number;
  readonly not_after: number;
  readonly effective?: number;
  readonly agreement: string;
  readonly interval_seconds: number;
  readonly work_hours: readonly Hours[];
  readonly individual_reports: boolean;
  readonly k: number;
  readonly may_quit?: boolean;
}

export interface Agreement {
  readonly id: string;
  readonly seq: number;
  readonly issued: number;
  readonly not_after: number;
  readonly effective?: number;
  readonly k_at_least: number;
  readonly individual_reports_allowed: boolean;
  readonly interval_at_least: number;
  readonly work_hours: readonly Hours[];
}

/** The payload's text, exactly as it was signed. */
export function payloadText(document: SignedDocument): string {
  const bytes = Uint8Array.from(atob(document.payload), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

export function policyTerms(policy: Policy): readonly (readonly [string, string])[] {
  return [
    ["Work hours", policy.work_hours.map(hoursText).join("; ")],
    ["A look", `every ${policy.interval_seconds} seconds, in these hours only`],
    ["A team's number", `rests on at least ${policy.k} people`],
    ["Reports about one person", policy.individual_reports ? "on: a manager of the team sees the days of its people by name" : "off: nobody sees one person's days"],
    ["Quitting Framekeep", policy.may_quit === false ? "the program stays open; pausing and declining are always possible" : "everybody may quit it"],
  ];
}

/** What is said of an agreement, and who signed it: no more than the service verified, which is what it lists in `issues`.
 * `now`: epoch seconds.
 */
export function agreementStanding(agreement: Agreement, issues: readonly AgreementIssue[], now: number): { readonly says: string; readonly by: string | null } {
  const issue = issues.find((one) => one.id === agreement.id && one.not_after > now);
  if (!issue) return { says: `No agreement binds today. ${agreement.id} was published, and does not hold now.`, by: null };
  const by = "by the organisation and the works council";
  if (issue.state === "coming") return { says: `No agreement binds yet. ${agreement.id} is to come.`, by };
  return { says: `${agreement.id}: what managers may ever see. The service and every laptop refuse a policy that goes beyond it.`, by };
}

export function agreementTerms(agreement: Agreement): readonly (readonly [string, string])[] {
  return [
    ["Widest work hours", agreement.work_hours.map(hoursText).join("; ")],
    ["A look", `at most every ${agreement.interval_at_least} seconds`],
    ["A team's number", `rests on at least ${agreement.k_at_least} people`],
    ["Reports about one person", agreement.individual_reports_allowed ? "may be switched on by a policy" : "never"],
  ];
}
