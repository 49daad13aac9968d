/**
 * `token`: static tokens, for programs that cannot send anybody to a browser. A token is printed once, alone on stdout, so
 * that it can go into a file or a variable; only its digest is kept.
 */
import { escapeControls, fault, nearestOf } from "../base/index.ts";
import { serverScope } from "../catalog/index.ts";
import type { GrantInfo } from "../compose/index.ts";
import { type Grantor, grantorOf, type Issued } from "./grantor.ts";
import { grantRow, namedGrant, revokeAt } from "./grants.ts";
import type { Occasion, Run } from "./occasion.ts";
import { tableText } from "./table.ts";

/** Makes one and prints it. Throws USAGE, PARAMS_INVALID, LIMIT_REACHED, SERVER_AWAY. */
export const create: Run = async (occasion) => {
  const { name, sources, ttlMs } = occasion.settings;
  if (name === null) throw fault("USAGE", { detail: "what is the token for?", hint: "give it a --name" });
  await using grantor = await grantorOf(occasion);
  const scopes = scopesOf(occasion);
  const made = await grantor.create({ name, scopes, lifeMs: ttlMs, ...(sources === null ? {} : { sources }) });
  const code = say(occasion, made);
  await noteUnknown(occasion, grantor, scopes ?? []);
  return code;
};

/** A server may come later; that there is none of a name now is worth a word, since the name may be mistyped. */
async function noteUnknown({ stderr }: Occasion, grantor: Grantor, scopes: readonly string[]): Promise<void> {
  const wanted = scopes.filter((scope) => scope.startsWith(serverScope("")));
  // The token is made: where that cannot be told it is as good.
  const servers = wanted.length === 0 ? null : await grantor.servers().catch(() => null);
  if (servers === null) return;
  const known = new Map(servers.map((name) => [serverScope(name), name]));
  for (const scope of wanted) {
    if (known.has(scope)) continue;
    const near = known.get(nearestOf(scope, [...known.keys()]) ?? "");
    stderr.write(`${escapeControls(`${scope} opens nothing yet: there is no such server${near === undefined ? "" : `; did you mean “${near}”?`}`)}\n`);
  }
}

/** Null: everything. */
function scopesOf({ settings: { scopes, servers } }: Occasion): readonly string[] | null {
  const isAll = scopes?.includes("all") === true;
  if (isAll && servers.length > 0) throw fault("USAGE", { detail: "it is either everything or a server" });
  return isAll || (scopes === null && servers.length === 0) ? null : [...new Set([...(scopes ?? []), ...servers.map(serverScope)])];
}

/** Prints another one for the same grant. Throws USAGE, NAME_UNKNOWN, SERVER_AWAY. */
export const rotate: Run = async (occasion) => {
  await using grantor = await grantorOf(occasion);
  const { id } = namedGrant(await tokensOf(grantor), occasion.operand);
  return say(occasion, await grantor.rotate(id));
};

/** A line for each that there is. */
export const list: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  await using grantor = await grantorOf(occasion);
  const tokens = await tokensOf(grantor);
  if (settings.json) stdout.write(`${JSON.stringify(tokens, null, 2)}\n`);
  else stdout.write(await tableText([["ID", "NAME", "SCOPES", "MADE", "USED", "UNTIL", "FROM"], ...tokens.map((token) => [...grantRow(token), sourcesText(token)])], stdout));
  return 0;
};

/** Ends one. Throws USAGE, NAME_UNKNOWN, SERVER_AWAY. */
export const revoke: Run = async (occasion) => {
  await using grantor = await grantorOf(occasion);
  return revokeAt(occasion, grantor, namedGrant(await tokensOf(grantor), occasion.operand));
};

const sourcesText = ({ sources }: GrantInfo): string => sources?.join(" ") ?? "anywhere";

const tokensOf = async (grantor: Grantor): Promise<readonly GrantInfo[]> => (await grantor.grants()).filter(({ kind }) => kind === "token");

// What is not the token goes to stderr: `1mcp token create … > file` has the token in the file, and nothing else.
function say({ settings, stdout, stderr }: Occasion, { grant, token }: Issued): number {
  stdout.write(settings.json ? `${JSON.stringify({ ...grant, token }, null, 2)}\n` : `${token}\n`);
  const opens = grant.scopes === null ? "everything" : grant.scopes.join(" ") || "nothing";
  const until = grant.expiresAt === null ? "" : ` until ${new Date(grant.expiresAt).toISOString()}`;
  const from = grant.sources === undefined ? "" : ` for ${sourcesText(grant)} alone`;
  stderr.write(`${escapeControls(`“${grant.name}” (${grant.id}) opens ${opens}${until}${from}; it is not shown again`)}\n`);
  return 0;
}
