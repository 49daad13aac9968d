import { describe, expect, test } from "bun:test";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { fixedBounds, runTool } from "../../src/base/index.ts";
import { contextOf, findProject, projectSelection } from "../../src/config/project.ts";
import { createFolder } from "../fixtures/folder.ts";
import { asNobody } from "../fixtures/nobody.ts";

describe("a project", () => {
  test("is the nearest folder upwards with a .1mcprc, which may hold comments and plain keys", async () => {
    await using folder = await createFolder();
    await mkdir(folder.at("a", "b", "c"), { recursive: true });
    await writeFile(folder.at(".1mcprc"), "{ preset: 'outer' }");
    await writeFile(folder.at("a", ".1mcprc"), "{ /* ours */ tags: ['x', 'y'], }");
    expect(await findProject(folder.at("a", "b", "c"))).toEqual({ folder: folder.at("a"), path: folder.at("a", ".1mcprc"), file: { tags: ["x", "y"] } });
    expect((await findProject(folder.path)).file).toEqual({ preset: "outer" });
    await writeFile(folder.at("a", ".1mcprc"), " ");
    expect((await findProject(folder.at("a"))).file).toEqual({});
  });

  test("is the repository, else the folder itself, where there is none", async () => {
    await using folder = await createFolder();
    await mkdir(folder.at("repo", ".git"), { recursive: true });
    await mkdir(folder.at("repo", "src", ".1mcprc"), { recursive: true });
    expect(await findProject(folder.at("repo", "src"))).toMatchObject({ folder: folder.at("repo"), path: null });
    expect(await findProject(folder.path)).toEqual({ folder: folder.path, path: null, file: {} });
  });

  test.each([
    ["{ comand: 'x' }", "“comand” is not a known key"],
    ["{ presets: 'x' }", "did you mean “preset”?"],
    ["{ command: 'rm' }", "“command” is not a known key"],
    ["{ context: { envPrefixes: [''] } }", "context.envPrefixes.0"],
    ["{ context: { custom: { a: {} } } }", "context.custom.a"],
    ["{ oops", ".1mcprc"],
    ["[]", "CONFIG_INVALID"],
  ])("with %s is refused", async (text, why) => {
    await using folder = await createFolder();
    await writeFile(folder.at(".1mcprc"), text);
    const thrown = await findProject(folder.path).then(() => null, (fault: { readonly code: string; readonly message: string }) => fault);
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID" });
    expect(`${thrown?.code} ${thrown?.message}`).toContain(why);
  });

  test("whose file is larger than the limit, or leads round in a circle, is refused", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at(".1mcprc"), " ".repeat(fixedBounds.projectBytesMax + 1));
    await expect(findProject(folder.path)).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
    await mkdir(folder.at("in"));
    await symlink(folder.at("in", ".1mcprc"), folder.at("in", ".1mcprc"));
    await expect(findProject(folder.at("in"))).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
  });

  test("whose file is closed to us is refused, for it selects something; above a closed folder nobody can know", async () => {
    await using folder = await createFolder();
    await mkdir(folder.at("project"));
    await mkdir(folder.at("closed"));
    await writeFile(folder.at("project", ".1mcprc"), "{ tags: ['x'] }", { mode: 0o000 });
    await writeFile(folder.at("closed", ".1mcprc"), "{ tags: ['x'] }");
    await chmod(folder.at("closed"), 0o000);
    await chmod(folder.path, 0o711);
    expect(await asNobody("config/project.ts", "findProject", folder.at("project"))).toBe("CONFIG_UNREADABLE");
    expect(await asNobody("config/project.ts", "findProject", folder.at("closed"))).toMatchObject({ path: null });
    await chmod(folder.at("closed"), 0o700);
  });
});

test("one selector of a project counts: preset, then filter, then tags", () => {
  expect(projectSelection({ preset: "p", filter: "f", tags: "t" })).toEqual({ preset: "p", filter: null, tags: null });
  expect(projectSelection({ filter: "f", tags: "t" })).toEqual({ preset: null, filter: "f", tags: null });
  expect(projectSelection({ tags: ["a", "b"] })).toEqual({ preset: null, filter: null, tags: "a,b" });
  expect(projectSelection({})).toEqual({ preset: null, filter: null, tags: null });
});

describe("a project's context", () => {
  test("has what the file says, real users, and of the environment only what was asked for", async () => {
    await using folder = await createFolder();
    const file = { context: { projectId: "id", team: "t", custom: { n: 1 }, envPrefixes: ["APP_"], sanitizePaths: true } };
    expect(await contextOf({ folder: folder.at("p"), path: null, file }, { HOME: folder.path, APP_X: "1", SECRET: "2", SHELL: "/bin/sh" })).toMatchObject({
      project: { path: "~/p", name: "p", id: "id", team: "t", custom: { n: 1 }, git: {} },
      user: { home: "~", shell: "/bin/sh", name: expect.any(String) as string },
      environment: { variables: { APP_X: "1" } },
    });
    expect(JSON.stringify(await contextOf({ folder: folder.path, path: null, file: {} }, { SECRET: "2" }))).not.toContain("SECRET");
  });

  test("has what git says of it, when that is wanted", async () => {
    await using folder = await createFolder();
    const git = (...words: string[]) => runTool(["git", "-C", folder.path, ...words], { PATH: process.env["PATH"], HOME: folder.path });
    await git("init", "-q", "-b", "trunk");
    await git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "x");
    const context = await contextOf({ folder: folder.path, path: null, file: { context: { includeGit: true } } }, {});
    expect(context["project"]).toMatchObject({ git: { branch: "trunk", commit: expect.stringMatching(/^[\da-f]{40}$/) as string, root: folder.path } });
  });

  test("has nothing of git that is a secret, shows the home folder, or is not there yet", async () => {
    await using folder = await createFolder();
    const git = (...words: string[]) => runTool(["git", "-C", folder.path, ...words], { PATH: process.env["PATH"], HOME: folder.path });
    await git("init", "-q");
    await git("remote", "add", "origin", "https://ada:t0ken@git.example/a/b.git");
    const env = { HOME: folder.path, PATH: process.env["PATH"] };
    const gitNow = async () => (await contextOf({ folder: folder.path, path: null, file: { context: { includeGit: true, sanitizePaths: true } } }, env))["project"] as { readonly git: object };
    expect((await gitNow()).git).toEqual({ root: "~", remote: "https://git.example/a/b.git" });
    for (const [url, shown] of [["https://t0ken@git.example/a", "https://git.example/a"], ["ssh://git@git.example/a", "ssh://git@git.example/a"], ["ssh://git:pw@git.example/a", "ssh://git@git.example/a"], ["git@git.example:a/b", "git@git.example:a/b"], ["https://a:p@w@git.example/@a", "https://git.example/@a"]]) {
      await git("remote", "set-url", "origin", url ?? "");
      expect((await gitNow()).git).toMatchObject({ remote: shown });
    }
  });

  test("shows the home folder as ~ however its paths are written, and no folder that only begins like it", async () => {
    const paths = async (home: string, folder: string) => (await contextOf({ folder, path: null, file: { context: { sanitizePaths: true } } }, { HOME: home }))["project"] as { readonly path: string };
    expect((await paths("C:\\Users\\ada", "C:\\Users\\ada\\shop")).path).toBe("~\\shop");
    expect((await paths("/home/ada", "/home/adam/shop")).path).toBe("/home/adam/shop");
  });
});
