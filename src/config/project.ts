/**
 * What a project says of itself in its `.1mcprc`: which servers its clients are to see, and values for templates. It
 * selects and describes, and can never name a program: whoever clones a repository runs nothing by it.
 */
import { readFile, stat } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { askTool, fault, fixedBounds, nearestOf } from "../base/index.ts";
import type { Context } from "./template.ts";

const texts = v.union([v.string(), v.array(v.string())]);
const simple = v.union([v.string(), v.number(), v.boolean()]);
const schema = v.strictObject({
  $schema: v.optional(v.string()),
  preset: v.optional(v.string()),
  filter: v.optional(v.string()),
  tags: v.optional(texts),
  context: v.optional(
    v.strictObject({
      projectId: v.optional(v.string()),
      environment: v.optional(v.string()),
      team: v.optional(v.string()),
      custom: v.optional(v.record(v.string(), simple)),
      envPrefixes: v.optional(v.array(v.pipe(v.string(), v.minLength(1, "must not be empty: it would pass the whole environment on")))),
      includeGit: v.optional(v.boolean()),
      sanitizePaths: v.optional(v.boolean()),
    }),
  ),
});

/** What a project file holds. */
export type ProjectFile = v.InferOutput<typeof schema>;

/** A project: the folder, and what its file says; an empty one where there is no file. */
export interface Project {
  readonly folder: string;
  /** null: there is none. */
  readonly path: string | null;
  readonly file: ProjectFile;
}

const fileName = ".1mcprc";

/** The nearest folder from `start` upwards that has a `.1mcprc`, else the repository's, else `start`. Throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export async function findProject(start: string): Promise<Project> {
  let repository: string | null = null;
  for (const folder of upwards(resolve(start))) {
    const path = join(folder, fileName);
    const text = await textOf(path);
    if (text !== null) return { folder, path, file: parsed(text, path) };
    if (repository === null && (await stat(join(folder, ".git")).then(() => true, () => false))) repository = folder;
  }
  return { folder: repository ?? resolve(start), path: null, file: {} };
}

function upwards(folder: string): string[] {
  const outer = dirname(folder);
  return outer === folder ? [folder] : [folder, ...upwards(outer)];
}

async function textOf(path: string): Promise<string | null> {
  const found = await stat(path).catch((cause: unknown) => {
    // Folders above may be closed to us: then nobody can know of a file there.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((cause as NodeJS.ErrnoException).code ?? "")) return null;
    throw unreadable(path, cause);
  });
  if (found === null || !found.isFile()) return null;
  if (found.size > fixedBounds.projectBytesMax) throw unreadable(path, new Error(`it is larger than ${fixedBounds.projectBytesMax} bytes`));
  // One that is there and closed selects something, and everything is not what it selects.
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

const unreadable = (path: string, cause: unknown) => fault("CONFIG_UNREADABLE", { detail: `${path}: ${(cause as Error).message}`, cause });

function parsed(text: string, path: string): ProjectFile {
  const refused = (detail: string, cause?: unknown) => fault("CONFIG_INVALID", { detail: `${path}: ${detail}`, hint: "it may have preset, filter or tags, and context", cause });
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : Bun.JSON5.parse(text);
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  const checked = v.safeParse(schema, value);
  if (checked.success) return checked.output;
  throw refused(checked.issues.map(problemOf).join("; "));
}

function problemOf(issue: v.InferIssue<typeof schema>): string {
  const place = issue.path?.map(({ key }) => String(key)).join(".") ?? "";
  const isUnknown = issue.type === "strict_object" && issue.path?.at(-1)?.origin === "key";
  if (!isUnknown) return `“${place}”: ${issue.message}`;
  const near = nearestOf(place, Object.keys(schema.entries));
  return `“${place}” is not a known key${near === null ? "" : `; did you mean “${near}”?`}`;
}

/** The selection of a project, as the flags of the same names: one of them counts, preset before filter before tags. */
export function projectSelection({ preset, filter, tags }: ProjectFile): { readonly preset: string | null; readonly filter: string | null; readonly tags: string | null } {
  if (preset !== undefined) return { preset, filter: null, tags: null };
  if (filter !== undefined) return { preset: null, filter, tags: null };
  return { preset: null, filter: null, tags: tags === undefined ? null : [tags].flat().join(",") };
}

/** The values that templates may name. Nothing of it goes anywhere but into those that do. */
export async function contextOf({ folder, file }: Project, env: Readonly<Record<string, string | undefined>>): Promise<Context> {
  const { projectId = basename(folder), environment, team, custom, envPrefixes = [], includeGit, sanitizePaths } = file.context ?? {};
  const { username, uid, shell } = userInfo();
  const home = env["HOME"] || homedir();
  const shown = sanitizePaths === true ? (path: string): string => shortened(path, home) : (path: string): string => path;
  return {
    project: { path: shown(folder), name: basename(folder), id: projectId, environment, team, custom, git: includeGit === true ? await gitOf(folder, { env, shown }) : {} },
    user: { name: username, home: shown(home), uid, shell: env["SHELL"] ?? shell },
    environment: { variables: Object.fromEntries(Object.entries(env).filter(([name]) => envPrefixes.some((prefix) => name.startsWith(prefix)))) },
    transport: { connection: "stdio" },
  };
}

// Windows writes paths with either.
const shortened = (path: string, home: string): string => (path === home || (path.startsWith(home) && /^[\\/]/.test(path.slice(home.length))) ? `~${path.slice(home.length)}` : path);

// It may lie on a disk that does not answer; a client waits meanwhile.
const gitMsMax = 5_000;
const gitBytesMax = 64 * 1024;

interface GitOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  shown(path: string): string;
}

/** What git says of a folder, as far as it says anything. */
async function gitOf(folder: string, { env, shown }: GitOptions): Promise<Readonly<Record<string, string>>> {
  const asked = { branch: ["rev-parse", "--abbrev-ref", "HEAD"], commit: ["rev-parse", "HEAD"], root: ["rev-parse", "--show-toplevel"], remote: ["config", "--get", "remote.origin.url"] };
  const whole = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const ask = async (words: readonly string[]): Promise<string> => {
    const answer = await askTool({ argv: ["git", "-C", folder, ...words], env: whole, msMax: gitMsMax, bytesMax: gitBytesMax }).catch(() => null);
    // Where it fails it may have said half of it.
    return answer?.kind === "ended" && answer.code === 0 ? answer.output.trim() : "";
  };
  const said = await Promise.all(Object.entries(asked).map(async ([name, words]) => [name, await ask(words)] as const));
  const as: Readonly<Record<string, (text: string) => string>> = { root: shown, remote: withoutSecret };
  return Object.fromEntries(said.filter(([, text]) => text !== "").map(([name, text]) => [name, as[name]?.(text) ?? text]));
}

/** An address without what opens it: templates put it where other programs of this computer can read it. */
const withoutSecret = (remote: string): string => remote.replace(/^(https?:\/\/)[^/]*@/i, "$1").replace(/^([a-z][\w+.-]*:\/\/[^/:@]*):[^/]*@/i, "$1@");
