/** A token that is bound to addresses, made by the command, shown over the wire: with a trusted proxy in front, and without one. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { runHere } from "../fixtures/cli.ts";
import { sendModern } from "../fixtures/rpc.ts";

const servers = { alpha: fixture("owningServer.ts", ["alpha"]), beta: fixture("owningServer.ts", ["beta"]) };

async function tokenOf(program: Granted, ...more: readonly string[]): Promise<string> {
  const made = await runHere(["token", "create", "--name", "bound", "--server", "alpha", ...more, "--state-dir", join(program.dir, "state")]);
  expect(made).toMatchObject({ code: 0 });
  return made.stdout.trim();
}

const statusFrom = async (program: Granted, token: string, forwarded: string | null, path = "/mcp"): Promise<number> =>
  (await sendModern(program.at(token, path), { method: "tools/list", ...(forwarded === null ? {} : { headers: { "x-forwarded-for": forwarded } }) })).status;

describe("a token that is bound to addresses", () => {
  test("opens its server to the clients behind a trusted proxy that have one, and nothing to others, whatever they say of themselves", async () => {
    await using program = await startGranted({ config: { trustedProxies: ["127.0.0.1"], mcpServers: servers } });
    const token = await tokenOf(program, "--from-cidr", "203.0.113.0/24", "--from-cidr", "2001:db8::/32");
    for (const forwarded of ["203.0.113.9", "2001:db8::1", "198.51.100.1, 203.0.113.9"]) expect([forwarded, await statusFrom(program, token, forwarded)]).toEqual([forwarded, 200]);
    // The last hop is what the proxy saw; what stands before it was the client's own word.
    for (const forwarded of ["198.51.100.1", "203.0.113.9, 198.51.100.1", "2001:db9::1", "nonsense", null]) expect([forwarded, await statusFrom(program, token, forwarded)]).toEqual([forwarded, 401]);
    const listed = await sendModern(program.at(token), { method: "tools/list", headers: { "x-forwarded-for": "203.0.113.9" } });
    expect([JSON.stringify(listed).includes("alpha__"), JSON.stringify(listed).includes("beta__")]).toEqual([true, false]);
  });

  test("is not opened by a header where nobody is trusted, and is by the address of the connection", async () => {
    await using program = await startGranted({ config: { mcpServers: servers } });
    const elsewhere = await tokenOf(program, "--from-cidr", "203.0.113.0/24");
    expect(await statusFrom(program, elsewhere, "203.0.113.9")).toBe(401);
    expect(await statusFrom(program, elsewhere, null)).toBe(401);
    const here = await tokenOf(program, "--from-cidr", "127.0.0.0/8,::1");
    for (const path of ["/mcp", "/mcp/alpha"]) expect([path, await statusFrom(program, here, "203.0.113.9", path)]).toEqual([path, 200]);
    const grants = await program.operate<{ readonly grants: readonly { readonly sources?: readonly string[] }[] }>("/auth/grants");
    expect(grants.grants.map(({ sources }) => sources)).toEqual([["203.0.113.0/24"], ["127.0.0.0/8", "::1"]]);
  });

  test("gives a stranger no sign that it is one", async () => {
    await using program = await startGranted({ config: { mcpServers: servers } });
    const token = await tokenOf(program, "--from-cidr", "203.0.113.0/24");
    const shown = async (text: string) => {
      const answer = await fetch(`${program.origin}/mcp`, { method: "POST", headers: { authorization: `Bearer ${text}`, "content-type": "application/json" }, body: "{}" });
      return [answer.status, answer.headers.get("www-authenticate"), await answer.text()];
    };
    expect(await shown(token)).toEqual(await shown(`${token.slice(0, 10)}${"A".repeat(token.length - 10)}`));
  });
});
