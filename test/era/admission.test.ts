import { describe, expect, test } from "bun:test";
import { createWorld, key, type Json } from "../fixtures/era.ts";

const refused = (answer: { status: number; json: Json }) => [answer.status, answer.json.error?.code];

describe("a modern request is admitted only as a whole", () => {
  // Checklist: N2
  test("the envelope must be there with version and capabilities, and the refusal carries the id", async () => {
    const { post, modern } = createWorld();
    const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };
    const bare = await post({ jsonrpc: "2.0", id: "a", method: "tools/list" }, { headers });
    expect(refused(bare)).toEqual([400, -32602]);
    expect(bare.json.id).toBe("a");
    expect(refused(await post({ jsonrpc: "2.0", id: 2, method: "tools/list", params: { _meta: { x: 1 } } }, { headers }))).toEqual([400, -32602]);
    expect(refused(await modern("tools/list", {}, { meta: { [key.capabilities]: undefined } }))).toEqual([400, -32602]);
    expect(refused(await modern("tools/list", {}, { meta: { [key.capabilities]: [] } }))).toEqual([400, -32602]);
    expect(refused(await modern("tools/list", {}, { meta: { [key.version]: 20260728 } }))).toEqual([400, -32602]);
    expect(refused(await modern("tools/list", {}, { meta: { [key.info]: "me" } }))).toEqual([400, -32602]);
  });

  // Checklist: N3
  test("a client need not say who it is", async () => {
    const { modern, serve } = createWorld();
    const answer = await modern("tools/list", {}, { meta: { [key.info]: undefined } });
    expect(answer.status).toBe(200);
    expect(serve.calls[0]?.client.info).toBeNull();
  });

  // Checklist: N4
  test("a header that names another version than the body is a mismatch, before the version is judged", async () => {
    const { modern } = createWorld();
    expect(refused(await modern("tools/list", {}, { meta: { [key.version]: "v999" } }))).toEqual([400, -32020]);
  });

  // Checklist: N5
  test("an unknown version is refused with those that are served", async () => {
    const { modern } = createWorld();
    const answer = await modern("tools/list", {}, { meta: { [key.version]: "v999.0.0" }, headers: { "mcp-protocol-version": "v999.0.0" } });
    expect(refused(answer)).toEqual([400, -32022]);
    expect(answer.json.error.data).toMatchObject({ requested: "v999.0.0", supported: ["2026-07-28"] });
    const legacy = await modern("tools/list", {}, { meta: { [key.version]: "2025-11-25" }, headers: { "mcp-protocol-version": "2025-11-25" } });
    expect(refused(legacy)).toEqual([400, -32022]);
  });

  // Checklist: N6
  test("the version header may not be missing", async () => {
    const { modern } = createWorld();
    expect(refused(await modern("tools/list", {}, { headers: { "mcp-protocol-version": "" } }))).toEqual([400, -32020]);
  });

  // Checklist: N7
  test("the method header must be there and equal, case included", async () => {
    const { modern, serve } = createWorld();
    for (const value of ["", "tools/call", "TOOLS/LIST"]) {
      expect(refused(await modern("tools/list", {}, { headers: { "mcp-method": value } }))).toEqual([400, -32020]);
    }
    expect((await modern("tools/list", {}, { headers: { "mcp-method": "\ttools/list " } })).status).toBe(200);
    expect(serve.calls).toHaveLength(1);
  });

  // Checklist: N9, N10
  test("the name header must be there and equal; white space around it is none of its value", async () => {
    const { modern } = createWorld();
    expect(refused(await modern("tools/call", { name: "foo" }, { headers: { "mcp-name": "" } }))).toEqual([400, -32020]);
    expect(refused(await modern("tools/call", { name: "foo" }, { headers: { "mcp-name": "bar" } }))).toEqual([400, -32020]);
    expect(refused(await modern("resources/read", { uri: "a://b" }, { headers: { "mcp-name": "a://c" } }))).toEqual([400, -32020]);
    expect((await modern("tools/call", { name: "foo" }, { headers: { "mcp-name": "  foo  " } })).status).toBe(200);
    expect((await modern("resources/read", { uri: "a://b" })).status).toBe(200);
  });

  // Checklist: N11
  test("a name outside ASCII comes in the sentinel; a broken sentinel is a mismatch, half of one a literal", async () => {
    const { modern } = createWorld();
    const coded = (text: string) => `=?base64?${text}?=`;
    const right = Buffer.from("größe").toString("base64");
    expect((await modern("tools/call", { name: "größe" }, { headers: { "mcp-name": coded(right) } })).status).toBe(200);
    expect(refused(await modern("tools/call", { name: "größe" }, { headers: { "mcp-name": coded(right.replace(/=+$/, "")) } }))).toEqual([400, -32020]);
    expect(refused(await modern("tools/call", { name: "größe" }, { headers: { "mcp-name": coded("****") } }))).toEqual([400, -32020]);
    expect((await modern("tools/call", { name: "=?base64?Zm9v" })).status).toBe(200);
    expect((await modern("tools/call", { name: "=?BASE64?Zm9v?=" })).status).toBe(200);
  });

  test("parameters that a method cannot do without are asked for in the body of the answer", async () => {
    const { modern } = createWorld();
    expect(refused(await modern("tools/call", { arguments: {} }, { headers: { "mcp-name": "x" } }))).toEqual([200, -32602]);
    expect(refused(await modern("tools/call", { name: "x" }, { meta: { progressToken: { no: 1 } } }))).toEqual([200, -32602]);
    expect(refused(await modern("tools/call", { name: "x" }, { meta: { [key.logLevel]: "loud" } }))).toEqual([200, -32602]);
  });
});

