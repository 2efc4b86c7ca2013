// The answers of the service, as GET /openapi.json describes them. Times are epoch seconds, days are "YYYY-MM-DD".

export type State = "at_screen" | "looking_away" | "on_phone" | "absent" | "unknown";
export type Role = "admin" | "manager" | "auditor" | "integration";

/** A rounded percentage: 5 means "5 or less", 95 "95 or more"; `text` says it that way. */
export interface Told {
  readonly percent: number;
  readonly text: string;
}

export type Shares = Readonly<Record<State, Told>>;

export interface Numbers {
  readonly minutes: number;
  readonly people: string;
  readonly shares: Shares;
  readonly coverage: Told;
}

export type Status = "released" | "suppressed" | "withdrawn" | "not_released";

export interface Row {
  readonly day: string;
  readonly start: string | null;
  readonly end: string | null;
  readonly status: Status;
  readonly explanation: string | null;
  readonly minutes: number | null;
  readonly people: string | null;
  readonly shares: Shares | null;
  readonly coverage: Told | null;
  readonly corrected: boolean;
  readonly notes: readonly string[];
}

export interface Summary {
  readonly team: string;
  readonly time_zone: string;
  readonly from: string;
  readonly to: string;
  readonly bucket: "block" | "day";
  readonly rule: { readonly k: number; readonly text: string };
  readonly rows: readonly Row[];
  readonly total: Numbers | null;
}

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly time_zone: string;
  readonly readable: boolean;
}

export interface Device {
  readonly id: string;
  readonly person: string;
  readonly person_name: string;
  readonly enrolled_on: string;
  readonly revoked_on: string | null;
  readonly last_heard_on: string | null;
  readonly not_participating_since: string | null;
  readonly missing: number;
  readonly lost: number;
}

export interface LogEntry {
  readonly at: number;
  readonly reader: string;
  readonly reader_name: string;
  readonly reader_role: string | null;
  /** The one thing a program's token is good for. */
  readonly reader_scope?: string | null;
  readonly action: string;
  readonly team: string | null;
  readonly team_name: string | null;
  readonly from_day: string | null;
  readonly to_day: string | null;
  readonly allowed_because: string;
}


export interface SignedDocument {
  readonly payload: string;
  readonly sigs: readonly { readonly key: string }[];
}

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly organisation: { readonly name: string };
  /** What this reader may do, in the service's own words for it. */
  readonly may: readonly string[];
  readonly role: Role;
}

export type SignIn =
  | { readonly kind: "token" }
  | { readonly kind: "oidc"; readonly issuer: string; readonly client_id: string; readonly tokens: boolean };

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly team: string | null;
  readonly team_name: string | null;
  readonly since: string | null;
}

export interface Approval {
  readonly id: string;
  readonly act: "person_add" | "person_move";
  readonly person_name: string;
  readonly team_name: string;
  readonly state: "waiting" | "approved" | "refused" | "lapsed";
  readonly asked_at: number;
  readonly asked_by: string | null;
  readonly asked_by_name: string | null;
  readonly lapses_at: number;
  readonly decided_at: number | null;
  readonly decided_by_name: string | null;
  readonly counts_from: string | null;
  readonly alone: boolean;
  readonly nobody_to_agree: boolean;
}

export interface Code {
  readonly id: string;
  readonly person: string;
  readonly person_name: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly used: boolean;
}

export interface Change {
  readonly term: string;
  readonly before: string;
  readonly after: string;
  readonly text: string;
  /** Whether more may be measured or seen than before; null where that cannot be said. */
  readonly widens: boolean | null;
}

export interface Version {
  readonly id: string;
  readonly state: "in_force" | "coming" | "past" | "withdrawn";
  readonly effective: number;
  readonly published_at: number;
  readonly published_by: string | null;
  readonly beyond_agreement: boolean;
}

/** An agreement that the service found signed by the organisation's root and by today's works council. */
export interface AgreementIssue {
  readonly id: string;
  readonly state: "in_force" | "coming";
  readonly not_after: number;
}

export interface Alert {
  readonly id: string;
  readonly about: "service" | "documents" | "channel" | "laptops" | "team";
  readonly team_name: string | null;
  readonly message: string;
  readonly raised_on: string;
  readonly resolved_on: string | null;
  readonly sent: { readonly delivered: number; readonly waiting: number; readonly given_up: number };
}
