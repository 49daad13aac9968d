/** Grants as commands show them, find them by what was typed, and end them. */
import { escapeControls, fault } from "../base/index.ts";
import type { GrantInfo } from "../compose/index.ts";
import type { Grantor } from "./grantor.ts";
import type { Occasion } from "./occasion.ts";

/** The fields of a line: which, whose, for what, when made, when used last, until when. */
export const grantRow = ({ id, name, person, scopes, createdAt, usedAt, expiresAt }: GrantInfo): string[] => [id, person === undefined ? name : `${name} for ${person}`, scopes === null ? "everything" : scopes.join(" ") || "-", dayOf(createdAt), dayOf(usedAt), dayOf(expiresAt)];

const dayOf = (at: number | null): string => (at === null ? "-" : new Date(at).toISOString().slice(0, 16).replace("T", " "));

/** The one with that id, or the only one of that name. Throws USAGE, NAME_UNKNOWN. */
export function namedGrant(all: readonly GrantInfo[], text: string | null): GrantInfo {
  if (text === null) throw fault("USAGE", { detail: "which one?", hint: "the lists `1mcp token list` and `1mcp auth grants` have their ids" });
  const found = all.filter(({ id, name }) => id === text || name === text);
  const [one, another] = found.filter(({ id }) => id === text).concat(found);
  if (one === undefined) throw fault("NAME_UNKNOWN", { detail: `“${text}”`, hint: "the lists `1mcp token list` and `1mcp auth grants` have what there is" });
  if (one.id !== text && another !== undefined) throw fault("USAGE", { detail: `several are named “${text}”`, hint: `say which by its id: ${found.map(({ id }) => id).join(", ")}` });
  return one;
}

/** Ends it, and says so. Throws NAME_UNKNOWN where it has ended meanwhile. */
export async function revokeAt({ stdout }: Occasion, grantor: Grantor, { id, name }: GrantInfo): Promise<number> {
  if ((await grantor.revoke(id)) === 0) throw fault("NAME_UNKNOWN", { detail: "it has just ended by itself" });
  stdout.write(`${escapeControls(`“${name}” (${id}) opens nothing any more`)}\n`);
  return 0;
}
