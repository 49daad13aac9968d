/** A knock at a door: at our own, and at one of which nobody knows whose it is. */
import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { listenerAt } from "../../src/compose/index.ts";
import { certified } from "../fixtures/certificates.ts";
import { placeOf } from "../fixtures/placed.ts";

test("a proxy knows whether its own door answers, and gives way to one that listens on the same port", async () => {
  await using place = await placeOf({ mcpServers: {}, limits: { giveWayMs: 1 } });
  const first = await place.start({ sharePort: true });
  expect(await first.answers(10_000)).toBeTrue();
  const second = await place.start({ sharePort: true, takeover: true, freePort: Number(new URL(first.url).port) });
  expect(second.url).toBe(first.url);
  await first.giveWay();
  expect(await second.answers(10_000)).toBeTrue();
  await second.close();
  expect(await second.answers(10_000)).toBeFalse();
});

test("a door that lets in nobody without a certificate answers us by refusing us", async () => {
  await using place = await placeOf({});
  const { cert, key } = await certified("one.test");
  for (const [name, text] of [["cert.pem", cert], ["key.pem", key], ["ca.pem", cert]] as const) await writeFile(join(place.dir, name), text, { mode: 0o600 });
  await place.write({ tls: { cert: "cert.pem", key: "key.pem", ca: "ca.pem", requestCert: true }, mcpServers: {} });
  const running = await place.start();
  expect(await running.answers(10_000)).toBeTrue();
  await running.close();
  expect(await running.answers(10_000)).toBeFalse();
});

test("who listens at an address is a proxy of our kind, some other program, or nobody", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const running = await place.start();
  const portOf = (url: string): number => Number(new URL(url).port);
  expect(await listenerAt("localhost", portOf(running.url), 10_000)).toBe("1mcp");
  expect(await listenerAt("0.0.0.0", portOf(running.url), 10_000)).toBe("1mcp");
  await running.close();
  expect(await listenerAt("127.0.0.1", portOf(running.url), 10_000)).toBe("nobody");
  expect(await listenerAt("not a host", 1, 10_000)).toBe("other");
  const page = Bun.serve({ hostname: "::1", port: 0, fetch: () => new Response("welcome") });
  for (const host of ["::1", "[::1]"]) expect(await listenerAt(host, page.port ?? 0, 10_000)).toBe("other");
  await page.stop(true);
});

test("somebody who takes a connection and says nothing is somebody all the same", async () => {
  const silent = createServer((socket) => void socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  expect(await listenerAt("127.0.0.1", typeof address === "object" ? (address?.port ?? 0) : 0, 50)).toBe("other");
  silent.close();
});
