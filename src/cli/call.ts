/**
 * `run`: one call of one tool of the running proxy. Standard output carries its result and nothing else. Gives 0, or 2 where
 * the tool itself says that it failed; whatever else goes wrong is 1, its command line included, because scripts read 2 as
 * the tool's own failure.
 */
import { type Cancel, CancelSource, defaultLimits, fault, nearestOf } from "../base/index.ts";
import type { Asking, Reached } from "../compose/index.ts";
import { type Answer, type Ask, memberOf, parseObject, type RawObject, rawOf } from "../protocol/index.ts";
import { valuesOf } from "./flags.ts";
import { formatOf } from "./format.ts";
import { argumentsFrom, argumentsOf, parametersOf, targetOf } from "./invocation.ts";
import type { Occasion, Run } from "./occasion.ts";
import { createProgress, type Progress } from "./progress.ts";
import { askable, askPerson } from "./questions.ts";
import { shownResult } from "./result.ts";
import { reachedBy, resultOf, serverNamed, type ToolDefinition, toolsOf } from "./shellServers.ts";
import type { Typist } from "./terminal.ts";
import { Lines } from "./typed.ts";

const charsMaxDefault = 2000;
const failedCode = 2;

/** Calls the tool. Throws USAGE, NAME_UNKNOWN, SERVER_AWAY, CALL_CANCELLED, and what the server answers. */
export const runTool: Run = async (occasion) => {
  const target = toolIn(occasion.operand ?? "");
  const typed = valuesOf(occasion.given, "args").at(-1);
  const typedArgs = typed === undefined ? null : argumentsOf(typed);
  await using reached = await reachedBy(occasion);
  const asking = await reached.ask([target.server]);
  const progress = await progressOf(occasion, `${target.server}/${target.tool}`);
  try {
    const definition = await definitionOf(reached, asking, target);
    const typist = await typistOf(occasion);
    const args = typedArgs ?? (typist === null ? argumentsFrom(await inputOf(occasion, definition), parametersOf(definition.inputSchema)) : {});
    const result = await called({ occasion, asking, ...target, args, progress, typist });
    progress.end();
    return await print(occasion, result);
  } finally {
    progress.end();
  }
};

interface NamedTool {
  readonly server: string;
  readonly tool: string;
}

function toolIn(operand: string): NamedTool {
  const { server, tool } = targetOf(operand);
  if (server === "" || !tool) throw fault("USAGE", { detail: "run what?", hint: "name a tool: 1mcp run SERVER/TOOL; `1mcp inspect` lists them" });
  return { server, tool };
}

/** What is to be called. A server that shows nothing may be one that there is not, which is worth another question. */
async function definitionOf(reached: Reached, asking: Asking, { server, tool }: NamedTool): Promise<ToolDefinition> {
  try {
    return toolNamed(await toolsOf(asking, server), server, tool);
  } catch (thrown) {
    const { state, healthy, reason } = serverNamed(await reached.servers(), server);
    throw healthy ? thrown : fault("BACKEND_DOWN", { backend: server, detail: reason ?? `it is ${state}`, hint: `\`1mcp status ${server}\` says more; \`1mcp wait ${server}\` waits for it`, cause: thrown });
  }
}

/** The tool of this name. Throws NAME_UNKNOWN. */
export function toolNamed(tools: readonly ToolDefinition[], server: string, name: string): ToolDefinition {
  const found = tools.find((one) => one.name === name);
  if (found !== undefined) return found;
  const near = nearestOf(name, tools.map((one) => one.name));
  throw fault("NAME_UNKNOWN", { detail: `${server} has no tool “${name}”`, hint: near === null ? `\`1mcp inspect ${server}\` lists its tools` : `did you mean ${server}/${near}?` });
}

async function progressOf({ stderr, clock, env }: Occasion, what: string): Promise<Progress> {
  return createProgress({ stderr, clock, isTerminal: (await stderr.isTerminal()) && env["TERM"] !== "dumb" }, `${what} is called`);
}

const typistOf = async ({ pipes }: Occasion): Promise<Typist | null> => (await pipes().typist?.()) ?? null;

/** Everything on standard input; a tool without parameters is not made to wait for it. */
async function inputOf({ pipes }: Occasion, { inputSchema }: ToolDefinition): Promise<string> {
  if (Object.keys(parametersOf(inputSchema).properties).length === 0) return "";
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of pipes().input) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > defaultLimits.bodyBytesMax) throw fault("MESSAGE_TOO_LARGE", { detail: "standard input" });
  }
  return text + decoder.decode();
}

interface Calling extends NamedTool {
  readonly occasion: Occasion;
  readonly asking: Asking;
  readonly args: Readonly<Record<string, unknown>>;
  readonly progress: Progress;
  readonly typist: Typist | null;
}

/** Calls it until it is done, or a signal ends that. */
async function called({ occasion, asking, server, tool, args, progress, typist }: Calling): Promise<RawObject> {
  const { signals, stderr } = occasion;
  const cancel = new CancelSource();
  const stop = (): void => cancel.cancel("it was interrupted");
  for (const name of ["SIGINT", "SIGTERM"]) signals.on(name, stop);
  const lines = typist === null ? null : new Lines(occasion.pipes().input);
  const ask = async (question: Ask): Promise<Answer> => {
    if (lines === null) throw fault("ASK_REFUSED", { backend: server, detail: "there is no terminal to ask at" });
    progress.clear();
    return askPerson({ ...question, backend: server }, lines, stderr);
  };
  const params = parseObject(JSON.stringify({ name: tool, arguments: args }), defaultLimits);
  if (params === null) throw fault("MESSAGE_TOO_DEEP");
  try {
    const calling = asking.call(server, { method: "tools/call", params, capabilities: lines === null ? "{}" : askable, cancel, notice: (text) => tell(text, progress), ask });
    return resultOf(await Promise.race([calling, interrupted(cancel)]));
  } finally {
    for (const name of ["SIGINT", "SIGTERM"]) signals.off(name, stop);
  }
}

const interrupted = (cancel: Cancel): Promise<never> => new Promise((_, reject) => void cancel.onCancel((detail) => reject(fault("CALL_CANCELLED", { detail }))));

/** What a notification of the call says of how far it is. */
function tell(text: string, progress: Progress): void {
  const { params = {} } = JSON.parse(text) as { readonly params?: { readonly progress?: number; readonly total?: number; readonly message?: string } };
  if (params.progress === undefined) return;
  const of = params.total === undefined ? "" : `/${params.total}`;
  progress.say(`${params.progress}${of}${params.message === undefined ? "" : ` ${params.message}`}`);
}

async function print(occasion: Occasion, result: RawObject): Promise<number> {
  const { given, stdout, stderr } = occasion;
  const charsMax = given.has("max-chars") ? Number(given.get("max-chars")) : charsMaxDefault;
  const { text, cut } = shownResult(await formatOf(occasion), rawOf(result), charsMax, await stdout.isTerminal());
  stdout.write(text);
  if (cut > 0) stderr.write(`1mcp: ${cut} characters more; --max-chars 0 shows all of them\n`);
  return memberOf(result, "isError") === "true" ? failedCode : 0;
}
