/**
 * Part A of the threat table, as far as it is about clients, codes and what comes of them: strangers at the
 * authorization server of the program as people start it, over the wire.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { openListen, openSession, sendModern } from "../fixtures/rpc.ts";
import { type Fields, manyTries, wayCallback, wayInto, type WayIn, wayVerifier } from "../fixtures/wayIn.ts";

let program: Granted;
let way: WayIn;
beforeAll(async () => {
  program = await startGranted({ config: { limits: manyTries, mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }), beta: fixture("owningServer.ts", ["beta"], { tags: ["b"] }) } } });
  way = wayInto(program);
  await sendModern(program.at(program.token), { method: "tools/list" });
});
afterAll(() => program[Symbol.asyncDispose]());

const statusAt = async (token: string | null, path = "/mcp"): Promise<number> => (await sendModern(program.at(token, path), { method: "tools/list" })).status;
/** A stream that stands on that token. */
async function standing(at: Granted, token: string): Promise<Awaited<ReturnType<typeof openListen>>> {
  const session = await openSession(at.at(token));
  return openListen(at.at(token), { "Mcp-Session-Id": session.id, "MCP-Protocol-Version": "2025-11-25" });
}
const refused = { status: 400, error: "invalid_grant" };
const grants = async (): Promise<number> => (await program.operate<{ grants: unknown[] }>("/auth/grants")).grants.length;

describe("a token", () => {
  test("3: that is garbage, or one of ours with a mistake in it, opens nothing and is told so in the same words", async () => {
    const { token } = await program.grant(["tag:a"]);
    const challenge = `resource_metadata="${program.origin}/.well-known/oauth-protected-resource/mcp"`;
    const character = fc.constantFrom(...Array.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.~+/ ,;=\"'\\\t"));
    const changed = fc.tuple(fc.nat(token.length - 1), character).map(([at, by]) => token.slice(0, at) + by + token.slice(at + 1)).filter((text) => text.trim() !== token);
    const cut = fc.tuple(fc.nat(token.length), fc.nat(token.length)).map(([from, to]) => token.slice(from, to)).filter((text) => text !== token && text !== "");
    const strange = fc.oneof(changed, cut, fc.string({ unit: character, minLength: 1, maxLength: 200 }), fc.constant(token).chain((text) => fc.constantFrom(`${text}${text}`, `${text}, Bearer ${text}`, text.toUpperCase(), `${text}A`, text.slice(5))));
    const seen = new Set<string>();
    let tried = 0;
    for (const batch of fc.sample(fc.array(strange, { minLength: 100, maxLength: 100 }), { numRuns: 100, seed: 3 })) {
      await Promise.all(batch.map(async (text) => {
        const answer = await fetch(`${program.origin}/mcp`, { method: "POST", body: "{}", headers: { "content-type": "application/json", authorization: `Bearer ${text}` } });
        const says = answer.headers.get("www-authenticate") ?? "";
        seen.add(`${answer.status} ${says.includes('error="invalid_token"') || text.trim() === ""} ${says.includes(challenge)}`);
        await answer.text();
        tried += 1;
      }));
    }
    expect([tried, ...seen]).toEqual([10_000, "401 true true"]);
    expect(await statusAt(token)).toBe(200);
  }, 60_000);

  test("3: that is shown another way than RFC 6750 has it opens nothing, and is no error of ours", async () => {
    const { token } = await program.grant(null);
    for (const authorization of ["", "Bearer", "Bearer ", `Basic ${token}`, token, `Bearer ${token} ${token}`, `Bearer ${token},${token}`, `Bearer\t${token}x`, `BearerX ${token}`, `Digest ${token}`]) {
      const answer = await fetch(`${program.origin}/mcp`, { method: "POST", body: "{}", headers: { "content-type": "application/json", authorization } });
      expect([authorization.slice(0, 8), answer.status, answer.headers.get("www-authenticate")?.startsWith("Bearer ")]).toEqual([authorization.slice(0, 8), 401, true]);
    }
  });

  test("4: that has come to its end opens nothing, and what stands on it ends", async () => {
    await using brief = await startGranted({ config: { auth: { tokens: { accessMs: 1000 } }, mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }) } } });
    await sendModern(brief.at(brief.token), { method: "tools/list" });
    const { access } = await wayInto(brief).tokens();
    await using stream = await standing(brief, access);
    const listening = sendModern(brief.at(access), { method: "subscriptions/listen", params: '"notifications":{"toolsListChanged":true}' });
    const began = performance.now();
    await expect(stream.next()).rejects.toThrow("ended");
    await listening;
    expect(performance.now() - began).toBeLessThan(1000 + 5000);
    const late = await sendModern(brief.at(access), { method: "tools/list" });
    expect([late.status, late.headers.get("www-authenticate")?.includes('error="invalid_token"')]).toEqual([401, true]);
  }, 20_000);
});

