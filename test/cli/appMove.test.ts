import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { run } from "../../src/cli/index.ts";
import { createHome, type Home, sampleOf } from "../fixtures/apps.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { runIn } from "./app.test.ts";

/** The program with a person at the terminal who types this. */
async function talkIn(home: Home, typed: string, ...argv: string[]) {
  const [stdout, stderr] = [keptOutput(true), keptOutput(true)];
  const input = new Blob([typed]).stream();
  const pipes = () => ({ input, output: { write: () => 0, flush: () => 0 }, typist: () => Promise.resolve({ echo: () => undefined }) });
  const code = await run({ argv: ["app", ...argv, "--config", home.mover.configPath, "--state-dir", home.mover.stateDir], env: { ...home.mover.env } as Record<string, string>, stdout, stderr, signals: new EventEmitter(), pipes, clock: null, selfArgv: ["1mcp"] });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

describe("app consolidate", () => {
  test("shows the plan, moves, says how to undo it, and undoes it byte for byte", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    const dry = await runIn(home, "consolidate", "cline", "--dry-run");
    expect([dry.code, dry.stdout, await home.config()]).toEqual([0, `cline: ${path}\n  weather: moves\n    what it approves by itself (autoApprove) stays the application's business\n  docs: moves\n`, {}]);
    const done = await runIn(home, "consolidate", "--yes", "cline");
    expect([done.code, done.stdout]).toEqual([0, expect.stringMatching(/ {2}done; as it was: 1mcp app restore cline --backup cline\.\d+\n$/) as string]);
    expect(Object.keys((await home.config()).mcpServers ?? {})).toEqual(["weather", "docs"]);
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ mcpServers: { "1mcp": { args: expect.arrayContaining(["proxy", "--start", "--config", home.mover.configPath, "--state-dir", home.mover.stateDir]) as string[] } } });
    expect(await runIn(home, "consolidate", "cline", "--yes")).toMatchObject({ code: 0, stdout: `cline: ${path}\n  1mcp: leads to us\n` });
    const back = await runIn(home, "restore", "cline", "-y");
    expect([back.code, back.stdout]).toEqual([0, expect.stringContaining("  weather: leaves our configuration\n  docs: leaves our configuration\n") as string]);
    expect((await readFile(path)).equals(sampleOf("cline").bytes)).toBe(true);
  });

  test("takes all that is here, as JSON too, and gives all back", async () => {
    await using home = await createHome();
    const paths = [await home.put(sampleOf("codex")), await home.put(sampleOf("opencode"))];
    const json = JSON.parse((await runIn(home, "consolidate", "--yes", "--json")).stdout) as { readonly applications: readonly object[] };
    expect(json.applications).toMatchObject([{ app: "codex", written: true, path: paths[0] }, { app: "opencode", written: true, path: paths[1] }]);
    expect(JSON.stringify(json)).not.toContain("Bearer");
    expect(await runIn(home, "restore", "--all", "--yes", "--keep-in-1mcp", "--json")).toMatchObject({ code: 0 });
    expect(await Promise.all(paths.map((path) => readFile(path)))).toEqual([Buffer.from(sampleOf("codex").bytes), Buffer.from(sampleOf("opencode").bytes)]);
    expect(Object.keys((await home.config()).mcpServers ?? {})).toHaveLength(5);
  });

  test("asks about each application in turn, and ends with 1 where one was refused", async () => {
    await using home = await createHome();
    await home.put(sampleOf("cursor"));
    const kept = await home.put(sampleOf("windsurf"));
    const some = await talkIn(home, "y\nn\n", "consolidate");
    expect([some.code, some.stderr]).toEqual([1, ""]);
    expect([some.stdout.match(/ > /g)?.length, some.stdout.match(/ {2}done; as it was/g)?.length]).toEqual([2, 1]);
    expect((await readFile(kept)).equals(sampleOf("windsurf").bytes)).toBe(true);
    expect(await talkIn(home, "y\n", "consolidate", "windsurf")).toMatchObject({ code: 0, stderr: "" });
    expect(await talkIn(home, "n\ny\n", "restore", "--all")).toMatchObject({ code: 1, stderr: "", stdout: expect.stringContaining("nothing is changed\n") as string });
    expect((await readFile(kept)).equals(sampleOf("windsurf").bytes)).toBe(true);
  });

  test("changes nothing without a yes, of an unknown application, of what cannot be read, or into what cannot be used", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    expect(await runIn(home, "consolidate", "cline")).toMatchObject({ code: 2, stderr: expect.stringContaining("nobody is here to be asked") as string });
    expect(await runIn(home, "consolidate", "clien", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean “cline”?") as string });
    expect(await runIn(home, "consolidate", "zzzzzzzzzz", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("1mcp app list") as string });
    expect(await runIn(home, "consolidate", "junie", "--yes")).toMatchObject({ code: 0, stdout: "there is no server to move\n" });
    await home.put({ ...sampleOf("cursor"), bytes: new TextEncoder().encode("{") });
    expect(await runIn(home, "consolidate", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("mcp.json: line 1: it is not JSON") as string });
    await runIn(home, "consolidate", "cline", "--yes");
    await runIn(home, "restore", "cline", "--yes");
    await writeFile(home.mover.configPath, '{ "prot": 1 }');
    expect(await runIn(home, "consolidate", "cline", "--yes")).toMatchObject({ code: 78, stderr: expect.stringContaining("prot") as string });
    expect((await readFile(path)).equals(sampleOf("cline").bytes)).toBe(true);
  });
});

