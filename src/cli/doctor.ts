/** `doctor`: looks at everything that keeps the program from working, and says for each what mends it; with `--fix` it does so where it can. */
import { resolve } from "node:path";
import { escapeControls, faultOf } from "../base/index.ts";
import { configFindings, type Machine } from "./doctorConfig.ts";
import { folderFindings, runningFindings } from "./doctorState.ts";
import type { Finding } from "./finding.ts";
import type { Occasion, Run } from "./occasion.ts";
import { createProgress } from "./progress.ts";

/** Gives 0 where nothing is left that does not work, else 1. */
export const doctor: Run = async (occasion) => {
  const { settings, stdout, given } = occasion;
  const findings = await examined(occasion);
  const told = await Promise.all(findings.map((finding) => (given.has("fix") && finding.fix !== null ? mended(finding) : { ...finding, fixed: null })));
  const left = told.filter(({ level, fixed }) => level === "error" && fixed === null).length;
  if (settings.json) stdout.write(`${JSON.stringify({ healthy: left === 0, findings: told.map(({ fix, ...finding }) => ({ ...finding, fixable: fix !== null })) }, null, 2)}\n`);
  else stdout.write(await reportText(occasion, told));
  return left === 0 ? 0 : 1;
};

async function examined(occasion: Occasion): Promise<readonly Finding[]> {
  const { stderr, clock, env, settings, selfArgv } = occasion;
  const progress = createProgress({ stderr, clock, isTerminal: (await stderr.isTerminal()) && env["TERM"] !== "dumb" }, "looking");
  try {
    const { findings, config } = await configFindings(occasion, settings.config === null ? null : resolve(settings.config), machineOf(selfArgv));
    progress.say("looking at the state folder and the running server");
    return [...findings, ...(await folderFindings(occasion)), ...(await stateFindings(occasion, config))];
  } finally {
    progress.end();
  }
}

/** What cannot even be read is a finding too. */
async function stateFindings(occasion: Occasion, config: Parameters<typeof runningFindings>[1]): Promise<readonly Finding[]> {
  return runningFindings(occasion, config).catch((thrown: unknown): Finding[] => {
    const { message, hint } = faultOf(thrown);
    return [{ check: "supervisor", level: "error", message, mend: hint, fix: null }];
  });
}

const machineOf = (selfArgv: readonly string[]): Machine => ({
  platform: process.platform,
  which: (program, path) => Bun.which(program, { PATH: path }),
  runtime: selfArgv[0] === undefined ? null : { command: selfArgv[0], isCompiled: selfArgv.length === 1 },
});

type Told = Finding & { readonly fixed: string | null };

async function mended(finding: Finding): Promise<Told> {
  try {
    return { ...finding, fixed: (await finding.fix?.()) ?? null };
  } catch (thrown) {
    return { ...finding, message: `${finding.message}; mending it failed: ${faultOf(thrown).message}`, fixed: null };
  }
}

async function reportText({ stdout, env }: Occasion, told: readonly Told[]): Promise<string> {
  if (told.length === 0) return "everything is in order\n";
  const isColoured = Bun.enableANSIColors && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb" && (await stdout.isTerminal());
  const strong = (text: string, colour: number): string => (isColoured ? `\u001b[1;${colour}m${text}\u001b[0m` : text);
  const blocks = told.map(({ level, check, message, mend, fixed }) => {
    const head = fixed !== null ? strong("mended", green) : level === "error" ? strong("error", red) : strong("warning", yellow);
    return `${head} ${check}: ${escapeControls(message)}\n  ${fixed === null ? `mend it: ${escapeControls(mend)}` : escapeControls(fixed)}\n`;
  });
  const isOffered = told.some(({ fix, fixed }) => fix !== null && fixed === null);
  return `${blocks.join("")}${isOffered ? "\n1mcp doctor --fix mends what it can by itself\n" : ""}`;
}

const red = 31;
const green = 32;
const yellow = 33;
