import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isLoopbackRedirect, isRegistered, isSafeRedirect, redirectHost, withParameters } from "../../src/auth/redirects.ts";

const safe = (uri: string): boolean => isSafeRedirect(uri, ["vscode", "com.example.app"], 2048);

describe("a redirect URI", () => {
  test.each(["https://app.example/cb", "https://app.example", "https://app.example:8443/cb?x=1", "http://127.0.0.1/", "http://127.0.0.1:1/cb", "http://localhost/cb", "http://[::1]:65535/cb", "vscode://ext/cb", "com.example.app:/cb"])("is safe: %s", (uri) => expect(safe(uri)).toBe(true));

  test.each([
    "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "cursor://x", "myapp:", "http://app.example/cb", "http://127.0.0.2/cb", "http://127.1/cb", "http://2130706433/cb", "http://0x7f000001/cb", "http://localhost.evil.example/cb",
    "http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1@evil.example/cb", "http://127.0.0.1:80@evil.example/cb", "http://u:p@127.0.0.1/cb", "http://127.0.0.1\\@evil.example/cb",
    "https://u@app.example/cb", "https://app.example/cb#x", "https://app.example/cb#", "https://", "https:///cb", "https:/app.example/cb", "https:\\\\app.example", "HTTPS://app.example/cb", " https://app.example/cb", "https://app.example/c b", "https://app.example/\tcb", "https://app.example/ü", "/cb", "", "vscode-insiders://x",
  ])("is not safe: %s", (uri) => expect(safe(uri)).toBe(false));

  test("has a greatest length", () => {
    expect([isSafeRedirect("https://a.example/123", [], 21), isSafeRedirect("https://a.example/1234", [], 21)]).toEqual([true, false]);
  });
});

describe("what was registered", () => {
  const registered = ["https://app.example/cb", "http://127.0.0.1:7777/callback?x=1", "http://localhost"];

  test.each(["https://app.example/cb", "http://127.0.0.1:1/callback?x=1", "http://127.0.0.1/callback?x=1", "http://localhost:9999"])("is found: %s", (uri) => expect(isRegistered(uri, registered)).toBe(true));
  test.each(["https://app.example:443/cb", "https://app.example:8443/cb", "https://app.example/cb?", "http://127.0.0.1:1/callback", "http://127.0.0.1:1/callback?x=2", "http://localhost:1/callback?x=1", "http://localhost/", "http://127.0.0.1:1/callback?x=1#y", "http://127.0.0.1:0/callback?x=1"])("is not found: %s", (uri) => expect(isRegistered(uri, registered)).toBe(false));

  test("matches only itself, but for the port of this computer's plain addresses", () => {
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null });
    const path = fc.constantFrom("", "/", "/cb", "/cb/", "/CB", "/cb?x=1", "/a/../cb", "/%63b");
    const host = fc.constantFrom("127.0.0.1", "localhost", "[::1]", "127.0.0.2", "app.example");
    const uri = fc.record({ scheme: fc.constantFrom("http", "https"), host, port, path });
    const text = (parts: { scheme: string; host: string; port: number | null; path: string }): string => `${parts.scheme}://${parts.host}${parts.port === null ? "" : `:${parts.port}`}${parts.path}`;
    const freePort = new Set(["http://127.0.0.1", "http://localhost", "http://[::1]"]);
    fc.assert(
      fc.property(uri, uri, (one, other) => {
        const isSame = one.scheme === other.scheme && one.host === other.host && one.path === other.path;
        const expected = isSame && (one.port === other.port || freePort.has(`${one.scheme}://${one.host}`));
        expect(isRegistered(text(one), [text(other)])).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("never lets a browser go to another host than was registered, whatever is asked", () => {
    const noise = fc.array(fc.constantFrom("http://", "127.0.0.1", "localhost", "evil.example", "@", ":", "/", "\\", "#", "?", "%2f", "7777", "callback", ".", "[", "]", "\t", "ⓔ"), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(noise, (uri) => {
        if (!isRegistered(uri, ["http://127.0.0.1:7777/callback"])) return;
        const url = new URL(uri);
        expect([url.hostname, url.pathname, url.username, url.hash]).toEqual(["127.0.0.1", "/callback", "", ""]);
      }),
      { numRuns: 5000 },
    );
  });
});

test("a parameter is added to what is there, which stays as it was written", () => {
  expect(withParameters("https://a.example/cb", { code: "x y", iss: "http://h" })).toBe("https://a.example/cb?code=x+y&iss=http%3A%2F%2Fh");
  expect(withParameters("https://a.example/cb?a=%20b", { code: "x" })).toBe("https://a.example/cb?a=%20b&code=x");
  expect(withParameters("https://a.example/cb?", { code: "x" })).toBe("https://a.example/cb?code=x");
  expect(withParameters("https://a.example/cb", { state: "a\r\nSet-Cookie: x" })).not.toMatch(/[\r\n]/);
});

test("people are shown the host, or the scheme where there is none", () => {
  expect(["http://127.0.0.1:1/x", "https://app.example/x", "vscode:/x"].map(redirectHost)).toEqual(["127.0.0.1:1", "app.example", "vscode:"]);
  expect(isLoopbackRedirect("https://localhost/x")).toBe(false);
});
