// Signing in at the organisation's identity provider: authorization code with PKCE. The library keeps the protocol's
// rules; what is kept here is only what must survive the way there and back, and only in this tab.

import * as oauth from "oauth4webapi";
import { Problem } from "./problem.js";
import { drop, keep, kept, keepToken } from "./session.js";

const KEY = "framekeep-signing-in";

interface Underway {
  readonly issuer: string;
  readonly client: string;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly back: string;
}

function here(): string {
  return `${location.origin}${location.pathname}`;
}

/** Loopback providers (tests, a demonstration) may speak plain HTTP; nobody else may. */
function options(issuer: string): { [oauth.allowInsecureRequests]?: boolean } {
  const { protocol, hostname } = new URL(issuer);
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  return protocol === "http:" && loopback ? { [oauth.allowInsecureRequests]: true } : {};
}

async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const address = new URL(issuer);
  try {
    return await oauth.processDiscoveryResponse(address, await oauth.discoveryRequest(address, options(issuer)));
  } catch {
    throw new Problem("unreachable", `The identity provider at ${address.host} cannot be reached or does not answer as it should. Try again; if it stays so, tell your administrator.`);
  }
}

/** Leave for the provider; `back` is the page to return to. */
export async function leave(issuer: string, client: string, back: string): Promise<void> {
  const server = await discover(issuer);
  const underway: Underway = {
    issuer,
    client,
    back,
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  const address = new URL(server.authorization_endpoint ?? "");
  const parameters = {
    client_id: client,
    redirect_uri: here(),
    response_type: "code",
    scope: "openid email",
    code_challenge: await oauth.calculatePKCECodeChallenge(underway.verifier),
    code_challenge_method: "S256",
    state: underway.state,
    nonce: underway.nonce,
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  keep(KEY, JSON.stringify(underway));
  location.assign(address);
}

/** Whether the address is that of somebody who comes back from a provider. */
export function isBack(): boolean {
  const query = new URLSearchParams(location.search);
  return query.has("state") && (query.has("code") || query.has("error"));
}

/** Exchange the code for the token and go back to the page that was left. Raises Problem. */
export async function comeBack(): Promise<void> {
  const answer = new URL(location.href);
  const underway = JSON.parse(kept(KEY) ?? "null") as Underway | null;
  drop(KEY);
  // The code leaves the address before anything else happens: it belongs into no history.
  history.replaceState(null, "", `${location.pathname}${underway?.back ?? ""}`);
  if (!underway) throw new Problem("refused", "This sign-in was not begun in this tab. Begin it again here.");
  const server = await discover(underway.issuer);
  const client: oauth.Client = { client_id: underway.client };
  try {
    const code = oauth.validateAuthResponse(server, client, answer, underway.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      code,
      here(),
      underway.verifier,
      options(underway.issuer),
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: underway.nonce,
      requireIdToken: true,
    });
    keepToken(tokens.id_token!);
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError && error.error === "access_denied") {
      throw new Problem("refused", "The identity provider did not let you in. If you should have access, tell your administrator.");
    }
    throw new Problem("refused", "Signing in did not succeed. Try again; if it stays so, tell your administrator.");
  }
}