describe("a file in which a server stands twice", () => {
  const twice = new TextEncoder().encode('{"mcpServers": {"a": {"command": "first"}, "a": {"command": "second"}}}');

  test("has no plan, since there is none that could be carried out, and is as it was", async () => {
    await using home = await createHome();
    const path = await home.put({ ...sampleOf("cursor"), bytes: twice });
    const refused = { code: 1, stdout: "", stderr: expect.stringContaining("cannot be changed without touching the rest") as string };
    expect(await runIn(home, "consolidate", "cursor", "--dry-run")).toMatchObject(refused);
    expect(await runIn(home, "consolidate", "cursor", "--yes")).toMatchObject(refused);
    expect(await runIn(home, "discover")).toMatchObject({ code: 1, stderr: expect.stringContaining(path) as string });
    expect((await readFile(path)).equals(twice)).toBe(true);
  });

  test("is told before another application's servers have moved", async () => {
    await using home = await createHome();
    const paths = [await home.put(sampleOf("cursor")), await home.put({ ...sampleOf("windsurf"), bytes: twice })];
    expect(await runIn(home, "consolidate", "--yes")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("cannot be changed without touching the rest") as string });
    expect(await Promise.all(paths.map((path) => readFile(path)))).toEqual([Buffer.from(sampleOf("cursor").bytes), Buffer.from(twice)]);
    expect(await home.config()).toEqual({});
  });
});

describe("app restore", () => {
  test("goes back to the backup that is named", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    await runIn(home, "consolidate", "cline", "--yes");
    await runIn(home, "restore", "cline", "--yes");
    const { backups } = JSON.parse((await runIn(home, "backups", "--json")).stdout) as { readonly backups: readonly { readonly id: string; readonly before: string }[] };
    const [last] = backups;
    expect(last?.before).toBe("restore");
    const back = await runIn(home, "restore", "--backup", last?.id ?? "", "--yes");
    expect([back.code, back.stdout]).toEqual([0, `cline: ${path} becomes what it was (${last?.id})\n`]);
    expect(await readFile(path, "utf8")).toContain('"1mcp"');
  });

  test("gives no other application its file than the one that is named", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    await home.put(sampleOf("zed"));
    await runIn(home, "consolidate", "--yes");
    const { backups } = JSON.parse((await runIn(home, "backups", "--json")).stdout) as { readonly backups: readonly { readonly id: string; readonly app: string }[] };
    const id = backups.find(({ app }) => app === "cline")?.id ?? "";
    expect(await runIn(home, "restore", "zed", "--backup", id, "--yes")).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(`the backup “${id}” is of cline, not of zed`) as string });
    expect((await readFile(path)).equals(sampleOf("cline").bytes)).toBe(false);
    expect(await runIn(home, "restore", "cline", "--backup", id, "--yes")).toMatchObject({ code: 0 });
    expect((await readFile(path)).equals(sampleOf("cline").bytes)).toBe(true);
  });

  test("leaves what has changed since in our configuration, and says so", async () => {
    await using home = await createHome();
    await home.put(sampleOf("cline"));
    await runIn(home, "consolidate", "cline", "--yes");
    await writeFile(home.mover.configPath, (await readFile(home.mover.configPath, "utf8")).replace("s3cret-weather", "another"));
    expect(await runIn(home, "restore", "cline", "--yes")).toMatchObject({ code: 0, stdout: expect.stringContaining("  docs: leaves our configuration\n  weather: stays in our configuration\n") as string });
  });

  test("says nothing of servers that have left our configuration already", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    await runIn(home, "consolidate", "cline", "--yes");
    await runIn(home, "restore", "cline", "--yes");
    expect(await runIn(home, "restore", "cline", "--yes")).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^cline: ${path} becomes what it was \\(cline\\.\\d+\\)\n$`)) as string });
  });

  test("needs something to go back to", async () => {
    await using home = await createHome();
    expect(await runIn(home, "restore", "cline", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no backup of “cline”") as string });
    expect(await runIn(home, "restore", "--backup", "cline.1", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no backup “cline.1”") as string });
    expect(await runIn(home, "restore")).toMatchObject({ code: 2, stderr: expect.stringContaining("needs the name of an application") as string });
  });

  test("says when the file is not what it was made to be, and shows it without doing it", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    await runIn(home, "consolidate", "cline", "--yes");
    await writeFile(path, "{}");
    expect((await runIn(home, "restore", "cline", "--dry-run", "--keep-in-1mcp")).stdout).toContain("it has been changed since; what it is now is kept as a backup");
    expect(await readFile(path, "utf8")).toBe("{}");
  });
});
