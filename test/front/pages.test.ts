import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Page, ShownRequest } from "../../src/auth/index.ts";
import { noticeOut, pageOut } from "../../src/front/pages.ts";

const request: ShownRequest = {
  id: "w1",
  code: "HRCL-PCVJ",
  client: { id: "https://app.example/client.json", name: "Example App", domain: "app.example" },
  redirectHost: "app.example",
  isLoopback: false,
  resource: "http://127.0.0.1:3050/mcp",
  scopes: [
    { scope: "tag:web", servers: [{ name: "fetch", tools: ["get", "post"] }], asked: true },
    { scope: "server:my%20files", servers: [{ name: "my files", tools: [] }], asked: false },
    { scope: "admin:read", servers: [], asked: false },
  ],
  refresh: true,
  lifeMs: 90 * 24 * 60 * 60 * 1000,
  expiresAt: 0,
};

const shown = async (page: Page, status = 200): Promise<{ text: string; headers: Headers }> => {
  const answer = pageOut({ kind: "page", status, headers: { "Cache-Control": "no-store", "Set-Cookie": "__Host-a=b" }, page });
  expect(answer.status).toBe(status);
  return { text: await answer.text(), headers: answer.headers };
};
const consent = (more: Partial<ShownRequest> = {}): Page => ({ name: "consent", handle: "h1", request: { ...request, ...more }, person: null });
const policyOf = async (page: Page): Promise<string> => (await shown(page)).headers.get("content-security-policy") ?? "";

const every: readonly Page[] = [
  { name: "waiting", handle: "h1", code: "HRCL-PCVJ", request, canUsePassword: true, signIn: null },
  consent(),
  { name: "device", handle: "h1", problem: null },
  { name: "login", handle: "h1", problem: "That is not it.", next: "/authorize?handle=h1" },
  { name: "connect", handle: "h1", server: "github", principal: "g_1" },
  { name: "leaving", to: "vscode://done?code=1" },
  { name: "notice", title: "Gone", text: "It is over." },
];

describe("every page", () => {
  test.each(every.map((page) => [page.name, page] as const))("%s is whole, without script, and its policy lets nothing in", async (_name, page) => {
    const { text, headers } = await shown(page);
    expect(text).toStartWith('<!doctype html>\n<html lang="en">');
    expect(text).toMatch(/<meta name="viewport" content="width=device-width, initial-scale=1">[^]*<title>[^<]+ – 1mcp<\/title>[^]*<main>\s*<h1>[^]*<\/main>/);
    expect(text).not.toMatch(/<script|javascript:|\son\w+=|<img|<link|<iframe|<style [^>]/i);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; form-action 'self'[^;]*; frame-ancestors 'none'; base-uri 'none'$/);
    expect([headers.get("x-frame-options"), headers.get("x-content-type-options"), headers.get("referrer-policy"), headers.get("cache-control"), headers.get("set-cookie")]).toEqual(["DENY", "nosniff", "no-referrer", "no-store", "__Host-a=b"]);
  });

  test.each(every.map((page) => [page.name, page] as const))("%s names every field for who cannot see it", async (_name, page) => {
    const { text } = await shown(page);
    for (const [, id] of text.matchAll(/<input id="(\w+)"/g)) expect(text).toContain(`<label for="${id}">`);
    for (const [box] of text.matchAll(/<label><input type="checkbox"[^]*?<\/label>/g)) expect(box).toMatch(/<span>[^]+<\/span>/);
    for (const [, id] of text.matchAll(/aria-describedby="(\w+)"/g)) expect(text).toContain(`id="${id}"`);
    expect(text.match(/<h1>/g)).toHaveLength(1);
  });

  test("applies no other style than the one that its policy names", async () => {
    const { text, headers } = await shown(consent());
    const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? "";
    expect(headers.get("content-security-policy")).toContain(`'sha256-${new Bun.CryptoHasher("sha256").update(style).digest("base64")}'`);
    expect(text).not.toContain(" style=");
    expect(style).toContain("prefers-color-scheme: dark");
  });
});

