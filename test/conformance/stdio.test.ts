import { expect, test } from "bun:test";
import { join } from "node:path";
import { Client as ClientV2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioV2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";

// The suite can only reach a URL, so that the fixture's other face is shown here by the official clients.
const child = { command: process.execPath, args: [join(import.meta.dir, "..", "fixtures", "conformance.ts"), "stdio"] };
const identity = { name: "fixture-test", version: "1.0.0" };
const sampled = { role: "assistant" as const, content: { type: "text" as const, text: "Paris" }, model: "test" };
const asking = { name: "test_sampling", arguments: { prompt: "The capital of France?" } };
const answered = [{ type: "text" as const, text: "LLM response: Paris" }];

test("over stdio the fixture asks a 2025 client in the middle of a call", async () => {
  const client = new ClientV1(identity, { capabilities: { sampling: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, () => sampled);
  await client.connect(new StdioV1(child));
  expect((await client.callTool(asking)).content).toEqual(answered);
  await client.subscribeResource({ uri: "test://watched-resource" });
  await client.close();
});

test("over stdio the fixture asks a 2026 client by its result", async () => {
  const client = new ClientV2(identity, { capabilities: { sampling: {} }, versionNegotiation: { mode: { pin: "2026-07-28" } } });
  client.setRequestHandler("sampling/createMessage", () => sampled);
  await client.connect(new StdioV2(child));
  expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
  expect((await client.callTool(asking)).content).toEqual(answered);
  await client.close();
});
