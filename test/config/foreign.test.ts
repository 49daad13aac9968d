import { expect, test } from "bun:test";
import { configSchema, remoteEntry, stdioEntry } from "../../src/config/schema.ts";
import { adviceOn } from "../../src/config/foreign.ts";
import { issuesIn, lines } from "../fixtures/config.ts";

test("a key that another program knows is refused with what to do instead", () => {
  const found = issuesIn({
    publishedInstructionTemplates: {},
    lazyLoading: {},
    nativeMCPServers: {},
    serverDefaults: { envFilter: [] },
    mcpServers: { a: { command: "x", restartOnExit: true, stderr: "pipe" }, b: { url: "http://x", serverUrl: "http://x" }, c: { command: "x", headerToEnv: {}, dev: {}, disabled_tools: [] } },
  });
  expect(lines(found).map((line) => line.replace(/^\S+ /, ""))).toEqual([
    "“publishedInstructionTemplates” is not supported by this version (there are no drafts; use instructionTemplates)",
    "“lazyLoading” is not supported by this version (set start to \"on-demand\" in serverDefaults, or in an entry; set catalog to \"search\" for fewer definitions)",
    "“nativeMCPServers” is not supported by this version (these run inside of an editor; remove it)",
    "“envFilter” is not supported by this version (name what the server needs in env, or set inheritParentEnv)",
    "“restartOnExit” is not supported by this version (a server that ends is restarted by itself; the waits are limits.backoffMsMin and limits.backoffMsMax)",
    "“stderr” is not supported by this version (a server's standard error is always captured; remove it)",
    "“serverUrl” is not supported by this version (use url)",
    "“headerToEnv” is not supported by this version (a program has one environment, whoever calls it; put the value into env)",
    "“dev” is not supported by this version (`1mcp mcp restart` begins a server anew; remove it)",
    "“disabled_tools” is not supported by this version (use disabledTools)",
  ]);
});

test("no key that works is called foreign", () => {
  for (const key of Object.keys(configSchema.entries)) expect(adviceOn("top", key)).toBeNull();
  for (const key of [...Object.keys(stdioEntry.entries), ...Object.keys(remoteEntry.entries)]) expect(adviceOn("server", key)).toBeNull();
});

test("names of an object's own methods are not looked up", () => {
  expect(adviceOn("top", "toString")).toBeNull();
  expect(adviceOn(null, "egress")).toBeNull();
});
