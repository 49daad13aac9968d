import { expect, test } from "bun:test";
import { helpText } from "../../src/cli/help.ts";
import { flags } from "../../src/cli/flags.ts";
import { shownCommands } from "../../src/cli/commands.ts";

test("help as people see it", () => {
  expect(helpText([], false).replace(/^1mcp \S+:/, "1mcp VERSION:")).toMatchInlineSnapshot(`
    "1mcp VERSION: one executable between AI clients and their MCP servers

    Usage: 1mcp [command] [flags]

    Commands:
      serve          start the proxy (also without a command)
      config check   say everything that is wrong with the configuration
      config schema  print the JSON Schema of a configuration

    Flags of serve:
      -H, --host ADDRESS      address to listen on; default 127.0.0.1
                              [ONE_MCP_HOST]
      -P, --port PORT         port to listen on; 0 takes a free one; default 3050
                              [ONE_MCP_PORT]
          --insecure-no-auth  ask for no bearer token; on loopback only
                              [ONE_MCP_INSECURE_NO_AUTH]

    Flags:
      -c, --config FILE      the configuration file; default
                             ~/.config/1mcp/mcp.json [ONE_MCP_CONFIG]
          --state-dir DIR    the folder for the token and other state; default
                             ~/.local/state/1mcp [ONE_MCP_STATE_DIR]
          --log-level LEVEL  how much to log: debug, info, warn, error; default
                             info [ONE_MCP_LOG_LEVEL]
      -h, --help             this text
          --version          the version

    Flags stand before or after the command. Each can be set by the environment
    variable in brackets; the command line wins.

    Exit codes: 0 done, 1 failed, 2 wrong command line, 78 wrong configuration
    "
  `);
});

test("help of a command shows what belongs to it", () => {
  const text = helpText(["config", "check"], false);
  expect(text).toContain("Usage: 1mcp config check [flags]");
  expect(text).toContain("--config FILE");
  expect(text).not.toContain("--port");
  expect(helpText(["config"], false)).toContain("config schema");
  expect(helpText(["serve"], false)).toContain("--port");
});

test("every line fits 79 columns and names every flag and command", () => {
  for (const words of [[], ["serve"], ["config"], ["config", "schema"]]) {
    for (const line of helpText(words, false).split("\n")) expect(line.length).toBeLessThanOrEqual(79);
  }
  for (const { name } of flags) expect(helpText([], false)).toContain(`--${name}`);
  for (const { words } of shownCommands) expect(helpText([], false)).toContain(words.join(" "));
  expect(helpText([], false)).not.toContain("demo");
});

test("colour only adds to the text", () => {
  const coloured = helpText([], true);
  expect(coloured).toContain("\u001b[1mUsage:\u001b[0m");
  expect(Bun.stripANSI(coloured)).toBe(helpText([], false));
});
