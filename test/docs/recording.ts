/**
 * Draws docs/pictures/first-minute.svg, a recording of the program's first minute on a terminal: `bun test/docs/recording.ts`,
 * after `bun run build`. What it shows was said by the program, but for numbers that are others each time; a test compares.
 */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tableText } from "../../src/cli/table.ts";
import { typedAt } from "../fixtures/onTerminal.ts";
import { cleanEnv, programArgv, projectDir, temporaryDir } from "../fixtures/program.ts";

/** The picture. */
export const picturePath = join(projectDir, "docs", "pictures", "first-minute.svg");

/** One command, what came of it line by line, and how long that took. */
export interface Scene {
  readonly typed: string;
  readonly lines: readonly string[];
  readonly ms: number;
}

const commands: readonly (readonly string[])[] = [
  ["mcp", "add", "everything", "--", "npx", "-y", "@modelcontextprotocol/server-everything"],
  ["serve", "--background"],
  ["run", "everything/echo", "--args", '{ "message": "hello" }'],
  ["mcp", "status", "everything"],
  ["serve", "--stop"],
];

const cols = 84;

/** Plays the first minute in a home of its own, with the package that `npx` would have fetched. */
export async function recorded(): Promise<readonly Scene[]> {
  await using home = await temporaryDir();
  const bin = join(home.path, "bin");
  await mkdir(bin);
  const npx = join(bin, "npx");
  // The package's name and the flag before it are npx's own.
  await writeFile(npx, `#!/bin/sh\nshift 2\nexec "${process.execPath}" "${join(projectDir, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")}" "$@"\n`);
  await chmod(npx, 0o755);
  const env = cleanEnv({ HOME: home.path, PATH: `${bin}:${process.env["PATH"]}`, ONE_MCP_PORT: "0", XDG_CONFIG_HOME: "", XDG_STATE_HOME: "" });
  const scenes: Scene[] = [];
  try {
    for (const args of commands) {
      const from = performance.now();
      const { text } = await typedAt([...programArgv(), ...args], [], { env, cols });
      scenes.push({ typed: `1mcp ${args.map(quoted).join(" ")}`, lines: await shown(text, home.path), ms: performance.now() - from });
    }
  } finally {
    await typedAt([...programArgv(), "serve", "--stop"], [], { env, cols });
  }
  return scenes;
}

const quoted = (word: string): string => (/[^\w@/.:=-]/u.test(word) ? `'${word}'` : word);

/** What stands on the terminal in the end, with the numbers that are others each time replaced. */
async function shown(text: string, home: string): Promise<string[]> {
  const plain = text
    .replaceAll(home, "~")
    .replace(/[^\n]*\r\u001b\[2K/gu, "")
    .replace(/127\.0\.0\.1:\d+/gu, "127.0.0.1:3050")
    .replace(/(process) \d+/gu, "$1 4711");
  const said = plain.startsWith("SERVER ") ? await aligned(plain.replace(/\b\d+ s\b/u, "1 s").replace(/\d+(?= +20)/u, "4718")) : plain;
  return said.trimEnd().split(/\r?\n/u).map((line) => line.trimEnd());
}

/** The table anew, for the columns are as wide as what was in them. */
const aligned = (table: string): Promise<string> => tableText(table.trimEnd().split(/\r?\n/u).map((row) => row.split(/ {2,}/u)), { isTerminal: () => Promise.resolve(true) });

// ---- drawing ------------------------------------------------------------------------------------------------------

const lineHeight = 19;
const charWidth = 8;
const padding = 18;
const barHeight = 34;
/** Time to read a command, and what it said. */
const typingSeconds = 1.2;
const readingSeconds = 1.6;

/** The scenes as a picture that plays once; who wants no motion sees the end of it. */
export function drawn(scenes: readonly Scene[]): string {
  const texts: string[] = [];
  let second = 0.4;
  let row = 0;
  const put = (line: string, kind: "typed" | "said"): void => {
    row += 1;
    const y = Math.round(barHeight + padding + row * lineHeight - 5);
    const body = kind === "typed" ? `<tspan class="prompt">$ </tspan>${Bun.escapeHTML(line)}` : Bun.escapeHTML(line);
    if (line !== "") texts.push(`<text class="${kind}" x="${padding}" y="${y}" style="animation-delay:${second.toFixed(1)}s">${body}</text>`);
  };
  for (const { typed, lines, ms } of scenes) {
    put(typed, "typed");
    second += typingSeconds + ms / 1000;
    for (const line of lines) put(line, "said");
    second += readingSeconds;
    row += 0.4;
  }
  const [width, height] = [cols * charWidth + 2 * padding, Math.ceil(barHeight + 2 * padding + row * lineHeight)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t d" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">
<title id="t">The first minute</title>
<desc id="d">A terminal: a server is added, the proxy started in the background, a tool called, the server's state shown, and everything stopped again.</desc>
<style>
text { fill: #e6edf3; white-space: pre; animation: come 0.01s linear both; } .said { fill: #a8b1bb; } .prompt { fill: #3fb950; } .screen { fill: #0d1117; stroke: #30363d; } .knob { fill: #30363d; }
@keyframes come { from { opacity: 0; } to { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { text { animation: none; } }
</style>
<rect class="screen" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="9"/>
<circle class="knob" cx="20" cy="18" r="6"/><circle class="knob" cx="40" cy="18" r="6"/><circle class="knob" cx="60" cy="18" r="6"/>
${texts.join("\n")}
</svg>
`;
}

if (import.meta.main) await Bun.write(picturePath, drawn(await recorded()));