describe("arguments that a tool mirrors into headers", () => {
  const tool = JSON.stringify({
    name: "search",
    inputSchema: {
      type: "object",
      properties: {
        region: { type: "string", "x-mcp-header": "Region" },
        limit: { type: "integer", "x-mcp-header": "Limit" },
        where: { type: "object", properties: { deep: { type: "boolean", "x-mcp-header": "Deep" } } },
        free: { type: "string" },
      },
    },
  });
  const call = (args: unknown, headers: Record<string, string>) => {
    const world = createWorld();
    world.serve.tools["search"] = tool;
    return world.modern("tools/call", { name: "search", arguments: args as Record<string, unknown> }, { headers });
  };

  // Checklist: N12
  test("must be in their header, decoded and equal", async () => {
    expect((await call({ region: "eu", where: { deep: true } }, { "mcp-param-region": "eu", "mcp-param-deep": "true" })).status).toBe(200);
    expect(refused(await call({ region: "eu" }, {}))).toEqual([400, -32020]);
    expect(refused(await call({ region: "eu" }, { "mcp-param-region": "us" }))).toEqual([400, -32020]);
    expect(refused(await call({ region: "eu" }, { "mcp-param-region": "=?base64?ZXU?=" }))).toEqual([400, -32020]);
    expect((await call({ region: "eu" }, { "mcp-param-region": "=?base64?ZXU=?=" })).status).toBe(200);
    expect((await call({ region: "=?base64?x" }, { "mcp-param-region": "=?base64?x" })).status).toBe(200);
  });

  // Checklist: N12
  test("may be absent or null without a header, but a header for nothing is a mismatch", async () => {
    expect((await call({}, {})).status).toBe(200);
    expect((await call({ region: null }, {})).status).toBe(200);
    expect(refused(await call({}, { "mcp-param-region": "eu" }))).toEqual([400, -32020]);
  });

  // Checklist: N12
  test("are compared as numbers where they are integers", async () => {
    expect((await call({ limit: 42 }, { "mcp-param-limit": "42.0" })).status).toBe(200);
    for (const other of ["43", "0x2a", "4 2", "", "42n", "0b101010"]) expect(refused(await call({ limit: 42 }, { "mcp-param-limit": other }))).toEqual([400, -32020]);
  });

  // Checklist: N13
  test("are not asked for where the tool has none, and an unknown one harms nobody", async () => {
    expect((await call({ free: "x" }, { "mcp-param-foo": "bar" })).status).toBe(200);
  });

  test("are refused where two members of one name could say two things", async () => {
    const world = createWorld();
    world.serve.tools["search"] = tool;
    const meta = JSON.stringify({ [key.version]: "2026-07-28", [key.capabilities]: {} });
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"region":"eu","region":"us"},"_meta":${meta}}}`;
    const answer = await world.post(body, { headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "search", "mcp-param-region": "eu" } });
    expect(answer.json.error.code).toBe(-32602);
    expect(world.serve.calls).toHaveLength(0);
  });
});
