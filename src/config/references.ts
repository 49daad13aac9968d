/**
 * What references to secrets lead to: files, the service manager's credentials, the system's keychain. All of them are
 * read before the entries are, so that reading an entry waits for nothing; what cannot be read puts out the server that
 * refers to it, and no other.
 */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fixedBounds } from "../base/index.ts";
import type { Variables } from "./dotEnv.ts";
import { fromKeychain } from "./keychain.ts";
import type { Found, SecretReference } from "./reference.ts";

/** Of each reference of a configuration, by `keyOf`. */
export type References = ReadonlyMap<string, Found>;

/** Where references start from. */
export interface Whence {
  /** The folder of the configuration. */
  readonly folder: string;
  readonly variables: Variables;
}

/** What makes two references the same. */
export const keyOf = (reference: SecretReference): string => JSON.stringify(Object.entries(reference)[0]);

/** Reads everything that the value of a configuration refers to. Never throws. */
export async function readReferences(value: unknown, whence: Whence): Promise<References> {
  const wanted = new Map(referencesIn(value).map((reference) => [keyOf(reference), reference]));
  const read = Array.from(wanted, async ([key, reference]) => [key, await lookUp(reference, whence)] as const);
  return new Map(await Promise.all(read));
}

const kinds: readonly string[] = Object.freeze(["$file", "$cred", "$keychain"]);

function referencesIn(value: unknown): SecretReference[] {
  if (typeof value !== "object" || value === null) return [];
  const [first, ...more] = Object.entries(value);
  if (first !== undefined && more.length === 0 && kinds.includes(first[0]) && typeof first[1] === "string") return [value as SecretReference];
  return Object.values(value).flatMap(referencesIn);
}

function lookUp({ $file, $cred, $keychain }: SecretReference, { folder, variables }: Whence): Promise<Found> {
  if ($file !== undefined) return readSecretFile(resolve(folder, $file));
  if ($cred !== undefined) return credential($cred, variables.get("CREDENTIALS_DIRECTORY"));
  return fromKeychain($keychain ?? "", { variables });
}

async function credential(name: string, folder: string | undefined): Promise<Found> {
  if (folder === undefined || /^\.*$/.test(name)) return { problem: "needs credentials of a service manager, which gave none (CREDENTIALS_DIRECTORY is not set)" };
  return readSecretFile(resolve(folder, name));
}

/** The content of a file that holds one secret, without the line break that editors put at its end. Never throws. */
export async function readSecretFile(path: string): Promise<Found> {
  try {
    const { size, isPlain } = await stat(path).then((found) => ({ size: found.size, isPlain: found.isFile() }));
    if (!isPlain) return { problem: `needs the file ${path}, which is no file` };
    if (size > fixedBounds.secretFileBytesMax) return { problem: `needs the file ${path}, which is larger than ${fixedBounds.secretFileBytesMax} bytes` };
    return { value: (await readFile(path, "utf8")).replace(/\r?\n$/, "") };
  } catch (error) {
    return { problem: `needs the file ${path}, which cannot be read (${codeOf(error)})` };
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";

/** Variables with those that the text names and that only a variable NAME_FILE leads to, as containers hand secrets over; and which files cannot be read. */
export async function withFiles(text: string, variables: Variables): Promise<{ readonly variables: Variables; readonly problems: readonly string[] }> {
  const all = new Map(variables);
  const problems: string[] = [];
  for (const [variable, path] of variables) {
    const name = variable.endsWith("_FILE") ? variable.slice(0, -"_FILE".length) : "";
    if (name === "" || path === "" || variables.has(name) || !new RegExp(`[{"]${RegExp.escape(name)}[}:"]`).test(text)) continue;
    const found = await readSecretFile(path);
    if ("value" in found) all.set(name, found.value);
    else problems.push(`the variable ${name} ${found.problem} (named by ${variable})`);
  }
  return { variables: all, problems };
}
