/** What touches the outside world enters by one named file each. */
import { importsOf } from "./imports.ts";
import type { Rule } from "./rule.ts";
import { sourcesOf } from "./rule.ts";
import { codeOf, type Token } from "./tokens.ts";

interface Boundary {
  readonly what: string;
  readonly only: string;
  /** Who may cross it too, for a reason of its own. */
  readonly also?: string;
  /** Chains of words as they stand in code ("Bun.spawn"), or one bare global ("fetch"). */
  readonly words: readonly string[];
  readonly modules: readonly string[];
}

/** Each boundary and the one file that may cross it. */
export const boundaryTable: readonly Boundary[] = Object.freeze([
  { what: "starts processes", only: "src/backend/stdio.ts", also: "src/base/spawn.ts", words: ["Bun.spawn", "Bun.spawnSync", "Bun.$"], modules: ["node:child_process"] },
  {
    what: "opens connections",
    only: "src/base/egress.ts",
    words: ["fetch", "Bun.fetch", "globalThis.fetch", "Bun.connect", "Bun.udpSocket", "WebSocket", "EventSource", "XMLHttpRequest", "process.getBuiltinModule"],
    modules: ["node:http", "node:https", "node:http2", "node:net", "node:tls", "node:dgram"],
  },
  { what: "calls the system's library", only: "src/base/libc.ts", also: "src/base/confine.ts", words: [], modules: ["bun:ffi"] },
  { what: "ends the process", only: "src/main.ts", words: ["process.exit", "process.abort", "process.reallyExit"], modules: [] },
  { what: "reads the environment", only: "src/config/env.ts", words: ["process.env", "Bun.env", "import.meta.env"], modules: [] },
  { what: "opens a database", only: "src/auth/store.ts", words: [], modules: ["bun:sqlite", "node:sqlite"] },
  {
    what: "asks for time or chance",
    only: "src/base/clock.ts",
    words: ["Date.now", "Math.random", "performance.now", "setTimeout", "setInterval", "Bun.sleep", "Bun.nanoseconds", "AbortSignal.timeout"],
    modules: ["node:timers", "node:timers/promises"],
  },
  { what: "writes files", only: "src/base/files.ts", words: ["Bun.write"], modules: [] },
] as const);

/** Every boundary is crossed in its own file only. */
export const boundaries: Rule = (files) =>
  sourcesOf(files).flatMap(([path, text]) => {
    const tokens = codeOf(text);
    const imports = [...importsOf(path, text), ...builtinsOf(tokens)];
    return boundaryTable
      .filter(({ only, also }) => only !== path && also !== path)
      .flatMap(({ what, only, words, modules }) => [
        ...words.flatMap((word) => linesOf(tokens, word).map((line) => `${path}:${line} ${what} (${word}); only ${only} may`)),
        ...imports
          .filter(({ specifier }) => modules.includes(specifier) || modules.includes(`node:${specifier}`))
          .map(({ line, specifier }) => `${path}:${line} ${what} (${specifier}); only ${only} may`),
      ]);
  });

function linesOf(tokens: readonly Token[], chain: string): number[] {
  const words = chain.split(".").flatMap((word, index) => (index === 0 ? [word] : [".", word]));
  const isNamed = (at: number): boolean => chain === builtin && named(tokens, at) !== null;
  return tokens.filter((_, at) => words.every((word, step) => tokens[at + step]?.text === word) && isFree(tokens, at, words.length) && !isNamed(at)).map(({ line }) => line);
}

const builtin = "process.getBuiltinModule";

/** The module that is loaded there by a name that stands in the text; null where it does not. */
function named(tokens: readonly Token[], at: number): string | null {
  const [open, name, close] = tokens.slice(at + 3, at + 6);
  return open?.text === "(" && name?.kind === "string" && close?.text === ")" ? name.text.slice(1, -1) : null;
}

/** Modules of the runtime that are loaded when they are needed: as good as imported. */
const builtinsOf = (tokens: readonly Token[]): { readonly specifier: string; readonly line: number }[] =>
  tokens.flatMap(({ text, line }, at) => {
    const specifier = text === "process" && tokens[at + 2]?.text === "getBuiltinModule" ? named(tokens, at) : null;
    return specifier === null ? [] : [{ specifier, line }];
  });

// `app.fetch`, `{ fetch: … }` and a type's `fetch?:` name other things than the global.
function isFree(tokens: readonly Token[], at: number, length: number): boolean {
  if (tokens[at]?.kind !== "word" || tokens[at - 1]?.text === ".") return false;
  return length > 1 || !/^[:?]$/.test(tokens[at + 1]?.text ?? "");
}

