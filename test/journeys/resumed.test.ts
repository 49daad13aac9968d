/** Streams that an official client takes up again after its answer is gone, as after a call that it has cancelled. */
import { expect, test } from "bun:test";
import { StreamableHTTPClientTransport as HttpV2 } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { newV1, newV2 } from "../fixtures/clients.ts";
import { startProgram } from "../fixtures/program.ts";

test.each(["v1", "v2"] as const)("the client of the %s SDK is not troubled by a stream of which nothing is kept, and goes on", async (sdk) => {
  await using program = await startProgram({ config: { mcpServers: {} } });
  const options = { requestInit: { headers: { Authorization: `Bearer ${program.token}` } } };
  const url = new URL(`${program.origin}/mcp`);
  const client = sdk === "v1" ? newV1({}) : newV2({}, "legacy");
  const transport = sdk === "v1" ? new HttpV1(url, options) : new HttpV2(url, options);
  await client.connect(transport as never);
  const troubles: Error[] = [];
  client.onerror = (thrown) => void troubles.push(thrown);
  await transport.resumeStream("p77_3");
  expect([troubles, (await client.listTools()).tools]).toEqual([[], []]);
  await client.close();
});
