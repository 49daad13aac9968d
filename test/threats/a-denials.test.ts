/**
 * Part A of the threat table, as far as it is about what is written down of whoever is turned away, and about those who
 * can only be tried in a real browser or with patience.
 */
import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { chromiumPath, startChromium } from "../fixtures/chromium.ts";
import { fixture, startGranted } from "../fixtures/granted.ts";
import { sendModern } from "../fixtures/rpc.ts";
import { manyTries, wayInto } from "../fixtures/wayIn.ts";

const alpha = fixture("owningServer.ts", ["alpha"], { tags: ["a"] });
const beta = fixture("owningServer.ts", ["beta"], { tags: ["b"] });

// In continuous integration there may be no Chromium; what the headers say is tried in any case.
test.skipIf(chromiumPath() === null)("27: a real browser shows a page of ours in nobody's frame (left out where there is no Chromium)", async () => {
  await using program = await startGranted({ config: { mcpServers: {} } });
  const framed: string[] = [];
  await using lure = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const page = new URL(request.url).pathname;
      if (page === "/plain") return new Response("<p>harmless</p>", { headers: { "content-type": "text/html" } });
      framed.push(page);
      const inside = page === "/control" ? "/plain" : `${program.origin}${page}`;
      return new Response(`<!doctype html><link rel="icon" href="data:,"><iframe src="${inside}"></iframe>`, { headers: { "content-type": "text/html" } });
    },
  });
  await using browser = await startChromium();
  for (const page of ["/device", "/login", "/control"]) {
    const tab = await browser.page();
    await tab.goto(`http://127.0.0.1:${lure.port}${page}`);
    const refused = tab.complaints.filter((text) => /fram/i.test(text)).length;
    expect([page, refused > 0]).toEqual([page, page !== "/control"]);
  }
  expect(framed).toEqual(["/device", "/login", "/control"]);
}, 30_000);

describe("35: a device", () => {
  test("that asks too often is told to slow down, and one that guesses is locked out with all its guesses", async () => {
    await using program = await startGranted({ config: { limits: { ...manyTries, devicesPerMinuteMax: 1000 }, mcpServers: { alpha } } });
    const way = wayInto(program);
    const clientId = await way.client();
    const begun = (await (await program.post("/device_authorization", { client_id: clientId, resource: `${program.origin}/mcp` })).json()) as { device_code: string; user_code: string };
    const poll = () => way.token({ grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: clientId, device_code: begun.device_code });
    expect((await poll())["error"]).toBe("authorization_pending");
    for (let time = 0; time < 5; time += 1) expect(await poll()).toMatchObject({ status: 400, error: "slow_down" });
    const page = await program.get("/device");
    const cookie = page.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
    const handle = /name="handle" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const type = async (code: string): Promise<string> => (await program.post("/device", { handle, user_code: code }, { cookie, origin: program.origin })).text();
    for (let time = 0; time < 5; time += 1) await type("BCDF-GHJK");
    // The right one comes too late.
    expect(await type(begun.user_code)).not.toContain("1mcp approve");
    expect((await program.operate<{ grants: unknown[] }>("/auth/grants")).grants).toEqual([]);
  });
});

test("40: of everybody who is turned away, wherever and why, there is a line that says who, from where, with what, and by which rule", async () => {
  await using program = await startGranted({ config: { mcpServers: { alpha, beta } } });
  await sendModern(program.at(program.token), { method: "tools/list" });
  const way = wayInto(program);
  const agent = { "user-agent": "attacker/1" };
  const { token, id } = await program.grant(["tag:a"]);
  const beyond = (one: string | null, headers: Record<string, string> = {}) => sendModern(program.at(one), { method: "tools/call", name: "beta__asked", params: '"name":"beta__asked"', headers: { ...agent, ...headers } });
  await beyond(null);
  await beyond("1mcp_guessed");
  await beyond(token);
  await beyond(token, { origin: "https://evil.example" });
  await program.get("/metrics", { ...agent, authorization: `Bearer ${token}` });
  await way.register({ redirect_uris: ["javascript:alert(1)"] });
  await program.get(way.address("nobody"), agent);
  const { clientId, code, refresh } = await way.tokens();
  await way.token(way.codeForm(clientId, code));
  await way.token(way.refreshForm(clientId, refresh));
  await program.operate("/auth/grants/revoke", { id });
  await beyond(token);
  for (let time = 0; time < 25; time += 1) await beyond(`1mcp_${time}`);
  program.signal("SIGTERM");
  await program.exited;
  const lines = (await readFile(join(program.dir, "state", "audit.log"), "utf8")).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
  const seen = lines.map(({ ev, result }) => `${String(ev)} ${String(result)}`);
  for (const wanted of ["auth.missing 401", "auth.invalid 401", "authz.stepup 403", "request.refused 403", "client.rejected 400", "ratelimit 429"]) expect(seen).toContain(wanted);
  expect(lines.map(({ ev }) => ev)).toEqual(expect.arrayContaining(["authorize.denied", "token.replay", "token.revoked"]));
  const denials = lines.filter(({ ev, call }) => /^(auth\.|authz\.|request\.refused|ratelimit)/.test(String(ev)) && call === undefined);
  expect(denials.length).toBeGreaterThan(8);
  for (const { t, id: line, addr, route, reason } of denials) expect([typeof t, typeof line, addr, typeof route, typeof reason]).toEqual(["string", "string", "127.0.0.1", "string", "string"]);
  expect(denials.filter(({ client }) => client === "attacker/1").length).toBeGreaterThan(5);
  // A grant that is known is named, with what it has and would have needed; and what the call was, in a line of its own.
  expect(lines.filter(({ ev }) => ev === "authz.stepup").map(({ grant, need, have }) => [grant, need, have])).toEqual(Array.from({ length: 2 }, () => [id, ["server:beta"], ["tag:a"]]));
  expect(lines.filter(({ ev, target, call }) => ev === "authz.stepup" && target === "beta__asked" && typeof call === "string")).toHaveLength(1);
  expect(lines.find(({ ev }) => ev === "authz.denied")).toMatchObject({ grant: id, route: "GET /metrics" });
  for (const { text } of lines.map((line) => ({ text: JSON.stringify(line) }))) expect(text).not.toMatch(/1mcp_[0-9A-Za-z]{20}/);
});
