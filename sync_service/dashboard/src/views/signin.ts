// The door: a token typed in, or the organisation's identity provider, as the service says.

import type { Client } from "../api.js";
import { h } from "../dom.js";
import { leave } from "../oidc.js";
import { field, head, message, note, part } from "../parts.js";
import { Problem } from "../problem.js";
import { keepToken } from "../session.js";
import type { SignIn } from "../types.js";

/** `why`: what to say first, as after a token has run out. */
export async function signInView(client: Client, why: string | null, signedIn: () => void): Promise<HTMLElement> {
  const way = await howToSignIn(client);
  return h(
    "div",
    { class: "door" },
    head("Sign in", h("p", { class: "lead" }, "What managers, administrators and auditors may see of Framekeep. Every read is on record, and the people concerned see it.")),
    why ? message("warn", why) : null,
    way.kind === "oidc" ? provider(way) : tokenForm(signedIn),
    way.kind === "oidc"
      ? way.tokens && h("details", {}, h("summary", {}, "Sign in with a token instead"), tokenForm(signedIn))
      : part("Where a token comes from", [
          h("p", {}, "An administrator makes one on the service's machine:"),
          h("pre", { class: "sheet", tabindex: 0 }, "framekeep-sync admin token new"),
        ]),
    note("A sign-in is kept in this tab only, until you close it or sign out."),
  );
}

async function howToSignIn(client: Client): Promise<SignIn> {
  try {
    if (!(await client.has("GET", "/v1/sign-in"))) return { kind: "token" };
    return await client.get("/v1/sign-in");
  } catch (problem) {
    if (problem instanceof Problem && problem.kind === "missing") return { kind: "token" };
    throw problem;
  }
}

function tokenForm(signedIn: () => void): HTMLElement {
  const input = h("input", {
    type: "password",
    id: "token",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
    required: true,
    "aria-describedby": "token-problem",
  });
  const problem = h("p", { id: "token-problem", role: "alert", class: "problem" });
  return h(
    "form",
    {
      class: "stack",
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        const value = input.value.trim();
        const wrong = value === "" ? "Paste the token first." : /^[\x21-\x7e]+$/.test(value) ? "" : "That is no token: one is a single word of letters and digits.";
        problem.textContent = wrong;
        input.setAttribute("aria-invalid", wrong ? "true" : "false");
        if (wrong) return input.focus();
        keepToken(value);
        signedIn();
      },
    },
    field("Token", input, null),
    problem,
    h("p", {}, h("button", { type: "submit", class: "main" }, "Sign in")),
  );
}

function provider(way: Extract<SignIn, { kind: "oidc" }>): HTMLElement {
  const problem = h("p", { role: "alert", class: "problem" });
  const button = h(
    "button",
    {
      type: "button",
      class: "main",
      id: "provider",
      onclick: () => {
        button.disabled = true;
        problem.textContent = "";
        leave(way.issuer, way.client_id, location.hash).catch((error: unknown) => {
          button.disabled = false;
          problem.textContent = error instanceof Problem ? error.message : "Signing in could not begin. Try again.";
        });
      },
    },
    `Sign in at ${new URL(way.issuer).host}`,
  );
  return h("div", { class: "stack" }, h("p", {}, button), problem);
}