describe("a request for a grant", () => {
  test("9: for somebody else's resource gets no code, and none of ours is turned into one for it", async () => {
    const clientId = await way.client();
    for (const resource of ["https://other.example/mcp", `${program.origin}/none`, `${program.origin}.evil.example/mcp`, `${program.origin}/mcp/`, `${program.origin}/mcp#x`, `${program.origin}/mcp?x`]) {
      const to = new URL((await program.get(way.address(clientId, { resource }))).headers.get("location") ?? "none:");
      expect([resource, to.origin + to.pathname, Object.fromEntries(to.searchParams)]).toEqual([resource, wayCallback, { error: "invalid_target", state: "xyz", iss: program.origin }]);
      const code = (await way.approved(clientId)).searchParams.get("code") ?? "";
      expect([resource, await way.token({ ...way.codeForm(clientId, code), resource })]).toEqual([resource, expect.objectContaining({ status: 400, error: "invalid_target" })]);
    }
  });

  test("19: without a proof of who asked for the code, or with the wrong one, gets nothing", async () => {
    const clientId = await way.client();
    for (const more of [{ code_challenge: "" }, { code_challenge_method: "plain" }, { code_challenge_method: "" }, { code_challenge: wayVerifier.slice(0, 20) }, { code_challenge: wayVerifier, code_challenge_method: "plain" }] as Fields[]) {
      expect(new URL((await program.get(way.address(clientId, more))).headers.get("location") ?? "none:").searchParams.get("error")).toBe("invalid_request");
    }
    const before = await grants();
    for (const verifier of ["", "w".repeat(64), "v".repeat(63), "v".repeat(65), "short"]) {
      const code = (await way.approved(clientId)).searchParams.get("code") ?? "";
      expect([verifier, (await way.token({ ...way.codeForm(clientId, code), code_verifier: verifier })).status]).toEqual([verifier, 400]);
      const { code_verifier: _, ...without } = way.codeForm(clientId, (await way.approved(clientId)).searchParams.get("code") ?? "");
      expect((await way.token(without)).status).toBe(400);
    }
    expect(await grants()).toBe(before);
  });

  test("21: that would lead anywhere but where the client comes from stays on our page", async () => {
    const clientId = await way.client({ redirect_uris: [wayCallback, "https://app.example/cb"] });
    const elsewhere = ["https://evil.example/cb", "https://app.example/cb/", "https://app.example/cb2", "https://app.example/c", "https://app.example/CB", "https://APP.example/cb", "https://app.example/%63b", "https://app.example%2Fcb", "https://app.example/x/../cb", "https://u@app.example/cb", "https://app.example@evil.example/cb", "https://app.example/cb#x", "https://app.example/cb?x", "https://app.example:443/cb", "https://app.example.evil.example/cb", "http://app.example/cb", "//app.example/cb", "https:/app.example/cb", "javascript:alert(1)", ""];
    for (const redirect of elsewhere) {
      const answer = await program.get(way.address(clientId, { redirect_uri: redirect }));
      expect([redirect, answer.status, answer.headers.get("location"), answer.headers.get("content-type")?.startsWith("text/html")]).toEqual([redirect, 400, null, true]);
      if (redirect !== "") expect(await answer.text()).not.toContain(`href="${redirect}`);
    }
    expect((await program.get(way.address("nobody"))).headers.get("location")).toBeNull();
  });

  test("22: may go back to any port of this computer, but to no other path, name or query", async () => {
    const clientId = await way.client();
    const back = await way.approved(clientId, { more: { redirect_uri: "http://127.0.0.1:51234/callback" } });
    expect([back.origin + back.pathname, back.searchParams.get("code")?.startsWith("1mcp_")]).toEqual(["http://127.0.0.1:51234/callback", true]);
    for (const redirect of ["http://127.0.0.1:51234/other", "http://127.0.0.1:7777/callback/", "http://localhost:7777/callback", "http://[::1]:7777/callback", "https://127.0.0.1:7777/callback", "http://127.0.0.1:7777/callback?x=1", "http://127.0.0.1:7777@evil.example/callback", "http://127.0.0.1.evil.example:7777/callback"]) {
      const answer = await program.get(way.address(clientId, { redirect_uri: redirect }));
      expect([redirect, answer.status, answer.headers.get("location")]).toEqual([redirect, 400, null]);
    }
  });

  test("30: is answered under our name, byte for byte, whether it went well or not", async () => {
    const clientId = await way.client();
    const metadata = (await (await program.get("/.well-known/oauth-authorization-server")).json()) as Record<string, unknown>;
    const well = await way.approved(clientId);
    const badly = new URL((await program.get(way.address(clientId, { response_type: "token" }))).headers.get("location") ?? "none:");
    const resource = (await (await program.get("/.well-known/oauth-protected-resource/mcp")).json()) as Record<string, unknown>;
    expect([metadata["issuer"], well.searchParams.get("iss"), badly.searchParams.get("iss"), resource["authorization_servers"]]).toEqual([program.origin, program.origin, program.origin, [program.origin]]);
    expect([metadata["authorization_response_iss_parameter_supported"], well.searchParams.has("code"), badly.searchParams.get("error")]).toEqual([true, true, "unsupported_response_type"]);
  });
});