describe("the page of a decision", () => {
  test("shows who asks, who vouches, where the answer goes, what for and how long, and has a box for each scope", async () => {
    const { text } = await shown(consent());
    for (const words of ["Example App", "vouched for by <strong>app.example</strong>", "https://app.example/client.json", "<dt>Answer goes to</dt><dd><strong>app.example</strong>", "http://127.0.0.1:3050/mcp", "at most 90 days, renewed by the program itself", "The server <strong>my files</strong>", "tagged <strong>web</strong>", "<code>get</code>, <code>post</code>"]) expect(text).toContain(words);
    expect([...text.matchAll(/<input type="checkbox" name="scope" value="([^"]+)"( checked)?>/g)].map(([, scope, checked]) => [scope, checked !== undefined])).toEqual([
      ["tag:web", true],
      ["server:my%20files", false],
      ["admin:read", false],
    ]);
    expect(text).toContain('<form method="post" action="/authorize">\n<input type="hidden" name="handle" value="h1">');
    expect([...text.matchAll(/<button name="decision" value="(\w+)"/g)].map(([, value]) => value)).toEqual(["approve", "deny"]);
  });

  test("warns where any program of this computer could be listening, and where nobody vouches", async () => {
    const { text } = await shown(consent({ isLoopback: true, redirectHost: "127.0.0.1:7777", refresh: false, lifeMs: 60_000, client: { id: "c", name: "c", domain: null } }));
    for (const words of ["Any program that runs here could be listening", "not verified", "at most 1 minute, then it must ask again"]) expect(text).toContain(words);
    expect(text).not.toContain('name="remember"');
    expect((await shown(consent())).text).toContain('name="remember"');
    expect((await shown(consent({ scopes: [] }))).text).toContain("nothing that could be granted");
  });

  test.each<[Partial<ShownRequest>, string]>([
    [{}, "https://app.example"],
    [{ isLoopback: true, redirectHost: "127.0.0.1:7777" }, "http://127.0.0.1:7777"],
    [{ isLoopback: true, redirectHost: "[::1]:7777" }, "http:"],
    [{ redirectHost: "evil.example; script-src *" }, "https:"],
    [{ redirectHost: null }, ""],
  ])("lets its form lead to the client's origin and nowhere else: %p", async (more, source) => {
    expect(await policyOf(consent(more))).toContain(`form-action 'self'${source === "" ? "" : ` ${source}`}; frame-ancestors`);
  });
});

test("the page that waits asks by itself how it stands, says the code, and leads to the password where there is one", async () => {
  const waiting = (canUsePassword: boolean): Page => ({ name: "waiting", handle: "a/b&c", code: "HRCL-PCVJ", request, canUsePassword, signIn: null });
  const { text } = await shown(waiting(true));
  expect(text).toContain('<meta http-equiv="refresh" content="1; url=/authorize?handle=a%2Fb%26c">');
  expect(text).toContain("HRCL-PCVJ");
  expect(text).toContain('href="/login?next=%2Fauthorize%3Fhandle%3Da%252Fb%2526c"');
  expect((await shown(waiting(false))).text).not.toContain("/login");
});

test("forms bring back what their page was given", async () => {
  const { text: device } = await shown({ name: "device", handle: "h2", problem: "No such code." });
  expect(device).toMatch(/action="\/device">\s*<input type="hidden" name="handle" value="h2">[^]*name="user_code"/);
  expect(device).toContain('role="alert">No such code.');
  const { text: login } = await shown({ name: "login", handle: "h3", problem: null, next: "/x?a=1&b=2" });
  expect(login).toMatch(/action="\/login">\s*<input type="hidden" name="handle" value="h3">\s*<input type="hidden" name="next" value="\/x\?a=1&amp;b=2">[^]*type="password"/);
  expect((await shown({ name: "connect", handle: "h", server: "a b", principal: "p" })).text).toContain('action="/connect/a%20b"');
});

