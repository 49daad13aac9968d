/**
 * Revocation (RFC 7009): a client gives back what it was given. A refresh token takes its whole grant along, an access
 * token only itself. Whatever was sent, the answer is the same; another client's token stays as it is.
 */
import type { Audit } from "../base/index.ts";
import { formOf, json, otherVerb, parseParameters, refused } from "./answers.ts";
import type { Clients } from "./clients.ts";
import type { Grants } from "./grants.ts";
import type { Store } from "./store.ts";
import { digestOf } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface RevokeOptions {
  readonly store: Store;
  readonly grants: Grants;
  readonly clients: Clients;
  readonly audit: Pick<Audit, "record">;
  /** Called after something was revoked. */
  changed(): void;
}

/** `POST /revoke`. */
export async function revoke(request: OAuthIn, options: RevokeOptions): Promise<OAuthOut> {
  if (request.method !== "POST") return otherVerb("POST");
  const form = formOf(request);
  const parameters = form === null ? null : parseParameters(form);
  const shown = parameters?.ok === true ? parameters.values.get("token") : undefined;
  if (parameters?.ok !== true || shown === undefined) return refused(400, "invalid_request", "a form with one token is expected");
  const known = await options.clients.authenticate(request, parameters.values);
  return known.ok ? taken(shown, known.client.id, request, options) : known.answer;
}

function taken(shown: string, clientId: string, request: OAuthIn, { store, grants, audit, changed }: RevokeOptions): OAuthOut {
  const digest = digestOf(shown);
  const revoked = store.atomically(() => {
    const row = store.get<{ readonly grant_id: string; readonly whole: number }>("select grant_id, 1 as whole from refresh where digest = ?1 union all select grant_id, 0 from access where digest = ?1", digest);
    if (row === null || grants.of(row.grant_id)?.clientId !== clientId) return null;
    if (row.whole === 1) grants.end(row.grant_id);
    else store.run("delete from access where digest = ?", digest);
    return row.grant_id;
  });
  if (revoked !== null) {
    audit.record({ ev: "token.revoked", addr: request.address, client: clientId, grant: revoked, route: "POST /revoke", result: "200" });
    changed();
  }
  return json(200, {});
}
