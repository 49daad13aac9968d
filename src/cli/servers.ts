/** `mcp add`, `update`, `remove`, `enable` and `disable`: servers in the configuration file, and what becomes of them in the running proxy. */
import { escapeControls, fault } from "../base/index.ts";
import { changeConfig } from "./change.ts";
import { entryChanges, newEntry, plainSecrets, secretAddress, secretArguments, type TypedEntry, typedEntry } from "./entry.ts";
import { valuesOf } from "./flags.ts";
import type { Occasion, Run } from "./occasion.ts";
import { aboutServer, entryIn, entryOf, serverName } from "./serverNames.ts";
import { hasPerson, isAgreed } from "./typed.ts";

// What is new may have to be downloaded first.
const newMs = 30_000;
const knownMs = 5_000;

const waitMsOf = ({ given }: Occasion, standard: number): number => Number(given.get("wait-ms") ?? standard);

const addHint = "as in: 1mcp mcp add NAME -- COMMAND ARGUMENTS…";

/** Writes a server into the file, which is made where there is none. Throws USAGE, CONFIG_INVALID. */
export const add: Run = async (occasion) => {
  const name = serverName(occasion, addHint);
  const typed = typedOf(occasion);
  const entry = newEntry(typed);
  const code = await changeConfig(occasion, { done: escapeControls(`server “${name}” is added`), server: name, waitMs: waitMsOf(occasion, newMs), isPrivate: secretsIn(typed).length > 0 }, (file) => {
    if (entryIn(file, name) !== null) throw fault("USAGE", { detail: `there is a server “${name}” already`, hint: `change it: \`1mcp mcp update ${name}\`` });
    return [{ path: ["mcpServers", name], value: entry }];
  });
  advise(occasion, typed);
  return code;
};

/** Changes what was typed of an entry, and nothing else in it. Throws USAGE, CONFIG_INVALID. Without such a server: 4. */
export const update: Run = aboutServer(async (occasion) => {
  const name = serverName(occasion);
  const typed = typedOf(occasion);
  const unset = valuesOf(occasion.given, "unset");
  if (Object.keys(typed.keys).length + typed.env.size + typed.headers.size + unset.length === 0) throw fault("USAGE", { detail: "what is to be changed?", hint: "`1mcp mcp update --help` has what can be" });
  const code = await changeConfig(occasion, { done: escapeControls(`server “${name}” is changed`), server: name, waitMs: waitMsOf(occasion, newMs), isPrivate: secretsIn(typed).length > 0 }, (file) => entryChanges(name, entryOf(file, name), typed, unset));
  advise(occasion, typed);
  return code;
});

/** Takes an entry away; on a terminal it asks first. Throws USAGE, CONFIG_INVALID. Without such a server: 4. */
export const remove: Run = aboutServer(async (occasion) => {
  const name = serverName(occasion);
  if (!(await isSure(occasion, name))) {
    occasion.stdout.write("nothing is changed\n");
    return 1;
  }
  return changeConfig(occasion, escapeControls(`server “${name}” is removed`), (file) => {
    entryOf(file, name);
    return [{ path: ["mcpServers", name], value: undefined }];
  });
});

/** Switches a server on. Throws CONFIG_INVALID. Without such a server: 4. */
export const enable: Run = aboutServer((occasion) => {
  const name = serverName(occasion);
  return changeConfig(occasion, { done: escapeControls(`server “${name}” is on`), server: name, waitMs: waitMsOf(occasion, knownMs) }, (file) =>
    // What is on by default needs no word.
    entryOf(file, name)["disabled"] === undefined ? [] : [{ path: ["mcpServers", name, "disabled"], value: undefined }],
  );
});

/** Switches a server off; its entry stays. Throws CONFIG_INVALID. Without such a server: 4. */
export const disable: Run = aboutServer((occasion) => {
  const name = serverName(occasion);
  return changeConfig(occasion, escapeControls(`server “${name}” is off`), (file) => (entryOf(file, name)["disabled"] === true ? [] : [{ path: ["mcpServers", name, "disabled"], value: true }]));
});

/** What of an entry is likely to be a secret, and is written plainly: names, or what else it is. */
const secretsIn = (typed: TypedEntry): readonly string[] => [...plainSecrets(typed), ...(secretArguments(typed) ? ["an argument"] : []), ...(secretAddress(typed) ? ["the address"] : [])];

const typedOf = ({ given, rest }: Occasion): TypedEntry => typedEntry({ given, rest, folder: process.cwd() });

async function isSure(occasion: Occasion, name: string): Promise<boolean> {
  const { given, settings } = occasion;
  // A copy is kept: where nobody can be asked, nothing is lost.
  if (given.has("assume-yes") || settings.dryRun || !(await hasPerson(occasion))) return true;
  return isAgreed(occasion, escapeControls(`Remove server “${name}” from the configuration? [y/N] `));
}

/** A file is copied, sent and put under version control more easily than one thinks. */
function advise({ stderr, settings }: Occasion, typed: TypedEntry): void {
  if (settings.dryRun) return;
  const names = secretsIn(typed);
  if (names.length === 0) return;
  const [first = ""] = plainSecrets(typed);
  const flag = typed.headers.has(first) ? "header" : "env";
  const hint = first === "" ? "" : `\n  1mcp mcp update … --${flag} '${first}=$file:/path/of/a/file', '${first}=$keychain:service/name' or '${first}=$env:NAME' keeps it elsewhere`;
  stderr.write(`${`note: ${names.join(", ")} ${names.length === 1 ? "looks" : "look"} like a secret, and ${names.length === 1 ? "is" : "are"} written into the file as typed${hint}`.split("\n").map(escapeControls).join("\n")}\n`);
}
