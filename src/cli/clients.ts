/**
 * `auth pins`, `auth pin` and `auth unpin`: the clients that are let in by the policy `auth.clients.cimd: "pinned"`. What is
 * pinned is the document that was shown, and no later one; at a terminal the operator is asked in between.
 */
import { escapeControls, fault } from "../base/index.ts";
import type { ShownClient } from "../compose/index.ts";
import { grantorOf } from "./grantor.ts";
import type { Occasion, Run } from "./occasion.ts";
import { tableText } from "./table.ts";
import { hasPerson, isAgreed } from "./typed.ts";

/** A line for each. */
export const pins: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  await using grantor = await grantorOf(occasion);
  const all = await grantor.pinnedClients();
  const rows = all.map(({ url, name, redirectUris, pinnedAt }) => [url, name, redirectUris.join(" ") || "-", new Date(pinnedAt).toISOString().slice(0, 16).replace("T", " ")]);
  if (settings.json) stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else stdout.write(await tableText([["URL", "NAME", "ANSWERS GO TO", "PINNED"], ...rows], stdout));
  return 0;
};

/** Gives 0 when it is pinned, 1 where the operator does not want it. Throws USAGE, PARAMS_INVALID, LIMIT_REACHED, SERVER_AWAY. */
export const pin: Run = async (occasion) => {
  const url = urlIn(occasion);
  await using grantor = await grantorOf(occasion);
  const shown = await grantor.lookAtClient(url);
  occasion.stdout.write(clientText(shown));
  if (!(await isWanted(occasion))) return say(occasion, "nothing is pinned", 1);
  await grantor.pinClient(url, shown.digest);
  return say(occasion, "this is pinned; it counts where auth.clients.cimd is “pinned”", 0);
};

/** Throws USAGE, NAME_UNKNOWN, SERVER_AWAY. */
export const unpin: Run = async (occasion) => {
  const url = urlIn(occasion);
  await using grantor = await grantorOf(occasion);
  await grantor.unpinClient(url);
  return say(occasion, "this is not pinned any more; what it was granted ends with `1mcp auth revoke`", 0);
};

function urlIn({ operand }: Occasion): string {
  if (operand === null) throw fault("USAGE", { detail: "which client?", hint: "it is named by the address of its metadata document" });
  return operand;
}

function clientText({ url, name, domain, redirectUris, signs }: ShownClient): string {
  const lines = [`“${name}”, vouched for by ${domain}`, `  document:       ${url}`, ...redirectUris.map((uri) => `  answers go to:  ${uri}`), `  shows itself:   ${signs ? "by a signature" : "not at all: whoever can have answers sent to these addresses can pose as it"}`];
  return `${lines.map(escapeControls).join("\n")}\n`;
}

// In a pipe whoever wrote the command has decided.
const isWanted = async (occasion: Occasion): Promise<boolean> => !(await hasPerson(occasion)) || (await isAgreed(occasion, "Pin exactly this? [y/N] "));

function say({ stdout }: Occasion, text: string, code: number): number {
  stdout.write(`${text}\n`);
  return code;
}
