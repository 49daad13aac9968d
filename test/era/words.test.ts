import { expect, test } from "bun:test";
import { headers, metaKeys, vendorKeys } from "../../src/era/words.ts";

test("header names are in the form in which headers are looked up", () => {
  const names: readonly string[] = Object.values(headers);
  for (const name of names) expect(name).toBe(name.toLowerCase());
});

test("our own keys are under a prefix that the specification leaves to vendors", () => {
  for (const key of Object.values(vendorKeys)) {
    const [, second] = (key.split("/")[0] ?? "").split(".");
    expect(second).toBeDefined();
    expect(["mcp", "modelcontextprotocol"]).not.toContain(second as string);
  }
  for (const key of Object.values(metaKeys)) expect(key === "progressToken" || key.startsWith("io.modelcontextprotocol/")).toBe(true);
});