// What reads, watches or merely names; everything else of the module may write.
const reading = /^(?:access|accessSync|constants|existsSync|fstatSync|lstat|lstatSync|readdir|readdirSync|readFile|readFileSync|readlink|realpath|realpathSync|stat|statSync|watch|watchFile|unwatchFile|[A-Z]\w*)$/;

/** Only base/files.ts takes from the file system's modules what can write. */
export const fileWrites: Rule = (files) =>
  sourcesOf(files)
    .filter(([path]) => path !== "src/base/files.ts")
    .flatMap(([path, text]) =>
      importsOf(path, text)
        .filter(({ specifier }) => /^(?:node:)?fs(?:\/promises)?$/.test(specifier))
        .flatMap(({ line, names, dynamic }) => {
          const writing = dynamic ? ["the whole module"] : names.filter((name) => !reading.test(name) && !(name === "open" && opensToRead(text)));
          return writing.map((name) => `${path}:${line} takes ${name} of the file system; only src/base/files.ts may write`);
        })
        .concat(builtinsOf(codeOf(text)).flatMap(({ specifier, line }) => (/^(?:node:)?fs(?:\/promises)?$/.test(specifier) ? [`${path}:${line} takes the whole module of the file system; only src/base/files.ts may write`] : []))),
    );

// `open(path, "r")`, each time: the only way to read a file's beginning.
function opensToRead(text: string): boolean {
  const tokens = codeOf(text);
  const calls = tokens.flatMap((token, at) => (token.text === "open" && tokens[at + 1]?.text === "(" ? [at + 2] : []));
  return calls.every((start) => {
    const end = tokens.findIndex(({ text: mark, depth }, at) => at > start && mark === ")" && depth === (tokens[start]?.depth ?? 0) - 1);
    return tokens[end - 1]?.text === '"r"';
  });
}

/** The owners of files on disk (docs/architecture.md, "Where state lives"). */
export const fileOwners: readonly string[] = Object.freeze([
  "src/auth/ownToken.ts",
  "src/auth/keys.ts",
  "src/auth/signing.ts",
  "src/auth/remoteStore.ts",
  "src/auth/store.ts",
  "src/backend/ledger.ts",
  "src/base/audit.ts",
  "src/base/index.ts",
  "src/cli/background.ts",
  "src/cli/configEdit.ts",
  "src/config/backups.ts",
  "src/cli/supervision.ts",
  "src/config/appFiles.ts",
  "src/config/edit.ts",
  "src/config/owner.ts",
  "src/config/presence.ts",
  "src/hub/pinned.ts",
  "src/hub/remember.ts",
]);

/** Nobody but the owners of files has them written. */
export const owners: Rule = (files) =>
  sourcesOf(files)
    .filter(([path]) => !fileOwners.includes(path))
    .flatMap(([path, text]) =>
      importsOf(path, text).flatMap(({ line, names }) =>
        names.filter((name) => name === "writeFileAtomic" || name === "createPrivateFile").map((name) => `${path}:${line} writes files (${name}) without being an owner of one`),
      ),
    );

/**
 * Who builds what lives long, a file or (with a slash) any file of a room: the parts are put together in one place, each by
 * one file of it, and no link goes past the breaker. A way out is no part of anything: each file there makes its own.
 */
export const builders: Readonly<Record<string, string>> = Object.freeze({
  createAudit: "src/compose/ground.ts",
  createAuth: "src/compose/guard.ts",
  createEgress: "src/compose/",
  createEras: "src/compose/core.ts",
  createFront: "src/compose/listening.ts",
  createHub: "src/compose/core.ts",
  createKnownSecrets: "src/compose/ground.ts",
  createPool: "src/compose/core.ts",
  createRemoteLogins: "src/compose/core.ts",
  createStdioFront: "src/compose/piped.ts",
  createHttpLink: "src/backend/pool.ts",
  createStdioLink: "src/backend/pool.ts",
});

/** Long-lived parts are built by their one builder. */
export const built: Rule = (files) =>
  sourcesOf(files).flatMap(([path, text]) => {
    const tokens = codeOf(text);
    return tokens.flatMap(({ text: name, line }, at) => {
      const builder = Object.hasOwn(builders, name) ? (builders[name] ?? path) : path;
      return isCallAt(tokens, at) && !isBuilder(path, builder) ? [`${path}:${line} builds a part of its own (${name}); only ${builder} does`] : [];
    });
  });

const isCallAt = (tokens: readonly Token[], at: number): boolean => tokens[at]?.kind === "word" && tokens[at + 1]?.text === "(" && !/^(?:function|\.)$/.test(tokens[at - 1]?.text ?? "");

const isBuilder = (path: string, builder: string): boolean => (builder.endsWith("/") ? path.startsWith(builder) : path === builder);
