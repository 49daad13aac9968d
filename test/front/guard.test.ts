import { describe, expect, test } from "bun:test";
import { type Gate, type GateOptions, assertSafe, gateOf, isLoopback, refusedOrigin, refusedSize, refusedType } from "../../src/front/guard.ts";

const options = (more: Partial<GateOptions> = {}): GateOptions => ({ listen: { host: "127.0.0.1", port: 0 }, publicUrl: null, allowedHosts: [], allowedOrigins: [], trustedProxies: [], ...more });
const passes = (gate: Gate, headers: Record<string, string>): boolean => refusedOrigin(new Headers(headers), gate) === null;

describe("the Host header", () => {
  const gate = gateOf(options(), 3050);

  test.each(["127.0.0.1:3050", "localhost:3050", "[::1]:3050", "LOCALHOST:3050"])("%s is ours on loopback", (host) => expect(passes(gate, { host })).toBe(true));
  test.each(["127.0.0.1", "localhost", "localhost:3051", "evil.example:3050", "localhost.evil.example:3050", "localhost:3050, localhost:3050", "", "127.0.0.2:3050"])(
    "%p is not",
    (host) => expect(passes(gate, { host })).toBe(false),
  );
  test("is required", () => expect(passes(gate, {})).toBe(false));
  test("may be what the operator allowed, as it is written and no other", () => {
    const more = gateOf(options({ allowedHosts: ["Proxy.Example:8443", "bare.example"] }), 3050);
    expect(passes(more, { host: "proxy.example:8443" })).toBe(true);
    expect(passes(more, { host: "bare.example" })).toBe(true);
    expect(passes(more, { host: "proxy.example" })).toBe(false);
    expect(passes(more, { host: "bare.example:3050" })).toBe(false);
  });
  test("may be the public address, with its usual port or without", () => {
    const published = gateOf(options({ publicUrl: "https://mcp.example/x" }), 3050);
    expect(["mcp.example", "mcp.example:443"].map((host) => passes(published, { host }))).toEqual([true, true]);
    expect(["mcp.example:80", "mcp.example:3050"].map((host) => passes(published, { host }))).toEqual([false, false]);
    expect(passes(gateOf(options({ publicUrl: "http://mcp.example:8080" }), 3050), { host: "mcp.example:8080" })).toBe(true);
  });
  test("on another address is that address; on every address it is the loopback names", () => {
    expect(passes(gateOf(options({ listen: { host: "192.0.2.7", port: 0 } }), 3050), { host: "192.0.2.7:3050" })).toBe(true);
    expect(passes(gateOf(options({ listen: { host: "192.0.2.7", port: 0 } }), 3050), { host: "localhost:3050" })).toBe(false);
    expect(passes(gateOf(options({ listen: { host: "2001:db8::1", port: 0 } }), 3050), { host: "[2001:db8::1]:3050" })).toBe(true);
    expect(passes(gateOf(options({ listen: { host: "0.0.0.0", port: 0 } }), 3050), { host: "localhost:3050" })).toBe(true);
    expect(passes(gateOf(options({ listen: { host: "0.0.0.0", port: 0 } }), 3050), { host: "0.0.0.0:3050" })).toBe(false);
  });
  test("does not matter on a unix socket", () => expect(passes(gateOf(options({ listen: { unix: "/x" } }), 0), { host: "anything" })).toBe(true));
  test("on port 80 may leave the port out", () => expect(passes(gateOf(options(), 80), { host: "localhost" })).toBe(true));
});

describe("the Origin header", () => {
  const gate = gateOf(options({ allowedOrigins: ["https://App.example", "null"], publicUrl: "https://mcp.example" }), 3050);
  const from = (origin: string): boolean => passes(gate, { host: "localhost:3050", origin });

  // Checklist: N16
  test("may be absent: then it is no browser", () => expect(passes(gate, { host: "localhost:3050" })).toBe(true));
  test.each(["http://localhost:3050", "http://127.0.0.1:3050", "http://[::1]:3050", "https://mcp.example", "https://app.example"])("%s is let in", (origin) => expect(from(origin)).toBe(true));
  test.each(["http://localhost", "http://localhost:3000", "https://localhost:3050", "http://evil.example", "null", "", "http://app.example", "https://app.example:8443"])("%p is not", (origin) =>
    expect(from(origin)).toBe(false),
  );
  test("of a stranger is refused on a unix socket too", () => expect(passes(gateOf(options({ listen: { unix: "/x" } }), 0), { host: "x", origin: "http://evil.example" })).toBe(false));
});

describe("an address that others can reach", () => {
  const wide = options({ listen: { host: "0.0.0.0", port: 0 }, publicUrl: "https://mcp.example", trustedProxies: ["10.0.0.1"] });
  test("needs authentication", () => expect(() => assertSafe(wide, false)).toThrow("needs more protection"));
  test("needs a name to check", () => expect(() => assertSafe({ ...wide, publicUrl: null }, true)).toThrow("publicUrl or allowedHosts"));
  test("needs a proxy that does TLS: a token must not cross a network in clear", () => {
    expect(() => assertSafe({ ...wide, trustedProxies: [] }, true)).toThrow("0.0.0.0 needs tls or trustedProxies");
    expect(() => assertSafe({ ...wide, trustedProxies: [], tls: {} }, true)).not.toThrow();
    expect(() => assertSafe({ ...wide, publicUrl: null, trustedProxies: [] }, true)).toThrow("publicUrl or allowedHosts, and tls or trustedProxies");
  });
  test("is fine with all; loopback and unix sockets need none", () => {
    expect(() => assertSafe(wide, true)).not.toThrow();
    expect(() => assertSafe({ ...wide, publicUrl: null, allowedHosts: ["a:1"] }, true)).not.toThrow();
    expect(() => assertSafe(options(), false)).not.toThrow();
    expect(() => assertSafe(options({ listen: { unix: "/x" } }), false)).not.toThrow();
  });
  test("is any but loopback's", () => {
    expect(["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"].map(isLoopback)).toEqual([true, true, true, true, true]);
    expect(["0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "128.0.0.1"].map(isLoopback)).toEqual([false, false, false, false, false, false]);
  });
});

test("a body is refused by its announced length", () => {
  const refused = (length: string): string | undefined => refusedSize(new Headers({ "content-length": length }), 10)?.code;
  expect(refused("10")).toBeUndefined();
  expect(refused("11")).toBe("MESSAGE_TOO_LARGE");
  expect(refusedSize(new Headers(), 10)).toBeNull();
});

describe("a body's type", () => {
  const refused = (headers: Record<string, string>): string | undefined => refusedType(new Headers(headers))?.code;
  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;charset=utf-8"])("may be %s", (type) => expect(refused({ "content-type": type })).toBeUndefined());
  test.each(["text/plain", "application/jsonx", "application/json-rpc", "multipart/form-data", "text/plain; application/json", ""])("must not be %p", (type) =>
    expect(refused({ "content-type": type })).toBe("CONTENT_TYPE_REFUSED"),
  );
  test("must be said", () => expect(refused({})).toBe("CONTENT_TYPE_REFUSED"));
  test("must be plain: nothing is inflated here", () => {
    expect(refused({ "content-type": "application/json", "content-encoding": "gzip" })).toBe("CONTENT_TYPE_REFUSED");
    expect(refused({ "content-type": "application/json", "content-encoding": "identity" })).toBeUndefined();
  });
});
