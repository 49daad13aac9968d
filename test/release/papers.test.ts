/** What is written about a release: manual, bill of materials, formula, notes; each of the real tables and the real lock file. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { completionsOf } from "../../release/completions.ts";
import { formulaOf } from "../../release/formula.ts";
import { lockedOf, sha512Of } from "../../release/lock.ts";
import { manPageOf, roff } from "../../release/manPage.ts";
import { changesOf, notesOf } from "../../release/notes.ts";
import { archiveOf, executableOf, platforms } from "../../release/platforms.ts";
import { epochOf } from "../../release/release.ts";
import { checkRuntime, runtimeIntegrity } from "../../release/runtime.ts";
import { placesOf, sbomOf } from "../../release/sbom.ts";
import { digestOf, type Sum, sumOf, sumsText } from "../../release/sums.ts";
import { runTool } from "../../release/tool.ts";
import { commandOf, shownCommands } from "../../src/cli/commands.ts";
import { environmentName, flags } from "../../src/cli/flags.ts";
import { createFolder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

const epoch = Date.UTC(2026, 1, 3) / 1000;
const locked = lockedOf(await Bun.file(join(projectDir, "bun.lock")).text());
const sums: readonly Sum[] = platforms.flatMap((one) => [executableOf(one), archiveOf(one, "1.2.3")]).map((name) => sumOf(name, Buffer.from(name)));

describe("the manual page", () => {
  const page = manPageOf({ version: "1.2.3-rc.1", epoch });

  test("has every command, every flag and every variable", () => {
    for (const { words } of shownCommands) expect(page).toContain(`\\fB1mcp ${roff(words.join(" "))}\\fR`);
    for (const { name, typed } of flags) {
      expect(page).toContain(`\\fB${roff(`--${name}`)}\\fR`);
      expect(page.includes(`[${environmentName(name)}]`)).toBe(!typed);
    }
    expect(page.split("\n")[0]).toBe('.TH 1MCP 1 2026-02-03 "1mcp 1.2.3\\-rc.1" "User Commands"');
  });

  test("has no line that a text could have made a command of, and is set without a complaint where man is", async () => {
    expect(page.split("\n").filter((line) => /^[.']/.test(line) && !/^\.(TH|SH|TP|PP|RS|RE|B)\b/.test(line))).toEqual([]);
    expect(roff(".x\n'y\\-~")).toBe("\\&.x\n\\&'y\\e\\-\\(ti");
    expect(roff("“a” …")).toBe("\\[u201C]a\\[u201D] \\[u2026]");
    const tool = Bun.which("groff");
    if (tool === null) return;
    const child = Bun.spawn([tool, "-man", "-Tutf8", "-ww"], { stdin: new Blob([page]), stdout: "pipe", stderr: "pipe" });
    expect([await new Response(child.stderr).text(), await child.exited]).toEqual(["", 0]);
  });
});

describe("the bill of materials", () => {
  const bill = { version: "1.2.3", license: "Apache-2.0", epoch, locked, licenseOf: (place: string) => (place === "hono" ? "(MIT OR Apache-2.0)" : "MIT"), direct: ["hono"], runtimeVersion: Bun.version, executables: sums.slice(0, 1) };
  const files = ["src/main.ts", "node_modules/hono/dist/index.js", "../elsewhere/node_modules/@modelcontextprotocol/client/dist/a.mjs", "node_modules/@octokit/request/node_modules/content-type/index.js"];

  test("has what is in the program, by place, with the lock file's checksums", () => {
    expect(placesOf(files)).toEqual(["@modelcontextprotocol/client", "@octokit/request/content-type", "hono"]);
    const document = JSON.parse(sbomOf({ ...bill, files })) as { components: { name: string; version: string; purl?: string; hashes: { alg: string; content: string }[]; licenses: unknown }[]; dependencies: unknown[] };
    const named = (name: string) => document.components.filter((one) => one.name === name);
    const [hono, inner] = [locked.get("hono")!, locked.get("@octokit/request/content-type")!];
    expect(named("hono")).toMatchObject([{ version: hono.version, hashes: [{ alg: "SHA-512", content: sha512Of(hono.integrity) }], licenses: [{ expression: "(MIT OR Apache-2.0)" }] }]);
    expect(named("content-type")).toMatchObject([{ version: inner.version, hashes: [{ alg: "SHA-512", content: sha512Of(inner.integrity) }] }]);
    expect(named("1mcp-linux-x64")).toMatchObject([{ hashes: [{ alg: "SHA-256", content: sums[0]!.digest }] }]);
    expect(document.components.filter(({ name }) => name.startsWith("@oven/"))).toHaveLength(platforms.length);
    expect(document.dependencies[0]).toEqual({ ref: "pkg:generic/1mcp@1.2.3", dependsOn: [`pkg:npm/hono@${hono.version}`] });
  });

  test("is the same text for the same things, with a number that is another for others", () => {
    expect(sbomOf({ ...bill, files: files.toReversed() })).toBe(sbomOf({ ...bill, files }));
    const number = (text: string): string => (JSON.parse(text) as { serialNumber: string }).serialNumber;
    expect(number(sbomOf({ ...bill, files }))).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-a[\da-f]{3}-[\da-f]{12}$/);
    expect(number(sbomOf({ ...bill, files: [] }))).not.toBe(number(sbomOf({ ...bill, files })));
  });

  test("is not made of what nobody has locked", () => {
    expect(() => sbomOf({ ...bill, files: ["node_modules/stranger/index.js"] })).toThrow("stranger is in the program and not in bun.lock");
  });
});

describe("a runtime", () => {
  test("has a checksum for every platform, and one that is not it is refused", async () => {
    for (const platform of platforms) expect(sha512Of(runtimeIntegrity(platform, locked))).toHaveLength(128);
    expect(() => runtimeIntegrity({ ...platforms[0]!, runtime: "@oven/unheard" }, locked)).toThrow("cannot be checked");
    expect(() => sha512Of("sha1-abc")).toThrow("no SHA-512");
    await using folder = await createFolder();
    await Bun.write(folder.at("a.tgz"), "a");
    const integrity = (text: string): string => `sha512-${new Bun.CryptoHasher("sha512").update(text).digest("base64")}`;
    await checkRuntime(folder.at("a.tgz"), integrity("a"));
    await expect(checkRuntime(folder.at("a.tgz"), integrity("b"))).rejects.toThrow("not what bun.lock names");
  });
});

describe("the formula", () => {
  test("has for each system and processor the archive and its checksum", () => {
    const text = formulaOf({ version: "1.2.3", url: "http://127.0.0.1:1/x", license: "Apache-2.0", description: 'One "#{thing}".', sums, hasCompletions: true });
    const pairs = [...text.matchAll(/url "http:\/\/127\.0\.0\.1:1\/x\/([^"]+)"\n\s+sha256 "([^"]+)"/g)].map(([, name, digest]) => [name, digest]);
    expect(pairs).toEqual(["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"].map((name) => [archiveOf({ name }, "1.2.3"), digestOf(sums, archiveOf({ name }, "1.2.3"))]));
    expect(text).toContain('desc "One \\"\\#{thing}\\""');
    expect(text).toContain("bash_completion.install");
  });

  test("leads to the project, since below the address of its files there is no page", () => {
    expect(formulaOf({ version: "1.2.3", url: "https://forge.example/a/1mcp/releases/download/v1.2.3", license: "Apache-2.0", description: "One.", sums, hasCompletions: false })).toContain('  homepage "https://forge.example/a/1mcp"\n');
  });
});

describe("the notes", () => {
  test("have the changes of this version, and the size and sum of every executable", () => {
    const changelog = "# Changelog\n\n## Unreleased\n\nnew\n\n## 1.2.3\n\nthis\n\n## 1.0.0\n\nold\n";
    expect(changesOf(changelog, "1.2.3")).toBe("## What is new\n\nthis");
    expect(changesOf(changelog, "2.0.0")).toBe("## What is new\n\nnew");
    expect(changesOf("", "2.0.0")).toBe("");
    expect(changesOf("# Changelog\n\n## 1.2.30\n\nother\n\n## [1.2.3] 2026-02-03\n\nthis\n", "1.2.3")).toBe("## What is new\n\nthis");
    const notes = notesOf({ version: "1.2.3", url: "http://127.0.0.1:1/x", changelog, sums });
    for (const one of platforms) expect(notes).toContain(`| ${one.name} | 0.0 kB | \`${digestOf(sums, executableOf(one))}\` |`);
  });

  test("lead to the pages of their own version, since beside them there are none", async () => {
    const changelog = await Bun.file(join(projectDir, "CHANGELOG.md")).text();
    const notes = notesOf({ version: "1.2.3", url: "https://forge.example/a/1mcp/releases/download/v1.2.3", changelog, sums });
    const links = [...notes.matchAll(/\]\(([^)\s]+)\)/gu)].map(([, link = ""]) => link);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !/^https:\/\/(?:forge\.example\/a\/1mcp\/blob\/v1\.2\.3\/docs\/[a-z]+\.md(?:#[a-z-]+)?|semver\.org)$/u.test(link))).toEqual([]);
  });

  test("and the sums name no file that was not made", () => {
    expect(sumsText([sumOf("b", Buffer.from("b")), sumOf("a", Buffer.from("a"))])).toMatch(/^[\da-f]{64} {2}a\n[\da-f]{64} {2}b\n$/);
    expect(() => digestOf(sums, "c")).toThrow("there is no c");
  });
});

test("the time of a release is the one that is given, else the commit's, and never before what every format can say", async () => {
  await using nowhere = await createFolder();
  expect(await epochOf(nowhere.path, "1700000000")).toBe(1_700_000_000);
  expect(await epochOf(nowhere.path, "5")).toBe(315_532_800);
  expect(await epochOf(nowhere.path, "yesterday")).toBe(315_532_800);
  const env = { ...process.env, GIT_AUTHOR_DATE: "1600000000 +0000", GIT_COMMITTER_DATE: "1650000000 +0000" };
  for (const words of [["init", "--quiet"], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message=a"]]) expect(await runTool(["git", ...words], nowhere.path, env)).toMatchObject({ code: 0 });
  expect(await epochOf(nowhere.path, undefined)).toBe(Number(process.env["SOURCE_DATE_EPOCH"] ?? 1_650_000_000));
});

test("packages have completions for three shells, as soon as the program makes any", async () => {
  const made = await completionsOf(projectDir);
  expect(made.map(({ path }) => path)).toEqual(commandOf(["completion"]) === null ? [] : ["bash-completion/completions/1mcp", "zsh/site-functions/_1mcp", "fish/vendor_completions.d/1mcp.fish"]);
  for (const { bytes } of made) expect(bytes?.length).toBeGreaterThan(100);
});
