import { expect, test } from "bun:test";
import { yaml } from "../../src/config/appYaml.ts";

const list = { format: "yaml", key: ["mcpServers"], shape: "list" } as const;
const map = { format: "yaml", key: ["extensions"], shape: "map" } as const;
const ours = { name: "1mcp", value: { name: "1mcp", command: "x" } };

test("an item goes with its lines; what is said above the next one stays", () => {
  expect(yaml.change("mcpServers:\n- name: a\n  command: |\n    long\n# about b\n- name: b\n  args: [1]\nz: 1\n", list, { remove: ["a"], set: null })).toBe("mcpServers:\n# about b\n- name: b\n  args: [1]\nz: 1\n");
});

test("the last item goes with its key, which would mean nothing without it", () => {
  expect(yaml.change("a: 1\nmcpServers:\n  - name: a\n    x: 1\nz: 1\n", list, { remove: ["a"], set: null })).toBe("a: 1\nz: 1\n");
  expect(yaml.change("a: 1\n", list, { remove: ["a"], set: null })).toBe("a: 1\n");
});

test("a new one stands as far in as the others, also where the file does not end its last line", () => {
  expect(yaml.change("mcpServers:\n- name: a\n  x: 1", list, { remove: [], set: ours })).toBe("mcpServers:\n- name: a\n  x: 1\n- name: 1mcp\n  command: x\n");
  expect(yaml.change("extensions:\r\n    dev:\r\n        type: builtin\r\nz: 1\r\n", map, { remove: [], set: { name: "1mcp", value: { cmd: "x" } } })).toBe("extensions:\r\n    dev:\r\n        type: builtin\r\n    1mcp:\r\n      cmd: x\r\nz: 1\r\n");
  expect(yaml.change("mcpServers: [] # none\nz: 1", list, { remove: [], set: ours })).toBe("z: 1\nmcpServers:\n  - name: 1mcp\n    command: x\n");
});

test("what is no YAML is refused by the library", () => {
  expect(() => yaml.parse("a: [")).toThrow();
  expect(yaml.parse("")).toEqual({});
});