describe("a code", () => {
  test("17: that is shown again takes everything back that came of it", async () => {
    const { clientId, code, access, refresh } = await way.tokens();
    const next = await way.token(way.refreshForm(clientId, refresh));
    expect([await statusAt(access), await statusAt(String(next["access_token"]))]).toEqual([200, 200]);
    await using stream = await standing(program, access);
    expect(await way.token(way.codeForm(clientId, code))).toMatchObject(refused);
    await expect(stream.next()).rejects.toThrow("ended");
    expect([await statusAt(access), await statusAt(String(next["access_token"]))]).toEqual([401, 401]);
    expect(await way.token(way.refreshForm(clientId, String(next["refresh_token"])))).toMatchObject(refused);
  });

  test("18: has one winner of 64 who redeem it at the same time", async () => {
    const clientId = await way.client();
    const code = (await way.approved(clientId)).searchParams.get("code") ?? "";
    const replies = await Promise.all(Array.from({ length: 64 }, () => way.token(way.codeForm(clientId, code))));
    expect([replies.filter(({ status }) => status === 200).length, replies.filter(({ status }) => status === 400).length]).toEqual([1, 63]);
  });

  test("20: is worth nothing in another client's hands, nor for another place to go back to", async () => {
    const [one, two] = [await way.client(), await way.client()];
    const code = (await way.approved(one)).searchParams.get("code") ?? "";
    expect(await way.token(way.codeForm(two, code))).toMatchObject(refused);
    const other = (await way.approved(one)).searchParams.get("code") ?? "";
    expect(await way.token({ ...way.codeForm(one, other), redirect_uri: "http://127.0.0.1:7778/callback" })).toMatchObject(refused);
    expect(await way.token(way.codeForm(one, "1mcp_unknown"))).toMatchObject(refused);
  });
});

