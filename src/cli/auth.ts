/** `auth grants`, `auth revoke` and `auth password`: what was granted, its end, and the password of the operator's pages. */
import { resolve } from "node:path";
import { defaultLimits, fault, readPrivateFile } from "../base/index.ts";
import { grantorOf } from "./grantor.ts";
import { grantRow, namedGrant, revokeAt } from "./grants.ts";
import type { Occasion, Run } from "./occasion.ts";
import { tableText } from "./table.ts";
import { hiddenLine, Lines } from "./typed.ts";

/** A line for each grant: those of people's clients, tokens, and those that clients have by themselves. */
export const grants: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  await using grantor = await grantorOf(occasion);
  const all = await grantor.grants();
  const rows = all.map((grant) => [...grantRow(grant), grant.kind, grant.clientId ?? "-"]);
  if (settings.json) stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else stdout.write(await tableText([["ID", "NAME", "SCOPES", "MADE", "USED", "UNTIL", "KIND", "CLIENT"], ...rows], stdout));
  return 0;
};

/** Ends one, or all. Throws USAGE, NAME_UNKNOWN, SERVER_AWAY. */
export const revoke: Run = async (occasion) => {
  const { operand, settings, stdout } = occasion;
  if (settings.all && operand !== null) throw fault("USAGE", { detail: "it is either one grant or --all" });
  await using grantor = await grantorOf(occasion);
  if (!settings.all) return revokeAt(occasion, grantor, namedGrant(await grantor.grants(), operand));
  const ended = await grantor.revoke("all");
  stdout.write(`${ended} ended; the state folder has a new token, and no browser is the operator's any more\n`);
  return 0;
};

/** Sets or removes it. Throws PARAMS_INVALID, CALL_CANCELLED, SERVER_AWAY. */
export const password: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  await using grantor = await grantorOf(occasion);
  await grantor.setPassword(settings.remove ? null : await passwordOf(occasion));
  stdout.write(settings.remove ? "there is no password any more\n" : "the password is set\n");
  return 0;
};

/** Typed twice by a person, who sees nothing of it; in a pipe the first line. */
async function passwordOf({ settings, stderr, pipes }: Occasion): Promise<string> {
  if (settings.passwordFile !== null) return fromFile(resolve(settings.passwordFile));
  const at = pipes();
  const typist = (await at.typist?.()) ?? null;
  const lines = new Lines(at.input);
  if (typist === null) return hiddenLine(lines, null, () => undefined);
  const first = await hiddenLine(lines, typist, () => stderr.write("New password: "));
  const second = await hiddenLine(lines, typist, () => stderr.write("\nOnce more: "));
  stderr.write("\n");
  if (first !== second) throw fault("PARAMS_INVALID", { detail: "these were two different ones", hint: "try again" });
  return first;
}

async function fromFile(path: string): Promise<string> {
  const text = await readPrivateFile(path, { bytesMax: defaultLimits.oauthBytesMax });
  if (text === null) throw fault("USAGE", { detail: `--password-file ${path} is not there` });
  return text.split(/\r?\n/)[0] ?? "";
}
