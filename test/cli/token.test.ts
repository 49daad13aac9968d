import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import type { GrantInfo, NewToken } from "../../src/auth/index.ts";
import { fault } from "../../src/base/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";
import { statusOf } from "../fixtures/pool.ts";

const ci: GrantInfo = { id: "g_1", kind: "token", name: "ci", clientId: null, scopes: ["tag:web"], resource: null, createdAt: 0, usedAt: null, expiresAt: Date.UTC(2027, 0, 2) };
const code: GrantInfo = { ...ci, id: "g_2", kind: "code", name: "Editor\u001b[2J", clientId: "c" };

describe("token create", () => {
  test("prints the token alone on stdout, and all else beside it", async () => {
    const made: NewToken[] = [];
    await using server = await operated({ backends: [statusOf("a")] }, undefined, { auth: idleOperator({ createToken: (token) => (made.push(token), { grant: ci, token: "1mcp_x" }) }) });
    const told = "“ci” (g_1) opens tag:web until 2027-01-02T00:00:00.000Z; it is not shown again\n";
    expect(await runHere(["token", "create", "--name", "ci", "--scope", "tag:web", "--scope", "server:a,admin:read", "--ttl", "2h", ...server.flags])).toEqual({ code: 0, stdout: "1mcp_x\n", stderr: told });
    expect((await runHere(["token", "create", "--name", "ci", ...server.flags])).code).toBe(0);
    expect((await runHere(["token", "create", "--name", "ci", "--scope", "all", ...server.flags])).code).toBe(0);
    const lifeMs = 90 * 86_400_000;
    expect(made).toEqual([{ name: "ci", scopes: ["tag:web", "server:a", "admin:read"], lifeMs: 7_200_000 }, { name: "ci", scopes: null, lifeMs }, { name: "ci", scopes: null, lifeMs }]);
    expect(JSON.parse((await runHere(["token", "create", "--name", "ci", "--json", ...server.flags])).stdout)).toEqual({ ...ci, token: "1mcp_x" });
  });

  test("is for servers by name, and for addresses alone", async () => {
    const made: NewToken[] = [];
    const bound = { ...ci, sources: ["10.0.0.0/8", "::1"] };
    await using server = await operated({}, undefined, { auth: idleOperator({ createToken: (token) => (made.push(token), { grant: bound, token: "1mcp_x" }), grants: () => [bound] }) });
    const { stderr } = await runHere(["token", "create", "--name", "ci", "--server", "a", "--server", "b,c", "--scope", "tag:web", "--from-cidr", "10.0.0.0/8", "--from-cidr", "::1", ...server.flags]);
    expect(stderr).toContain("opens tag:web until 2027-01-02T00:00:00.000Z for 10.0.0.0/8 ::1 alone");
    expect(made).toMatchObject([{ scopes: ["tag:web", "server:a", "server:b", "server:c"], sources: ["10.0.0.0/8", "::1"] }]);
    expect((await runHere(["token", "list", ...server.flags])).stdout).toContain("\t10.0.0.0/8 ::1\n");
    expect(await runHere(["token", "create", "--name", "ci", "--server", "a", "--scope", "all", ...server.flags])).toMatchObject({ code: 2 });
    expect(await runHere(["token", "create", "--name", "ci", "--from-cidr", "home", ...server.flags])).toMatchObject({ code: 2 });
  });

  test("says of which server there is none yet, by the running server or by the file; the token is made all the same", async () => {
    await using server = await operated({ backends: [statusOf("search"), statusOf("docs")] }, undefined, { auth: idleOperator({ createToken: () => ({ grant: ci, token: "1mcp_x" }) }) });
    const notes = async (...argv: string[]): Promise<readonly string[]> => {
      const { code, stdout, stderr } = await runHere(["token", "create", "--name", "ci", ...argv], { HOME: folder.path });
      expect([code, stdout.startsWith("1mcp_")]).toEqual([0, true]);
      return stderr.split("\n").slice(1, -1);
    };
    await using folder = await createFolder();
    await writeFile(folder.at("mcp.json"), '{ "mcpServers": { "docs": {} }, }');
    const mistyped = ["--server", "docs", "--scope", "server:serch", "--server", "else\u001b[2J", "--scope", "tag:none"];
    expect(await notes(...mistyped, ...server.flags)).toEqual(["server:serch opens nothing yet: there is no such server; did you mean “search”?", expect.stringMatching(/^server:else.* opens nothing yet: there is no such server$/u)]);
    expect(await notes("--server", "dcs", "--config", folder.at("mcp.json"), "--state-dir", folder.at("state"))).toEqual(["server:dcs opens nothing yet: there is no such server; did you mean “docs”?"]);
    expect(await notes("--server", "dcs", "--state-dir", folder.at("other"))).toEqual([]);
  });

  test("wants a name, and a life that is one", async () => {
    expect(await runHere(["token", "create"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--name") });
    expect(await runHere(["token", "create", "--name", "a", "--ttl", "long"])).toMatchObject({ code: 2 });
    expect(await runHere(["token", "create", "--name", "a", "--ttl", "0d"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--ttl must be more than 0") });
    await using server = await operated({}, undefined, { auth: idleOperator({ createToken: () => { throw fault("PARAMS_INVALID", { detail: "a token lives at most so long" }); } }) });
    expect(await runHere(["token", "create", "--name", "a", "--ttl", "9999d", ...server.flags])).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("tokens that there are", () => {
  test("are listed, without the grants of people, and found by id or name", async () => {
    const done: string[] = [];
    await using server = await operated({}, undefined, { auth: idleOperator({ grants: () => [ci, code], rotateToken: (id) => (done.push(`rotate ${id}`), { grant: ci, token: "1mcp_y" }), revoke: (id) => (done.push(`revoke ${id}`), 1) }) });
    expect((await runHere(["token", "list", ...server.flags])).stdout).toBe("ID\tNAME\tSCOPES\tMADE\tUSED\tUNTIL\tFROM\ng_1\tci\ttag:web\t1970-01-01 00:00\t-\t2027-01-02 00:00\tanywhere\n");
    expect(JSON.parse((await runHere(["token", "list", "--json", ...server.flags])).stdout)).toEqual([ci]);
    expect(await runHere(["token", "rotate", "ci", ...server.flags])).toMatchObject({ code: 0, stdout: "1mcp_y\n" });
    expect(await runHere(["token", "revoke", "g_1", ...server.flags])).toEqual({ code: 0, stdout: "“ci” (g_1) opens nothing any more\n", stderr: "" });
    expect(await runHere(["token", "revoke", "g_2", ...server.flags])).toMatchObject({ code: 1 });
    expect(await runHere(["token", "rotate", ...server.flags])).toMatchObject({ code: 2 });
    expect(done).toEqual(["rotate g_1", "revoke g_1"]);
  });
});
