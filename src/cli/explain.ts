/** `explain`: which rules show or hide a tool for somebody; and of a code, what it means. */
import { escapeControls, type FaultCode, fault, faults, nearestOf } from "../base/index.ts";
import type { Explained } from "../catalog/index.ts";
import { grantorOf } from "./grantor.ts";
import { namedGrant } from "./grants.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askRunning } from "./operator.ts";
import { filterOf } from "./selection.ts";

/** A code of the catalog of faults is written in capitals; anything else is a tool's name. Throws USAGE, NAME_UNKNOWN, SERVER_AWAY. */
export const explain: Run = (occasion) => {
  const { operand } = occasion;
  if (operand === null) throw fault("USAGE", { detail: "explain what?", hint: "give it the name of a tool, or the code of an error" });
  if (Object.hasOwn(faults, operand)) return explainCode(occasion, operand as FaultCode);
  // Nobody names a tool so who knows what codes look like, and no server needs to run to say that there is no such one.
  if (/^[A-Z]+(_[A-Z]+)+$/.test(operand)) throw unknownCode(operand);
  return explainTool(occasion, operand);
};

function unknownCode(code: string) {
  const near = nearestOf(code, Object.keys(faults));
  return fault("NAME_UNKNOWN", { detail: `there is no code “${code}”`, hint: near === null ? `there are: ${Object.keys(faults).join(", ")}` : `did you mean ${near}?` });
}

function explainCode({ settings, stdout }: Occasion, code: FaultCode): Promise<number> {
  const { text, hint, http, rpc, exit } = faults[code];
  stdout.write(settings.json ? `${JSON.stringify({ code, text, hint, http, rpc, exit }, null, 2)}\n` : `${code}: ${text}\n  hint:  ${hint}\n  HTTP status ${http}, JSON-RPC error ${rpc}, exit code ${exit}\n`);
  return Promise.resolve(0);
}

async function explainTool(occasion: Occasion, name: string): Promise<number> {
  const { settings, stdout } = occasion;
  const filter = filterOf(occasion);
  const tools = await askRunning<readonly Explained[]>(occasion, "POST", "/explain", { body: { name, scopes: await scopesOf(occasion), filter } });
  if (tools.length === 0) throw fault("NAME_UNKNOWN", { detail: `“${name}” is no tool, and no error's code`, hint: "give it the name that clients see, or server/tool" });
  stdout.write(settings.json ? `${JSON.stringify(tools, null, 2)}\n` : tools.map(toolText).join(""));
  return 0;
}

/** Of the grant that was named; null: everything, as whoever shows the operator's own token. */
async function scopesOf(occasion: Occasion): Promise<readonly string[] | null> {
  const { grant } = occasion.settings;
  if (grant === null) return null;
  await using grantor = await grantorOf(occasion);
  return namedGrant(await grantor.grants(), grant).scopes;
}

function toolText({ server, tool, public: shown, steps }: Explained): string {
  const head = `${server}/${tool} is ${shown === null ? "not seen" : `seen as “${shown}”`}`;
  return [head, ...steps.map(({ rule, shows, because }) => `  ${shows ? "shows" : "HIDES"}  ${`${rule}:`.padEnd(12)}${because}`)].map((line) => `${escapeControls(line)}\n`).join("");
}
