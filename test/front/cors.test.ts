import { describe, expect, test } from "bun:test";
import { corsOf, preflight } from "../../src/front/cors.ts";
import { openFront, post } from "../fixtures/front.ts";

const cors = { requestHeaders: ["X-Revision", "X-Param-*"], responseHeaders: ["X-Session"] };

describe("a preflight", () => {
  const ask = (wanted: string): Response =>
    preflight(new Headers({ origin: "https://app.example", "access-control-request-headers": wanted }), "POST, GET, OPTIONS", cors);

  test("allows the headers it knows, and those that fit a free ending, and no others", () => {
    expect(ask("authorization, Content-Type,x-revision, X-Param-City, x-else,").headers.get("access-control-allow-headers")).toBe("authorization, content-type, x-revision, x-param-city");
  });
  test("tells origin and verbs, never credentials", () => {
    const { headers, status } = ask("");
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(headers.get("access-control-allow-methods")).toBe("POST, GET, OPTIONS");
    expect(headers.has("access-control-allow-credentials")).toBe(false);
    expect(headers.get("vary")).toContain("Origin");
  });
  test("of no browser is told the verbs alone", () => {
    const { headers } = preflight(new Headers(), "POST, OPTIONS", cors);
    expect([headers.get("allow"), headers.get("access-control-allow-origin")]).toEqual(["POST, OPTIONS", null]);
  });
});

test("without an origin nothing is added", () => expect(corsOf(null, cors)).toBeNull());

describe("over the wire", () => {
  test("a page that is let in may read the answer and its headers, one that is not gets 403 and no permission", async () => {
    await using front = await openFront({ allowedOrigins: ["https://app.example"] });
    const fine = await post(front.url, "{}", { origin: "https://app.example" });
    expect(fine.status).toBe(200);
    expect(fine.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(fine.headers.get("access-control-expose-headers")).toBe("WWW-Authenticate, X-Session");
    const foreign = await post(front.url, "{}", { origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    expect(foreign.headers.has("access-control-allow-origin")).toBe(false);
  });
  test("a preflight needs no token, but an origin that is let in", async () => {
    await using front = await openFront({ allowedOrigins: ["https://app.example"] });
    const ask = (origin: string) => fetch(front.url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-param-a" } });
    expect((await ask("https://app.example")).headers.get("access-control-allow-headers")).toBe("x-param-a");
    expect((await ask("https://evil.example")).status).toBe(403);
  });
});
