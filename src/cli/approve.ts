/**
 * `approve`: who waits for a grant, and the operator's decision. On a terminal it shows each request and asks; in a pipe it
 * lists them; with `--yes` and `--deny` it decides without asking. What the client says of itself is shown as what it is:
 * a claim, unless a domain vouches for it.
 */
import { defaultLimits, escapeControls, fault, sleep } from "../base/index.ts";
import type { ShownRequest } from "../compose/index.ts";
import { answerTo, interview, markedOf, scopesOf, verified } from "./interview.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askRunning } from "./operator.ts";
import { tableText } from "./table.ts";
import { hasPerson, Lines } from "./typed.ts";

// Nothing tells us that somebody asks; this often we look.
const lookMs = 500;

/** Gives 0 when decided or shown, 1 where it was waited in vain. Throws USAGE, NAME_UNKNOWN, PARAMS_INVALID, SERVER_AWAY. */
export const approve: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  if (settings.yes !== null && settings.deny !== null) throw fault("USAGE", { detail: "it is either --yes or --deny" });
  const waiting = await waited(occasion);
  if (settings.yes !== null) return approved(occasion, namedIn(waiting, settings.yes), scopesFor(namedIn(waiting, settings.yes), settings.scopes));
  if (settings.deny !== null) return denied(occasion, namedIn(waiting, settings.deny));
  if (settings.json) stdout.write(`${JSON.stringify(waiting, null, 2)}\n`);
  else if (await hasPerson(occasion)) await talk(occasion, waiting);
  else stdout.write(await tableText([head, ...waiting.map(rowOf)], stdout));
  return settings.wait && waiting.length === 0 ? 1 : 0;
};

/** Those that wait now; with `--wait` as soon as there are any. */
async function waited(occasion: Occasion): Promise<readonly ShownRequest[]> {
  const { settings, clock } = occasion;
  const until = clock.now() + (settings.wait ? defaultLimits.approvalMsMax : 0);
  for (;;) {
    const { waiting } = await askRunning<{ readonly waiting: readonly ShownRequest[] }>(occasion, "GET", "/auth/waiting");
    if (waiting.length > 0 || clock.now() >= until) return waiting;
    await sleep(clock, lookMs);
  }
}

/** The one of that code or id. */
function namedIn(waiting: readonly ShownRequest[], text: string): ShownRequest {
  const found = waiting.find(({ id, code }) => id === text || lettersOf(code) === lettersOf(text));
  if (found === undefined) throw fault("NAME_UNKNOWN", { detail: "no such request waits", hint: "`1mcp approve` shows those that do" });
  return found;
}

const lettersOf = (code: string): string => code.replaceAll(/[^a-z]/gi, "").toUpperCase();

// ---- Decisions --------------------------------------------------------------------------------------------------

/** What is granted without a person to choose it. */
function scopesFor(request: ShownRequest, chosen: readonly string[] | null): readonly string[] {
  if (chosen?.includes("all") === true) return scopesOf(request);
  const scopes = chosen ?? markedOf(request);
  if (scopes.length === 0) throw fault("USAGE", { detail: "the client asked for nothing in particular", hint: `say what it gets: --scope ${scopesOf(request).join(", or --scope ") || "…"}` });
  return scopes;
}

async function approved(occasion: Occasion, request: ShownRequest, scopes: readonly string[]): Promise<number> {
  await askRunning(occasion, "POST", pathOf(request), { body: { approve: true, scopes } });
  return say(occasion, `“${request.client.name}” is granted ${scopes.join(" ")}`);
}

async function denied(occasion: Occasion, request: ShownRequest): Promise<number> {
  await askRunning(occasion, "POST", pathOf(request), { body: { approve: false } });
  return say(occasion, `“${request.client.name}” gets nothing`);
}

const pathOf = ({ id }: ShownRequest): string => `/auth/waiting/${encodeURIComponent(id)}`;

function say({ stdout }: Occasion, text: string): number {
  stdout.write(`${escapeControls(text)}\n`);
  return 0;
}

// ---- With a person ----------------------------------------------------------------------------------------------

async function talk(occasion: Occasion, waiting: readonly ShownRequest[]): Promise<void> {
  if (waiting.length === 0) say(occasion, "nobody waits for your decision");
  const lines = new Lines(occasion.pipes().input);
  for (const request of waiting) await talkAbout(occasion, request, lines);
}

async function talkAbout(occasion: Occasion, request: ShownRequest, lines: Lines): Promise<void> {
  const { stdout, clock } = occasion;
  const decision = await interview(request, { write: (text) => stdout.write(text), next: () => lines.next(), now: clock.now() });
  if (decision === null) say(occasion, "it goes on waiting");
  else await (decision.approve ? approved(occasion, request, decision.scopes) : denied(occasion, request));
}

// ---- How a request is listed -------------------------------------------------------------------------------------

const head = Object.freeze(["CODE", "ID", "CLIENT", "VOUCHED FOR BY", "ANSWER GOES TO", "SCOPES"]);
const rowOf = (request: ShownRequest): string[] => [request.code, request.id, request.client.name, verified(request), answerTo(request), markedOf(request).join(" ") || "to be chosen"];
