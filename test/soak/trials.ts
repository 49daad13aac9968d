/** What one trial found, and what every trial needs. */
import { join } from "node:path";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";

/** One thing that had to hold, with the figure that was seen. */
export interface Finding {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  readonly met: boolean;
}

export interface Trial {
  readonly name: string;
  /** What is done to it, in a sentence. */
  readonly about: string;
  run(minutes: number): Promise<readonly Finding[]>;
}

const script = join(projectDir, "test", "soak", "backend.ts");

/** The entry of a server that behaves in one manner. */
export const entry = (manner: string, tag: string, more: object = {}): object => ({ command: process.execPath, args: [script, "stdio", manner, tag], ...more });

/** The command of a server over HTTP. */
export const httpArgv = (tag: string, port: number): readonly string[] => [process.execPath, script, "http", "good", tag, String(port)];

/** The program with these servers. */
export const startWith = (mcpServers: Readonly<Record<string, object>>, more: object = {}): Promise<Program> => startProgram({ config: { mcpServers, ...more }, auth: false });

export const atMost = (what: string, value: number, most: number, unit: string): Finding => ({
  what,
  wanted: `at most ${most} ${unit}`,
  got: `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`,
  met: value <= most,
});

export const below = (what: string, value: number, bound: number, unit: string): Finding => ({
  what,
  wanted: `under ${bound} ${unit}`,
  got: `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`,
  met: value < bound,
});

export const none = (what: string, texts: readonly string[]): Finding => ({
  what,
  wanted: "none",
  got: texts.length === 0 ? "none" : `${texts.length}: ${[...new Set(texts)].slice(0, 3).join("; ")}`,
  met: texts.length === 0,
});

/** A figure that is told and not judged. */
export const told = (what: string, got: string): Finding => ({ what, wanted: "", got, met: true });
