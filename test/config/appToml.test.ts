import { expect, test } from "bun:test";
import { toml } from "../../src/config/appToml.ts";

const form = { format: "toml", key: ["mcp_servers"], shape: "map" } as const;
const change = (text: string, remove: readonly string[], set: Parameters<typeof toml.change>[2]["set"] = null): string => toml.change(text, form, { remove, set });

test("a server goes with its tables, however its name is written; a comment above stays", () => {
  expect(change('x = 1\n\n# why\n[mcp_servers.a]\ncommand = "a"\n[mcp_servers.a.env]\nT = "1"\n\n[mcp_servers."b c"]\ncommand = "b"\n', ["a"])).toBe('x = 1\n\n# why\n[mcp_servers."b c"]\ncommand = "b"\n');
  expect(change('[mcp_servers."b c"]\ncommand = "b"', ["b c"])).toBe("");
  expect(change('[mcp_servers]\na = { command = "x" }\n"b" = { command = "y" }\nc.command = "z"\n', ["a", "b", "c"])).toBe("[mcp_servers]\n");
  expect(change('mcp_servers.a.command = "x"\nmodel = "m"\n', ["a"])).toBe('model = "m"\n');
});

test("a new one comes at the end, with the file's own line ends", () => {
  expect(change("a = 1", [], { name: "1mcp", value: { command: "C:\\x", args: ["é\u0007"] } })).toBe('a = 1\n\n[mcp_servers.1mcp]\ncommand = "C:\\\\x"\nargs = ["é\\u0007"]\n');
  expect(change("a = 1\r\n", [], { name: "b c", value: { url: "u" } })).toBe('a = 1\r\n\r\n[mcp_servers."b c"]\r\nurl = "u"\r\n');
});
