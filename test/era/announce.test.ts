import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { discoverResult, initializeResult } from "../../src/era/announce.ts";
import { key } from "../fixtures/era.ts";
import { capabilities } from "../fixtures/serve.ts";

const description = { info: '{"name":"b","version":"2"}', capabilities, instructions: null };
const us = '{"name":"1mcp","version":"1"}';

test("discovery on one server shows its identity, and ours under our own key", () => {
  const result = JSON.parse(discoverResult(description, "b", us, defaultLimits));
  expect(result._meta).toEqual({ [key.serverInfo]: { name: "b", version: "2" }, "dev.onemcp/proxy": { name: "1mcp", version: "1" } });
  expect(result).not.toHaveProperty("instructions");
});

test("everybody is told of subscriptions to single resources, nobody of the older tasks", () => {
  const all = { ...description, capabilities: '{"resources":{"subscribe":true,"listChanged":true},"tasks":{},"x":{}}' };
  expect(JSON.parse(discoverResult(all, null, us, defaultLimits)).capabilities).toEqual({ resources: { subscribe: true, listChanged: true }, x: {} });
  expect(JSON.parse(initializeResult(all, "2025-06-18", defaultLimits)).capabilities).toEqual({ resources: { subscribe: true, listChanged: true }, x: {} });
});

test("the handshake knows every extension but tasks, and survives a description without sense", () => {
  const extensionsOf = (extensions: string): unknown => JSON.parse(initializeResult({ ...description, capabilities: `{"extensions":${extensions}}` }, "2025-11-25", defaultLimits)).capabilities.extensions;
  expect(extensionsOf('{"io.modelcontextprotocol/tasks":{},"com.example/x":{"a":1}}')).toEqual({ "com.example/x": { a: 1 } });
  expect(extensionsOf('{"io.modelcontextprotocol/tasks":{}}')).toBeUndefined();
  expect(JSON.parse(initializeResult({ ...description, capabilities: "[]" }, "2025-11-25", defaultLimits)).capabilities).toEqual({});
});
