import { expect, test } from "bun:test";
import type { AuthOperator, ShownClient } from "../../src/auth/index.ts";
import { createAuth } from "../../src/auth/index.ts";
import { defaultLimits, fault, nullAudit, nullLog, systemClock } from "../../src/base/index.ts";
import { accessOf } from "../../src/config/index.ts";
import { run } from "../../src/cli/index.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { noEgress } from "../fixtures/auth.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

const url = "https://app.example/client.json";
const shown: ShownClient = { url, name: "App\u001b[2J", domain: "app.example", redirectUris: ["http://127.0.0.1/cb", "https://app.example/cb"], signs: false, digest: "d1" };
const text = [
  "“App\\u001b[2J”, vouched for by app.example",
  `  document:       ${url}`,
  "  answers go to:  http://127.0.0.1/cb",
  "  answers go to:  https://app.example/cb",
  "  shows itself:   not at all: whoever can have answers sent to these addresses can pose as it",
  "",
].join("\n");

function desk(more: Partial<AuthOperator> = {}) {
  const done: string[] = [];
  const operator = idleOperator({ lookAtClient: async () => shown, pinClient: (...it) => void done.push(`pin ${it.join(" ")}`), unpinClient: (it) => void done.push(`unpin ${it}`), pinnedClients: () => [{ ...shown, pinnedAt: 0 }], ...more });
  return { done, operator };
}

test("a client is shown as it says it is, and pinned as it was shown", async () => {
  const { done, operator } = desk();
  await using server = await operated({}, undefined, { auth: operator });
  expect(await runHere(["auth", "pin", url, ...server.flags])).toEqual({ code: 0, stdout: `${text}this is pinned; it counts where auth.clients.cimd is “pinned”\n`, stderr: "" });
  expect((await runHere(["auth", "pins", ...server.flags])).stdout.split("\n")[1]).toBe(`${url}\tApp\\u001b[2J\thttp://127.0.0.1/cb https://app.example/cb\t1970-01-01 00:00`);
  expect(JSON.parse((await runHere(["auth", "pins", "--json", ...server.flags])).stdout)).toMatchObject([{ url, pinnedAt: 0 }]);
  expect(await runHere(["auth", "unpin", url, ...server.flags])).toMatchObject({ code: 0 });
  expect(await runHere(["auth", "pin", ...server.flags])).toMatchObject({ code: 2 });
  expect(done).toEqual([`pin ${url} d1`, `unpin ${url}`]);
});

test("at a terminal the operator is asked first", async () => {
  const { done, operator } = desk({ lookAtClient: async () => ({ ...shown, signs: true }) });
  await using server = await operated({}, undefined, { auth: operator });
  const answered = async (line: string) => {
    const stdout = keptOutput(true);
    const pipes = () => ({ input: new Blob([line]).stream(), typist: async () => ({ echo: () => undefined }) }) as never;
    const code = await run({ argv: ["auth", "pin", url, ...server.flags], env: {}, stdout, stderr: keptOutput(), signals: process, pipes, clock: null, selfArgv: [] });
    return [code, stdout.text().includes("by a signature"), done.length];
  };
  expect([await answered("\n"), await answered("no\n"), await answered(""), await answered("y\n")]).toEqual([[1, true, 0], [1, true, 0], [1, true, 0], [0, true, 1]]);
});

test("what cannot be pinned is told", async () => {
  const { operator } = desk({ lookAtClient: () => { throw fault("PARAMS_INVALID", { detail: "its metadata document is for another client" }); }, unpinClient: () => { throw fault("NAME_UNKNOWN"); } });
  await using server = await operated({}, undefined, { auth: operator });
  expect(await runHere(["auth", "pin", url, ...server.flags])).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("for another client") });
  expect((await runHere(["auth", "unpin", url, ...server.flags])).code).toBe(1);
});

test("without a running server the same is done on its database, and written down", async () => {
  await using folder = await createFolder();
  const flags = ["--state-dir", folder.at("state"), "--config", folder.at("none.json")];
  expect((await runHere(["auth", "pins", ...flags])).stdout).toBe("URL\tNAME\tANSWERS GO TO\tPINNED\n");
  expect((await runHere(["auth", "unpin", url, ...flags])).stderr).toContain("not pinned");
  const audited: unknown[] = [];
  const document = JSON.stringify({ client_id: url, client_name: "App", redirect_uris: ["http://127.0.0.1/cb"] });
  const send: typeof noEgress.send = async () => ({ status: 200, header: () => null, read: async () => null, all: async () => new TextEncoder().encode(document), cancel: () => undefined });
  const auth = await createAuth({ stateDir: folder.at("state"), mode: "oauth", config: accessOf({ clients: { cimd: "pinned" } }, "/"), reached: { publicUrl: null, listenUrl: () => "http://127.0.0.1:1/mcp", allowedHosts: [] }, endpoints: ["/mcp"], scopesOf: () => [], clock: systemClock, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)), log: nullLog, limits: defaultLimits, egress: { ...noEgress, send }, audit: { ...nullAudit, record: (entry) => void audited.push(entry) } });
  auth.operator.pinClient(url, (await auth.operator.lookAtClient(url)).digest);
  await auth.close();
  expect((await runHere(["auth", "pins", ...flags])).stdout).toContain(`${url}\tApp\t`);
  expect((await runHere(["auth", "unpin", url, ...flags])).code).toBe(0);
  expect(audited).toEqual([{ ev: "client.cimd", client: url, user: "operator", result: "pinned" }]);
});
