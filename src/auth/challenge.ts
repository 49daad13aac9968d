/**
 * What stands in WWW-Authenticate. Without credentials there is no error in it (RFC 6750, section 3.1), only where to
 * find out how to get some; a scope that is named is what to ask for, and never "offline_access".
 */
import type { Resources } from "./resources.ts";

/** The challenges for requests of our endpoints; `resource` is the URL that was asked. */
export interface Challenges {
  missing(resource: string): string;
  invalid(resource: string, why: string): string;
  /** 403: everything that the call needs. */
  scope(resource: string, scopes: readonly string[]): string;
}

/** `resources` is null where no metadata is served. `defaultScopes` is what a stranger is told to ask for; empty: nothing. */
export function createChallenges(resources: Resources | null, defaultScopes: readonly string[]): Challenges {
  const make = (resource: string, error: string | null, why: string | null, scopes: readonly string[]): string => {
    const parts = [
      ...(error === null ? [] : [`error="${error}"`]),
      ...(why === null ? [] : [`error_description="${why}"`]),
      ...(scopes.length === 0 ? [] : [`scope="${scopes.join(" ")}"`]),
      ...(resources === null ? [] : [`resource_metadata="${metadataOf(resources, resource)}"`]),
    ];
    return parts.length === 0 ? 'Bearer realm="1mcp"' : `Bearer ${resources === null ? 'realm="1mcp", ' : ""}${parts.join(", ")}`;
  };
  const wanted = defaultScopes.filter((scope) => scope !== "offline_access");
  return {
    missing: (resource) => make(resource, null, null, resources === null ? [] : wanted),
    invalid: (resource, why) => make(resource, "invalid_token", why, []),
    scope: (resource, scopes) => make(resource, "insufficient_scope", null, scopes),
  };
}

// What somebody sent is repeated only where it is one of our names.
const metadataOf = (resources: Resources, resource: string): string => (resources.of(resource) ?? resources.of(resources.issuer()))?.metadataUrl ?? "";