describe("a refresh token", () => {
  test("16: never widens what was granted", async () => {
    const { clientId, refresh } = await way.tokens(["tag:a"]);
    for (const scope of ["tag:a tag:b", "tag:b", "server:beta", "admin:write", "tag:a admin:read"]) expect([scope, await way.token({ ...way.refreshForm(clientId, refresh), scope })]).toEqual([scope, expect.objectContaining({ status: 400, error: "invalid_scope" })]);
    const next = await way.token(way.refreshForm(clientId, refresh));
    const { text } = await sendModern(program.at(String(next["access_token"])), { method: "tools/list" });
    expect([next.status, text.includes("alpha__"), text.includes("beta__")]).toEqual([200, true, false]);
  });

  test("31: that was retired ends its whole family", async () => {
    const { clientId, refresh, access } = await way.tokens();
    const second = await way.token(way.refreshForm(clientId, refresh));
    const third = await way.token(way.refreshForm(clientId, String(second["refresh_token"])));
    await using stream = await standing(program, access);
    expect(await way.token(way.refreshForm(clientId, refresh))).toMatchObject(refused);
    await expect(stream.next()).rejects.toThrow("ended");
    for (const token of [access, String(second["access_token"]), String(third["access_token"])]) expect(await statusAt(token)).toBe(401);
    expect(await way.token(way.refreshForm(clientId, String(third["refresh_token"])))).toMatchObject(refused);
  });

  test("32: has one winner of 64 who use it at the same time; the family lives, and a reply that was lost can be had once more", async () => {
    const { clientId, refresh } = await way.tokens();
    const replies = await Promise.all(Array.from({ length: 64 }, () => way.token(way.refreshForm(clientId, refresh))));
    const winners = replies.filter(({ status }) => status === 200);
    expect([winners.length, [...new Set(replies.map(({ status }) => status))].sort()]).toEqual([1, [200, 503]]);
    const again = await way.token(way.refreshForm(clientId, refresh));
    expect([again.status, await statusAt(String(again["access_token"]))]).toEqual([200, 200]);
    expect(await statusAt(String(winners[0]?.["access_token"]))).toBe(401);
    expect((await way.token(way.refreshForm(clientId, String(again["refresh_token"])))).status).toBe(200);
  });

  test("33: is nothing to another client: it can neither use nor revoke it", async () => {
    const { clientId, refresh, access } = await way.tokens();
    const other = await way.client();
    expect(await way.token(way.refreshForm(other, refresh))).toMatchObject(refused);
    for (const token of [refresh, access]) expect((await program.post("/revoke", { client_id: other, token })).status).toBe(200);
    expect(await statusAt(access)).toBe(200);
    const next = await way.token(way.refreshForm(clientId, refresh));
    expect(next.status).toBe(200);
    expect((await program.post("/revoke", { client_id: clientId, token: String(next["refresh_token"]) })).status).toBe(200);
    expect([await statusAt(access), await statusAt(String(next["access_token"]))]).toEqual([401, 401]);
  });
});

describe("a registration", () => {
  test("23: of a place that no code may be sent to is refused", async () => {
    for (const uri of ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "blob:x", `${wayCallback}#x`, "https://u:p@app.example/cb", "http://app.example/cb", "http://127.0.0.1.evil.example/cb", "http://10.0.0.1/cb", "myapp:", "myapp://cb", "vbscript:x", "", "/cb", "https://"]) {
      const alone = await way.register({ redirect_uris: [uri] });
      const beside = await way.register({ redirect_uris: [wayCallback, uri] });
      expect([uri, alone.status, beside.status]).toEqual([uri, 400, 400]);
    }
    for (const uris of [[], undefined, "x", [7], [null]]) expect((await way.register({ redirect_uris: uris })).status).toBe(400);
  });

  test("24: one address may make twenty in an hour, whatever it says of whom it speaks for", async () => {
    await using usual = await startGranted({ config: { mcpServers: {} } });
    const statuses: number[] = [];
    for (let index = 0; index < 200; index += 1) {
      const answer = await fetch(`${usual.origin}/register`, { method: "POST", headers: { "content-type": "application/json", "x-forwarded-for": `203.0.113.${index}` }, body: JSON.stringify({ client_name: "Flood", redirect_uris: [wayCallback] }) });
      if (answer.status === 429) expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      statuses.push(answer.status);
    }
    expect([statuses.filter((status) => status === 201).length, statuses.slice(20).every((status) => status === 429)]).toEqual([20, true]);
    expect(await (await usual.get("/health/live")).text()).not.toBe("");
  });
});
