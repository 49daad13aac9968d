import { describe, expect, test } from "bun:test";
import { createResources, type Reached } from "../../src/auth/resources.ts";

const resources = (more: Partial<Reached> = {}) => createResources({ publicUrl: null, listenUrl: () => "http://127.0.0.1:3050/mcp", allowedHosts: [], ...more }, ["/mcp", "/sse"]);

test("the issuer is the public origin, or where we listen, without a slash at its end", () => {
  expect(resources().issuer()).toBe("http://127.0.0.1:3050");
  expect(resources({ publicUrl: "https://mcp.example.com/" }).issuer()).toBe("https://mcp.example.com");
  expect(resources({ publicUrl: "https://mcp.example.com:8443/mcp" }).issuer()).toBe("https://mcp.example.com:8443");
  expect(resources({ listenUrl: () => "http://0.0.0.0:80/mcp" }).issuer()).toBe("http://127.0.0.1");
  expect(resources({ listenUrl: () => "http://192.0.2.1:3050/mcp" }).issuer()).toBe("http://192.0.2.1:3050");
  expect(resources({ listenUrl: () => "unix:///run/x.sock" }).issuer()).toBe("http://localhost");
});

test("only this computer reaches us where we have no other name", () => {
  expect([resources().isLocal(), resources({ publicUrl: "https://mcp.example.com" }).isLocal()]).toEqual([true, false]);
});

describe("an endpoint", () => {
  test.each(["http://127.0.0.1:3050", "http://localhost:3050", "http://[::1]:3050"])("is one under each of our names: %s", (origin) => {
    expect(resources().of(`${origin}/mcp/git.hub`)).toEqual({ path: "/mcp/git.hub", url: `${origin}/mcp/git.hub`, metadataUrl: `${origin}/.well-known/oauth-protected-resource/mcp/git.hub` });
    expect(resources().of(`${origin}/sse`)?.path).toBe("/sse");
    expect([resources().of(origin)?.path, resources().of(`${origin}/`)?.path]).toEqual([null, null]);
  });

  test.each(["https://127.0.0.1:3050/mcp", "http://127.0.0.1:30500/mcp", "http://127.0.0.1:305/mcp", "http://127.0.0.1:3050.evil.example/mcp", "http://evil.example/mcp", "http://127.0.0.1:3050/mcp/", "http://127.0.0.1:3050/mcp/a/b", "http://127.0.0.1:3050/mcp/..%2f", "http://127.0.0.1:3050/mcp?x", "http://127.0.0.1:3050/mcp#x", "http://127.0.0.1:3050//mcp", "http://127.0.0.1:3050/MCP", "http://u@127.0.0.1:3050/mcp", "mcp", ""])("is none of ours: %s", (url) => expect(resources().of(url)).toBeNull());

  test("is found under a name of which another one is the beginning", () => {
    expect(resources({ publicUrl: "http://127.0.0.1" }).of("http://127.0.0.1:3050/mcp")?.path).toBe("/mcp");
  });

  test("may be named by nobody: then all of them are meant", () => {
    expect([resources().targetOf(undefined), resources().targetOf("http://evil.example")]).toEqual([{ path: null }, null]);
  });
});

test("a Host is known by its origin; beyond this computer it speaks https", () => {
  const known = resources({ publicUrl: "https://mcp.example.com", allowedHosts: ["box.lan:3050", "localhost:9000"] });
  expect(["mcp.example.com", "LOCALHOST:3050", "box.lan:3050", "localhost:9000", "evil.example", null].map((host) => known.originOf(host))).toEqual(["https://mcp.example.com", "http://localhost:3050", "https://box.lan:3050", "http://localhost:9000", "https://mcp.example.com", "https://mcp.example.com"]);
});
