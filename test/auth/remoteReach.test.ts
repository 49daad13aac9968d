import { describe, expect, test } from "bun:test";
import { isVisitable, type Reach, reachOf } from "../../src/auth/remoteReach.ts";

const away = new URL("https://mcp.example/mcp");
const home = new URL("http://localhost:3000/mcp");
const near = new URL("https://git.corp.example/mcp");
const reach = (url: string, server = away, hosts: readonly string[] = []): Reach | null => reachOf(new URL(url), server, hosts);

test("the server's own host is the operator's choice, and so are those that he names", () => {
  expect(reach("https://mcp.example:8443/x")).toBe("any");
  expect(reach("https://10.0.0.1/x", away, ["10.0.0.1"])).toBe("any");
  expect(reach("https://[fd00::1]/x", away, ["fd00::1"])).toBe("any");
  expect(reach("https://login.internal/x", near, ["login.internal"])).toBe("any");
});

test("other hosts are asked as long as they are public", () => {
  expect(reach("https://login.example/x")).toBe("public");
  expect(reach("https://1.1.1.1/x")).toBe("public");
});

// Threat row 45.
describe("what a stranger names is not asked where only we could reach it:", () => {
  test.each([
    "http://login.example/x",
    "http://mcp.example/x",
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://a.localhost/x",
    "https://[::1]/x",
    "https://10.1.2.3/x",
    "https://192.168.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/x",
    "https://0.0.0.0/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[64:ff9b::a00:1]/x",
    "https://[fe80::1]/x",
    "https://2130706433/x",
    "https://0177.0.0.1/x",
    "https://router/x",
    "https://nas.local/x",
    "https://db.internal./x",
    "https://user:pw@login.example/x",
    "file:///etc/passwd",
  ])("%s", (url) => expect(reach(url)).toBeNull());
});

test("on this computer there need be no TLS, for a server of this computer", () => {
  expect(reach("http://127.0.0.1:9000/x", home)).toBe("any");
  expect(reach("http://[::1]:9000/x", home)).toBe("any");
  expect(reach("http://127.0.0.1.example/x", home)).toBeNull();
  expect(reach("http://localhost/x", away, ["localhost"])).toBeNull();
});

// Threat row 50.
test("a browser is sent to web pages alone", () => {
  for (const url of ["https://login.example/a b", "https://10.0.0.1/x"]) expect(isVisitable(new URL(url), away)).toBeTrue();
  for (const url of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "http://login.example/x", "https://user@login.example/x", "ms-settings:x"]) expect(isVisitable(new URL(url), away)).toBeFalse();
  expect(isVisitable(new URL("http://localhost:1/x"), home)).toBeTrue();
});
