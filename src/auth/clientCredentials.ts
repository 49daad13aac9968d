/**
 * Clients that act for themselves (RFC 6749, section 4.4). Only a client that the operator wrote down, with what it may
 * have, gets something without a person; it has one grant for each endpoint, however many tokens, and nothing to renew.
 */
import type { Client } from "./clients.ts";
import type { Grants } from "./grants.ts";
import { narrowed } from "./scopes.ts";

/** A token that a client gets for itself; null: not with these scopes. To be called in a transaction. */
export function grantToClient(client: Client, asked: readonly string[], resource: string | null, { grants, expiresAt }: { readonly grants: Grants; readonly expiresAt: number }): { readonly grantId: string; readonly token: string; readonly scopes: readonly string[] } | null {
  const scopes = client.ownScopes === null ? null : narrowed(client.ownScopes, asked);
  if (scopes === null) return null;
  const grantId = grants.ofClient(client, resource, expiresAt);
  return { grantId, token: grants.issue(grantId, scopes, expiresAt), scopes };
}
