// What is in force: the policy, and the works agreement that no policy may exceed.

import { instantIn } from "../calendar.js";
import type { Context, View } from "../context.js";
import { type Child, h } from "../dom.js";
import { type Agreement, agreementStanding, agreementTerms, payloadText, type Policy, policyTerms } from "../documents.js";
import { details, facts, head, note, part } from "../parts.js";
import { Problem } from "../problem.js";
import type { SignedDocument } from "../types.js";
import { editing } from "./policy_form.js";
import { versions } from "./versions.js";

export async function policyView(context: Context, since: string | null): Promise<View> {
  const document = await context.client.get("/v1/policy", {}, {}, context.signal);
  const text = payloadText(document);
  const policy = JSON.parse(text) as Policy;
  const now = context.now() / 1000;
  return {
    title: "Policy",
    body: h(
      "div",
      {},
      head("Policy", h("p", { class: "lead" }, `${policy.id}, ${begins(policy, now)}. The same document is on every laptop and in every employee's panel.`)),
      facts([
        ...policyTerms(policy),
        ["Signed", `${instantIn("UTC", policy.issued)} UTC, by ${signers(document)}`],
        ["Holds until", `${instantIn("UTC", policy.not_after)} UTC, then laptops stop measuring`],
        ["Works agreement", policy.agreement ? h("code", {}, policy.agreement) : "none is named"],
      ]),
      h("div", { class: "more-table" }, details("Read the document as it was signed", h("pre", { class: "sheet", tabindex: 0 }, text))),
      await agreementPart(context),
      await versions(context, policy.id, since),
      await editing(context, policy),
    ),
  };
}

function begins(policy: Policy, now: number): string {
  const from = policy.effective ?? policy.issued;
  return from > now ? `in force from ${instantIn("UTC", from)} UTC on` : `in force since ${instantIn("UTC", from)} UTC`;
}

function signers(document: SignedDocument): Child {
  const keys = document.sigs.map((one) => one.key.slice(0, 8));
  return keys.length === 1 ? `the key ${keys[0]} …` : `the keys ${keys.join(" …, ")} …`;
}

async function agreementPart(context: Context): Promise<Node | null> {
  if (!(await context.client.has("GET", "/v1/agreement"))) return null;
  try {
    const document = await context.client.get("/v1/agreement", {}, {}, context.signal);
    const text = payloadText(document);
    const agreement = JSON.parse(text) as Agreement;
    const { agreements } = await context.client.get("/v1/policies", {}, {}, context.signal);
    const { says, by } = agreementStanding(agreement, agreements, context.now() / 1000);
    const written = `${instantIn("UTC", agreement.issued)} UTC`;
    return part("Works agreement", [
      h("p", {}, says),
      facts([
        ...agreementTerms(agreement),
        by ? ["Signed", `${written}, ${by}`] : ["Written", written],
        ["Holds until", `${instantIn("UTC", agreement.not_after)} UTC`],
      ]),
      details("Read the document as it was signed", h("pre", { class: "sheet", tabindex: 0 }, text)),
    ]);
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.kind === "signed_out") throw problem;
    if (problem.kind !== "missing") throw problem;
    return part("Works agreement", [
      h("p", {}, "There is none. The limits are those every policy has: at least five people behind a number, and numbers that are made once."),
      note("A works council can have a key of its own; from then on no policy holds that goes beyond what it signed."),
    ]);
  }
}
