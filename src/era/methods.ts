/**
 * Which methods each era has, as a table. What a revision of MCP defines and this era's column lacks does not exist for
 * its clients; what no revision defines is somebody's extension and goes on to whoever owns it.
 */

/** How one method is served: by this room itself, by the proxy's middle, or not at all. */
type Service = "here" | "proxy" | null;

interface MethodRow {
  readonly modern: Service;
  readonly legacy: Service;
  /** The member of `params` that names the target, mirrored in a header by modern clients. */
  readonly target: "name" | "uri" | "taskId" | null;
}

const row = (modern: Service, legacy: Service, target: MethodRow["target"] = null): MethodRow => Object.freeze({ modern, legacy, target });

const unserved = row(null, null);
const extension = row("proxy", "proxy");

const rows: Readonly<Record<string, MethodRow>> = Object.freeze({
  "tools/list": row("proxy", "proxy"),
  "tools/call": row("proxy", "proxy", "name"),
  "prompts/list": row("proxy", "proxy"),
  "prompts/get": row("proxy", "proxy", "name"),
  "resources/list": row("proxy", "proxy"),
  "resources/templates/list": row("proxy", "proxy"),
  "resources/read": row("proxy", "proxy", "uri"),
  "completion/complete": row("proxy", "proxy"),
  "server/discover": row("here", null),
  "subscriptions/listen": row("here", null),
  initialize: row(null, "here"),
  ping: row(null, "here"),
  "logging/setLevel": row(null, "here"),
  "resources/subscribe": row(null, "here"),
  "resources/unsubscribe": row(null, "here"),
  "tasks/get": row("proxy", null, "taskId"),
  "tasks/update": row("proxy", null, "taskId"),
  "tasks/cancel": row("proxy", null, "taskId"),
  "tasks/list": unserved,
  "tasks/result": unserved,
  "roots/list": unserved,
  "sampling/createMessage": unserved,
  "elicitation/create": unserved,
});

/** The row of a method. */
export const methodOf = (method: string): MethodRow => (Object.hasOwn(rows, method) ? (rows[method] as MethodRow) : extension);

/** No revision defines it: somebody's extension. */
export const isExtension = (method: string): boolean => !Object.hasOwn(rows, method);

/** Methods on which a server may answer that it needs input first (2026-07-28, basic/patterns/mrtr). */
export const isRetryable = (method: string): boolean => {
  const { target } = methodOf(method);
  return target === "name" || target === "uri";
};

const cached: Readonly<Record<string, true>> = Object.freeze({
  "tools/list": true,
  "prompts/list": true,
  "resources/list": true,
  "resources/templates/list": true,
  "resources/read": true,
});

/** Methods whose results say how long they may be kept (2026-07-28, server/utilities/caching). */
export const isCacheable = (method: string): boolean => Object.hasOwn(cached, method);
