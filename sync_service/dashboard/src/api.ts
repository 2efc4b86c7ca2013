// The one client of the service's HTTP API, typed after GET /openapi.json.

import { fromAnswer, Problem, TOO_SLOW, UNREACHABLE } from "./problem.js";
import { forgetToken, token } from "./session.js";
import type { Answers } from "./answers.js";

const PATIENCE_MS = 60_000;
const RETRIES = 2;
const LONGEST_WAIT_S = 5;
const MOST_REMEMBERED = 80;

export type Query = Readonly<Record<string, string | number | null | undefined>>;
export type Params = Readonly<Record<string, string>>;
type Method = "GET" | "POST" | "PUT" | "DELETE";

interface Remembered {
  readonly tag: string;
  readonly body: unknown;
}

export class Client {
  private readonly remembered = new Map<string, Remembered>();
  private routes: Promise<ReadonlySet<string>> | null = null;

  /** Whether this service has the route: an older one has fewer pages, not broken ones. */
  async has(method: Method, path: string): Promise<boolean> {
    this.routes ??= this.described().catch((problem: unknown) => {
      this.routes = null;
      throw problem;
    });
    return (await this.routes).has(`${method} ${path}`);
  }

  private async described(): Promise<ReadonlySet<string>> {
    const document = (await this.json("GET", "/openapi.json")) as { paths?: Record<string, Record<string, unknown>> };
    const routes = new Set<string>();
    for (const [path, methods] of Object.entries(document.paths ?? {})) {
      for (const method of Object.keys(methods)) routes.add(`${method.toUpperCase()} ${path}`);
    }
    return routes;
  }

  /** The answer of a GET; `params` fill the path's {names}. Raises Problem; an aborted signal raises its reason. */
  async get<P extends keyof Answers>(path: P, params: Params = {}, query: Query = {}, signal?: AbortSignal): Promise<Answers[P]> {
    return (await this.json("GET", address(path, params, query), undefined, signal)) as Answers[P];
  }

  async send(method: Exclude<Method, "GET">, path: string, params: Params, body?: unknown): Promise<unknown> {
    this.remembered.clear();
    return this.json(method, address(path, params), body);
  }

  /** The same answer as CSV, and the name the service gives the file. */
  async csv(path: keyof Answers, params: Params, query: Query): Promise<{ readonly name: string; readonly blob: Blob }> {
    const response = await this.ask("GET", address(path, params, query), { Accept: "text/csv" });
    const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
    return { name: name ?? "framekeep.csv", blob: await response.blob() };
  }

  forget(): void {
    this.remembered.clear();
  }

  private async json(method: Method, url: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    const known = method === "GET" ? this.remembered.get(url) : undefined;
    const headers: Record<string, string> = { Accept: "application/json" };
    if (known) headers["If-None-Match"] = known.tag;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await this.ask(method, url, headers, body, signal);
    if (response.status === 304 && known) return known.body;
    if (response.status === 204) return null;
    const answer: unknown = await read(response);
    const tag = response.headers.get("ETag");
    if (method === "GET" && tag) {
      this.remembered.set(url, { tag, body: answer });
      if (this.remembered.size > MOST_REMEMBERED) this.remembered.delete(this.remembered.keys().next().value!);
    }
    return answer;
  }

  private async ask(
    method: Method,
    url: string,
    headers: Record<string, string>,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const response = await this.once(method, url, headers, body, signal);
      if (response.ok || response.status === 304) return response;
      const wait = Number(response.headers.get("Retry-After") ?? Number.NaN);
      const mayWait = method === "GET" && attempt < RETRIES && wait >= 0 && wait <= LONGEST_WAIT_S;
      if ((response.status === 429 || response.status === 503) && mayWait) {
        await pause(wait * 1000 + 100 * Math.random(), signal);
        continue;
      }
      if (response.status === 401) forgetToken();
      throw fromAnswer(response.status, await response.json().catch(() => null));
    }
  }

  private async once(
    method: Method,
    url: string,
    headers: Record<string, string>,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Response> {
    const held = token();
    const slow = AbortSignal.timeout(PATIENCE_MS);
    try {
      return await fetch(url, {
        method,
        headers: { ...headers, ...(held ? { Authorization: `Bearer ${held}` } : {}) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, slow]) : slow,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw slow.aborted ? TOO_SLOW : error instanceof TypeError ? UNREACHABLE : error;
    }
  }
}

async function read(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new Problem("broken", "The service's answer cannot be read. Load the page again; it may have been updated.");
  }
}

function address(path: string, params: Params = {}, query: Query = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `${filled}?${search.toString()}` : filled;
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
