/**
 * How another proxy is addressed: with which token, and with which selection in the query. It hides that our own token
 * is for this machine's proxy alone.
 */
import { ownToken } from "../auth/index.ts";
import type { BridgeOptions } from "./options.ts";

/** The token for the proxy at this address; null: none. The state folder's opens this machine's proxy; no other address gets to see it unless told so. Throws STATE_UNSAFE. */
export async function tokenFor(found: string, { url, token, stateDir }: Pick<BridgeOptions, "url" | "token" | "stateDir">): Promise<string | null> {
  return token ?? (url === null || isLocal(found) ? await ownToken(stateDir) : null);
}

const isLocal = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(URL.parse(url)?.hostname ?? "");

/** The address with a query that selects; one that it has already stays, and the other end says so if there are two. */
export function narrowedUrl(url: string, filter: string | null | undefined): string {
  const parsed = filter ? URL.parse(url) : null;
  parsed?.searchParams.append("filter", filter ?? "");
  return parsed?.href ?? url;
}
