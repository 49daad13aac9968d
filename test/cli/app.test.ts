import { describe, expect, test } from "bun:test";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { appBackupFolder } from "../../src/config/appBackups.ts";
import { createHome, type Home, sampleOf, samples } from "../fixtures/apps.ts";
import { runHere } from "../fixtures/cli.ts";

/** The program, as this home's owner runs it. */
export const runIn = (home: Home, ...argv: string[]) => runHere(["app", ...argv, "--config", home.mover.configPath, "--state-dir", home.mover.stateDir], { ...home.mover.env } as Record<string, string>);

const jsonOf = ({ stdout }: { readonly stdout: string }): unknown => JSON.parse(stdout);

describe("app list", () => {
  test("has a line for each application that is known, and says which are here", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("windsurf"));
    await home.put({ ...sampleOf("cursor"), bytes: new TextEncoder().encode("{ oops") });
    const { code, stdout } = await runIn(home, "list");
    expect(code).toBe(0);
    expect(stdout).toContain(`windsurf\tyes\t-\t2\t${path}\n`);
    expect(stdout).toContain("cursor\tyes\t-\t?\tthe application's file cannot be used");
    expect(stdout).toContain("by hand: Cherry Studio");
    const { applications } = jsonOf(await runIn(home, "list", "--json")) as { readonly applications: readonly object[] };
    expect(applications).toContainEqual({ app: "windsurf", title: "Windsurf", file: path, isThere: true, isConnected: false, servers: 2, problem: null });
  });
});

describe("app discover", () => {
  test("says what could move and what not, shows no value of any entry, and changes nothing", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("zed"));
    const { code, stdout } = await runIn(home, "discover");
    expect([code, stdout]).toEqual([0, `zed: ${path}\n  postgres-context-server: moves\n  mcp-server-github: stays there: it names neither a program nor an address\n  remote: moves\n`]);
    expect((await runIn(home, "discover", "--json")).stdout).not.toContain("hunter2");
    expect([(await readFile(path)).equals(sampleOf("zed").bytes), await home.config()]).toEqual([true, {}]);
  });

  test("has a plan for every application's file", async () => {
    await using home = await createHome();
    for (const sample of samples) await home.put(sample);
    expect(await runIn(home, "discover")).toMatchObject({ code: 0, stderr: "" });
  });

  test("says so when there is nothing, and ends with 1 when a file cannot be read", async () => {
    await using home = await createHome();
    expect(await runIn(home, "discover")).toMatchObject({ code: 0, stdout: "no application here has a server\n" });
    await home.put({ ...sampleOf("codex"), bytes: new TextEncoder().encode("a = ") });
    expect(await runIn(home, "discover")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("config.toml") as string });
  });

  test("ends with 1 when our own configuration cannot be used, and says once what is wrong with it", async () => {
    await using home = await createHome();
    for (const id of ["cline", "zed"]) await home.put(sampleOf(id));
    await mkdir(dirname(home.mover.configPath), { recursive: true });
    await writeFile(home.mover.configPath, '{ "prot": 1 }');
    expect(await runIn(home, "discover")).toEqual({ code: 1, stdout: "", stderr: `${home.mover.configPath}:1:3: “prot” is not a known key (did you mean “port”?) [prot]\n` });
  });
});

describe("app backups", () => {
  test("lists what was kept, says whether it is sound, and takes old ones away", async () => {
    await using home = await createHome();
    await home.put(sampleOf("cline"));
    expect((await runIn(home, "backups")).stdout).toBe("ID\tBEFORE\tWHEN\tSOUND\tFILE\n");
    await runIn(home, "consolidate", "cline", "--yes");
    const [kept] = (jsonOf(await runIn(home, "backups", "--json")) as { readonly backups: readonly { readonly id: string }[] }).backups;
    expect(kept).toMatchObject({ app: "cline", before: "consolidate", moved: ["weather", "docs"], isSound: null });
    expect((await runIn(home, "backups", "--verify")).stdout).toContain("\tyes\t");
    await writeFile(join(appBackupFolder(home.mover.stateDir), `${kept?.id}.bytes`), "spoilt");
    expect(await runIn(home, "backups", "--verify")).toMatchObject({ code: 1, stdout: expect.stringContaining("\tNO\t") as string });
    expect(await runIn(home, "restore", "cline", "--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining("is not what was kept") as string });
    expect((jsonOf(await runIn(home, "backups", "--cleanup", "1", "--json")) as { readonly removed: readonly string[] }).removed).toEqual([]);
    expect(await runIn(home, "backups", "--cleanup", "soon")).toMatchObject({ code: 2 });
  });
});
