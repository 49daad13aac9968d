/** The words of the wire that both eras and both sides share: header names, `_meta` keys, our own vendor keys. */

export const headers = Object.freeze({
  version: "mcp-protocol-version",
  method: "mcp-method",
  name: "mcp-name",
  session: "mcp-session-id",
  lastEvent: "last-event-id",
});

/** Headers that mirror a call's arguments begin like this. */
export const paramPrefix = "mcp-param-";

/** `_meta` keys that mean something between two neighbours only (2026-07-28, basic: `_meta`). */
export const metaKeys = Object.freeze({
  version: "io.modelcontextprotocol/protocolVersion",
  clientInfo: "io.modelcontextprotocol/clientInfo",
  clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
  logLevel: "io.modelcontextprotocol/logLevel",
  serverInfo: "io.modelcontextprotocol/serverInfo",
  subscriptionId: "io.modelcontextprotocol/subscriptionId",
  progressToken: "progressToken",
  /** Of the 2025-11-25 tasks, which no client of ours knows. */
  relatedTask: "io.modelcontextprotocol/related-task",
});

/** Our own `_meta` keys: the prefix is a vendor's, and each of its labels begins with a letter, as the specification asks. */
export const vendorKeys = Object.freeze({
  /** The backend's identity, where ours stands in its place. */
  backend: "dev.onemcp/backend",
  /** Our identity, where another's goes through unchanged. */
  proxy: "dev.onemcp/proxy",
});
