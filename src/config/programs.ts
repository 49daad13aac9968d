/**
 * Whether the programs of a configuration are there, without starting any: what `config check` can tell before a start.
 * The start itself does not look first, since what counts there is whether the system could start it.
 */
import { statSync } from "node:fs";
import { reveal } from "../base/index.ts";
import type { Document } from "./document.ts";
import { valueIssue } from "./issues.ts";
import type { BackendSpec, Issue, StdioSpec } from "./types.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What is missing for servers that could run otherwise: a program, or the folder to start it in. */
export const programIssues = (backends: readonly BackendSpec[], document: Document, env: Env): Issue[] =>
  backends.flatMap((spec) => (spec.kind === "stdio" && !spec.disabled && spec.issue === null ? issueOf(spec, document, env) : []));

function issueOf(spec: StdioSpec, document: Document, env: Env): Issue[] {
  const path = ["mcpServers", spec.name];
  if (spec.cwd !== null && !isFolder(spec.cwd)) return [valueIssue(document, [...path, "cwd"], "is no folder that exists", tildeHint(spec.cwd), spec.name)];
  if (isThere(spec, env)) return [];
  return [valueIssue(document, [...path, "command"], "is no program that is found", hintFor(spec), spec.name)];
}

function isThere({ command, env, cwd }: StdioSpec, parent: Env): boolean {
  const found = reveal(env["PATH"] ?? parent["PATH"] ?? "");
  if (!/[\\/]/.test(command)) return Bun.which(command, { PATH: found }) !== null;
  // Without a folder of its own it starts in an empty one, where no relative path leads anywhere.
  return Bun.which(command, { PATH: "", cwd: cwd ?? "/" }) !== null;
}

function hintFor({ command, cwd }: StdioSpec): string {
  const isPath = /[\\/]/.test(command);
  if (/\s/.test(command.trim()) && !isPath) return "put what follows the program into args";
  if (!isPath) return "it is looked for in PATH";
  return tildeHint(command) ?? (cwd === null ? "write its whole path, or set cwd for a relative one" : "a relative path starts at cwd");
}

const tildeHint = (path: string): string | null => (/(^|[\\/])~[\\/]/.test(path) ? "write ${HOME} for ~" : null);

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
