// The page's shell: who is signed in, where one can go, and one view at a time.

import { Client } from "./api.js";
import { textures } from "./charts/textures.js";
import type { Context, View } from "./context.js";
import { h } from "./dom.js";
import { comeBack, isBack } from "./oidc.js";
import { head, problemBox } from "./parts.js";
import { Problem, WORDS } from "./problem.js";
import { formatRoute, parseRoute, type Route } from "./route.js";
import { forgetToken, token } from "./session.js";
import type { Me } from "./types.js";
import { signInView } from "./views/signin.js";
import { menuFor } from "./menu.js";
import { show } from "./views/show.js";

const LOADING_AFTER_MS = 250;
const STILL_WAITING_MS = 6_000;

const client = new Client();
const frame = document.getElementById("app")!;
const main = h("main", { id: "main", tabindex: -1 });
const spoken = h("p", { class: "unseen", role: "status" });
const rail = h("header", { class: "rail" });

let me: Me | null = null;
let running = new AbortController();
let shown: Route | null = null;

function signOut(): void {
  forgetToken();
  client.forget();
  me = null;
  void render(null);
}

async function drawRail(route: Route): Promise<void> {
  const entries = token() ? await menuFor(client, me) : [];
  const here = { team: "teams", person: "people" }[route.page as string] ?? route.page;
  rail.replaceChildren(
    h(
      "div",
      { class: "rail-top" },
      h("a", { class: "brand", href: "#/teams" }, "Framekeep"),
      me ? h("p", { class: "who" }, me.name, h("small", {}, `${me.role}, ${me.organisation.name}`)) : h("p", { class: "who" }, h("small", {}, "For managers")),
    ),
    entries.length
      ? h(
          "nav",
          { "aria-label": "Pages" },
          h(
            "ul",
            {},
            entries.map(([page, name, link]) =>
              h("li", {}, h("a", { id: `menu-${page}`, href: formatRoute(link), "aria-current": page === here ? "page" : null }, name)),
            ),
          ),
        )
      : "",
    token() ? h("p", { class: "out" }, h("button", { type: "button", class: "quiet", id: "sign-out", onclick: signOut }, "Sign out")) : "",
  );
}

/** Show what the address says. `why`: what to say at the door, where somebody has to go through it again. */
async function render(why: string | null = null): Promise<void> {
  running.abort(new DOMException("another page was opened", "AbortError"));
  running = new AbortController();
  const { signal } = running;
  const route = parseRoute(location.hash);
  const samePage = shown !== null && identity(shown) === identity(route);
  const focused = document.activeElement?.id ?? "";
  main.setAttribute("aria-busy", "true");
  const waiting = [
    setTimeout(() => {
      if (!samePage) main.replaceChildren(h("p", { class: "lead waiting" }, "Loading …"));
      spoken.textContent = "Loading";
    }, LOADING_AFTER_MS),
    setTimeout(() => {
      main.prepend(h("p", { class: "message", role: "status" }, "The service takes its time. It is still being waited for."));
    }, STILL_WAITING_MS),
  ];
  try {
    const view = await viewOf(route, signal, why);
    if (signal.aborted) return;
    main.replaceChildren(view.body);
    document.title = `${view.title} – Framekeep`;
    spoken.textContent = `${view.title} is shown.`;
    settleFocus(samePage, focused);
    shown = token() ? route : null;
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) {
      showProblem(new Problem("broken", "This page failed at what the service answered. Load it again; if it stays so, tell whoever runs the service."));
      throw error;
    }
    if (error.kind === "signed_out" && why === null) {
      client.forget();
      me = null;
      return render(error.message);
    }
    showProblem(error);
  } finally {
    for (const timer of waiting) clearTimeout(timer);
    if (!signal.aborted) {
      main.removeAttribute("aria-busy");
      main.dataset["shown"] = location.hash;
    }
  }
}

async function viewOf(route: Route, signal: AbortSignal, why: string | null): Promise<View> {
  if (!token()) {
    await drawRail(route);
    return { title: "Sign in", body: await signInView(client, why, () => void render()) };
  }
  if (me === null && (await client.has("GET", "/v1/me"))) me = await client.get("/v1/me", {}, {}, signal);
  await drawRail(route);
  const context: Context = {
    client,
    me,
    signal,
    now: () => Date.now(),
    reload: () => void render(token() ? null : WORDS["not_authenticated"]!),
    say: (text) => {
      spoken.textContent = text;
    },
  };
  return show(context, route);
}

function showProblem(problem: Problem): void {
  const title = { refused: "Not yours to read", missing: "Not found" }[problem.kind as string] ?? "This did not work";
  main.replaceChildren(h("div", {}, head(title), problemBox(problem, problem.kind === "missing" ? null : () => void render())));
  document.title = `${title} – Framekeep`;
  shown = null;
  main.querySelector("h1")?.focus();
}

/** Where reading goes on: at what was used last if it is still there, else at the new page's title. */
function settleFocus(samePage: boolean, focused: string): void {
  const before = samePage && focused ? document.getElementById(focused) : null;
  if (before) before.focus();
  else if (shown !== null && !samePage) {
    main.querySelector("h1")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function identity(route: Route): string {
  if (route.page === "person") return `person ${route.person}`;
  return route.page === "team" ? `team ${route.team}` : route.page;
}

async function start(): Promise<void> {
  const skip = h("button", { type: "button", class: "skip", onclick: () => main.focus() }, "Skip to the content");
  document.body.prepend(skip, textures());
  frame.replaceChildren(
    rail,
    h(
      "div",
      { class: "page" },
      main,
      h("footer", { class: "foot" }, h("p", {}, "Numbers about teams, never about one person. This page loads nothing from anywhere else.")),
    ),
  );
  document.body.append(spoken);
  addEventListener("hashchange", () => void render());
  let why: string | null = null;
  if (isBack()) {
    try {
      await comeBack();
    } catch (problem) {
      why = problem instanceof Problem ? problem.message : "Signing in did not succeed. Try again.";
    }
  }
  await render(why);
}

void start();