test("a link leads to a program's own scheme, and never to what a browser would run", async () => {
  expect((await shown({ name: "leaving", to: "vscode://x/?code=1&state=2" })).text).toContain('href="vscode://x/?code=1&amp;state=2"');
  for (const to of ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", " javascript:x", "file:///etc/passwd", "//evil"]) expect((await shown({ name: "leaving", to })).text).not.toContain("href=");
});

// Row 28: what came from elsewhere is text, whatever is in it.
const payloads = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg onload=alert(1)>", "</title><script>x</script>", "<!--", "&lt;script&gt;", "javascript:alert(1)", "{{7*7}}", "${7*7}", "<a href=//e>x</a>", "\u202etxt.exe", "\u0000\u001b[2J", "a\r\nSet-Cookie: x=1", "</style><style>*{display:none}", "<base href=//e>", "<meta http-equiv=refresh content=0>", "<form action=//e>", "\u200b\u2066", "<iframe srcdoc=x>", "' autofocus onfocus=x '"];

test("markup in any text is shown and never obeyed", async () => {
  const plain = await Promise.all(every.map(async (page) => (await shown(page)).text.match(/<\w+/g)?.length));
  expect(plain.every((count) => (count ?? 0) > 5)).toBe(true);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constantFrom(...payloads), fc.string()), async (text) => {
      const hostile: ShownRequest = { ...request, code: text, client: { id: text, name: text, domain: text }, redirectHost: text, resource: text, scopes: [{ scope: text, servers: [{ name: text, tools: [text] }], asked: true }] };
      const benign: ShownRequest = { ...request, code: "x", client: { id: "x", name: "x", domain: "x" }, redirectHost: "x", resource: "x", scopes: [{ scope: "x", servers: [{ name: "x", tools: ["x"] }], asked: true }] };
      const pages = (about: ShownRequest, word: string): Page[] => [
        { name: "consent", handle: word, request: { ...about, client: { ...about.client, id: `${word}.` } }, person: word },
        { name: "waiting", handle: word, code: word, request: { ...about, client: { ...about.client, id: `${word}.` } }, canUsePassword: true, signIn: null },
        { name: "login", handle: word, problem: word, next: word },
        { name: "notice", title: word, text: word },
        { name: "connect", handle: word, server: word.toWellFormed(), principal: word },
      ];
      const shape = async (page: Page): Promise<unknown> => (await shown(page)).text.replaceAll("<strong>", "").match(/<[a-z!/]+/gi);
      for (const [index, page] of pages(hostile, text.toWellFormed()).entries()) {
        const calm = pages(benign, "x")[index];
        // A tag's name in a scope has words of its own, so only what can be built is compared.
        if (calm !== undefined && !/^(server|tag|preset):/.test(text)) expect(await shape(page)).toEqual(await shape(calm));
        expect((await policyOf(page)).split(";")).toHaveLength(5);
      }
    }),
    { numRuns: 200 },
  );
});

test("a short notice can be given with any status", async () => {
  const answer = noticeOut(429, "Too often", "Wait.", { "retry-after": "3" });
  expect([answer.status, answer.headers.get("retry-after"), await answer.text()]).toEqual([429, "3", expect.stringContaining("<p>Wait.</p>")]);
});

test("where a company's people may sign in, the page that waits leads there, and the one that asks says who decides", async () => {
  const textOf = (page: Page): Promise<string> => pageOut({ kind: "page", status: 200, headers: {}, page }).text();
  const waiting = await textOf({ name: "waiting", handle: "a/b", code: "HRCL-PCVJ", request, canUsePassword: false, signIn: "Example <b>" });
  expect(waiting).toContain('<a class="main" href="/sign-in?next=%2Fauthorize%3Fhandle%3Da%252Fb">Sign in with Example &lt;b&gt;</a>');
  expect(waiting).toContain("1mcp approve");
  const asking = await textOf({ name: "consent", handle: "h", request, person: "ada@example.com" });
  expect(asking).toContain("You are signed in as <strong>ada@example.com</strong>");
  expect(asking).toContain('href="/sign-in?again=yes&amp;next=%2Fauthorize%3Fhandle%3Dh"');
  expect([asking.includes("1mcp auth revoke"), asking.includes('name="remember"')]).toEqual([false, false]);
  expect(await textOf({ name: "consent", handle: "h", request: { ...request, scopes: [] }, person: "ada" })).toContain("nothing that could be granted by you");
});
