import { describe, expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { openFront } from "../fixtures/front.ts";

const locked = { tokenPath: "/x", principalOf: () => ({ ok: false, code: "TOKEN_MISSING", challenge: "Bearer" }) as const };

describe("without a token", () => {
  test("health says that the door is open, by whatever name one asks, and nothing else", async () => {
    await using front = await openFront({ guard: locked });
    for (const path of ["/health", "/health/live", "/health/ready"]) {
      const answer = await fetch(front.origin + path, { headers: { host: "10.0.0.9:80" } });
      expect([answer.status, await answer.text(), answer.headers.get("cache-control")]).toEqual([200, '{"status":"ok"}', "no-store"]);
    }
  });

  test("readiness follows the proxy, liveness does not", async () => {
    let ready = false;
    await using front = await openFront({ isReady: () => ready });
    expect((await fetch(`${front.origin}/health/ready`)).status).toBe(503);
    expect((await fetch(`${front.origin}/health/live`)).status).toBe(200);
    ready = true;
    expect((await fetch(`${front.origin}/health/ready`)).status).toBe(200);
  });

  test("a person who opens the address is told what this is, by a page that may load nothing", async () => {
    await using front = await openFront();
    const answer = await fetch(front.origin);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await answer.text()).toContain("/mcp");
  });
});

test("a bug in the middle is a 500 with a fixed body and an entry in the log, never a stack", async () => {
  const lines: unknown[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (...line: unknown[]) => void lines.push(line), with: () => log };
  await using front = await openFront({
    log,
    isReady: () => {
      throw new Error("inner words");
    },
  });
  const answer = await fetch(`${front.origin}/health/ready`);
  const text = await answer.text();
  expect(answer.status).toBe(fault("INTERNAL").row.http);
  expect(JSON.parse(text)).toMatchObject({ id: null, error: { code: -32603 } });
  expect(text).not.toContain("inner words");
  expect(JSON.stringify(lines)).toContain("inner words");
});
