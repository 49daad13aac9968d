import { describe, expect, test } from "bun:test";
import { chmod, writeFile } from "node:fs/promises";
import { defaultLimits, fault, nullLog, nullAudit, systemClock } from "../../src/base/index.ts";
import { configIn } from "../fixtures/config.ts";
import { pinActions } from "../../src/front/index.ts";
import { createMemory, createPinFiles, type Review, Trust } from "../../src/hub/index.ts";
import { inventoryOf } from "../../src/catalog/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { earlier } from "../fixtures/lives.ts";
import { operated } from "../fixtures/operated.ts";

const review: Review = {
  server: "web",
  pin: "block",
  digest: "d1",
  drifts: [{ key: "tools/read", how: "changed", was: "aaaaaaaa", is: "bbbbbbbb", lines: ['- description: "Reads."', '+ description: "Reads.\u202e\u001b[2J"'] }],
};

const shownText = ["web defines what was not trusted; it is withheld:", "tools/read is changed (aaaaaaaa → bbbbbbbb)", '  - description: "Reads."', '  + description: "Reads.\\u202e\\u001b[2J"', ""].join("\n");

describe("with a server that runs", () => {
  test("the difference is shown, and then trusted as it was shown", async () => {
    const trusted: string[] = [];
    await using server = await operated({}, undefined, { actions: pinActions({ review: () => review, trust: (name, digest) => (trusted.push(`${name} ${digest}`), review) }) });
    expect(await runHere(["mcp", "pins", "web", ...server.flags])).toEqual({ code: 1, stdout: shownText, stderr: "" });
    expect(trusted).toEqual([]);
    expect(await runHere(["mcp", "trust", "web", ...server.flags])).toEqual({ code: 0, stdout: `${shownText}this is trusted from now on\n`, stderr: "" });
    expect(trusted).toEqual(["web d1"]);
  });

  test("nothing is done where everything is as it was, and a change in between is told", async () => {
    await using quiet = await operated({}, undefined, { actions: pinActions({ review: () => ({ ...review, drifts: [] }), trust: () => { throw fault("PARAMS_INVALID"); } }) });
    for (const word of ["pins", "trust"]) expect(await runHere(["mcp", word, "web", ...quiet.flags])).toEqual({ code: 0, stdout: "everything that web defines is as it was trusted\n", stderr: "" });
    await using moved = await operated({}, undefined, { actions: pinActions({ review: () => ({ ...review, pin: "warn" }), trust: () => { throw fault("PARAMS_INVALID", { hint: "look at it again" }); } }) });
    const { code, stdout, stderr } = await runHere(["mcp", "trust", "web", ...moved.flags]);
    expect([code, stdout.split("\n")[0], stderr.includes("look at it again")]).toEqual([1, "web defines what was not trusted; it is shown all the same, since pin is not “block”:", true]);
  });

  test("a name that nobody has is told, and so is a missing one", async () => {
    await using server = await operated({}, undefined, { actions: pinActions({ review: () => { throw fault("NAME_UNKNOWN"); }, trust: () => review }) });
    expect(await runHere(["mcp", "trust", "nobody", ...server.flags])).toMatchObject({ code: 4, stderr: expect.stringContaining("nothing of that name") });
    expect(await runHere(["mcp", "trust", ...server.flags])).toMatchObject({ code: 2, stderr: expect.stringContaining("needs the name of a server") });
  });
});

describe("without a server", () => {
  test("what it knew last is looked at in its files, and trusted there", async () => {
    await using folder = await createFolder();
    await chmod(folder.path, 0o700);
    await writeFile(folder.at("c.json"), '{"mcpServers":{"web":{"command":"x","pin":"block"}}}', { mode: 0o600 });
    const loaded = await loadConfig({ path: folder.at("c.json"), env: {} });
    const config = loaded.ok ? loaded.config : configIn({});
    const [spec] = config.backends;
    if (spec === undefined) throw new Error("no server");
    const options = { stateDir: folder.path, clock: systemClock, log: nullLog, limits: defaultLimits };
    const [before, after] = [earlier('{"name":"read","description":"Reads."}'), earlier('{"name":"read","description":"Evil."}')];
    const trust = new Trust({ files: createPinFiles(options), log: nullLog, audit: nullAudit, limits: defaultLimits });
    await trust.recall(config);
    trust.withheld(spec, inventoryOf(before, defaultLimits));
    await trust.close();
    const memory = createMemory(options);
    await memory.recall(config);
    memory.keep(() => [{ spec, offered: after }]);
    await memory.close();
    const flags = ["--state-dir", folder.path, "--config", folder.at("c.json"), "--log-level", "error"];
    expect((await runHere(["mcp", "pins", "web", ...flags])).stdout).toContain('+ description: "Evil."');
    expect(await runHere(["mcp", "trust", "web", ...flags])).toMatchObject({ code: 0, stdout: expect.stringContaining("this is trusted from now on") });
    expect(await runHere(["mcp", "pins", "web", ...flags])).toMatchObject({ code: 0, stdout: "everything that web defines is as it was trusted\n" });
    expect(await runHere(["mcp", "pins", "none", ...flags])).toMatchObject({ code: 4, stderr: expect.stringContaining("nothing of that name") });
  });
});
