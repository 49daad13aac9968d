import { describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { defaultLimits, fault, systemClock, Tail } from "../../src/base/index.ts";
import { serverActions } from "../../src/front/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { factsOf } from "../fixtures/front.ts";
import { operated } from "../fixtures/operated.ts";
import { statusOf } from "../fixtures/pool.ts";

const backends = [statusOf("git"), statusOf("web"), statusOf("off", { state: "disabled" })];
const started = () =>
  operated({ backends }, () => Promise.resolve({ state: "unchanged" }), {
    actions: serverActions(
      {
        settled: (name) => Promise.resolve(statusOf(name)),
        restart: () => Promise.resolve(),
        status: factsOf({ backends }).status,
        tools(name) {
          if (name === "gti") throw fault("NAME_UNKNOWN");
          return name === "web" ? null : [{ name: "log", public: "git__log", because: "no rule hides it" }, { name: "push", public: null, because: "it is hidden\u001b" }];
        },
      },
      new Tail(defaultLimits),
      systemClock, defaultLimits,
    ),
  });

describe("mcp tools", () => {
  test("lists what a server has, or every one, and says of which nothing is known", async () => {
    await using server = await started();
    expect(await runHere(["mcp", "tools", "git", ...server.flags])).toEqual({ code: 0, stdout: "SERVER\tTOOL\tSHOWN AS\tBECAUSE\ngit\tlog\tgit__log\tno rule hides it\ngit\tpush\t-\tit is hidden\\u001b\n", stderr: "" });
    expect(await runHere(["mcp", "tools", ...server.flags])).toMatchObject({ code: 0, stderr: "nothing is known yet of what web offers: `1mcp mcp status web` says why\n" });
    expect(JSON.parse((await runHere(["mcp", "tools", "web", "--json", ...server.flags])).stdout)).toEqual({ server: "web", tools: null });
    expect(JSON.parse((await runHere(["mcp", "tools", "--json", ...server.flags])).stdout)).toMatchObject([{ server: "git" }, { server: "web" }]);
    expect((await runHere(["mcp", "tools", "gti", ...server.flags])).code).toBe(4);
  });

  test("needs a server that runs", async () => {
    await using folder = await createFolder();
    expect(await runHere(["mcp", "tools", "git", "--state-dir", folder.at("state")])).toMatchObject({ code: 1, stderr: expect.stringContaining("only a running server knows its tools") as string });
  });
});

describe("rules for tools", () => {
  async function given(entry: string) {
    const folder = await createFolder();
    const path = folder.at("mcp.json");
    const text = `{\n  "mcpServers": {\n    "git": ${entry}\n  }\n}\n`;
    await writeFile(path, text, { mode: 0o600 });
    const flags = ["--config", path, "--state-dir", folder.at("state")];
    const entryNow = async () => (await readFile(path, "utf8")).replace('{\n  "mcpServers": {\n    "git": ', "").replace("\n  }\n}\n", "");
    return { run: (word: string, ...argv: string[]) => runHere(["mcp", "tools", word, ...flags, ...argv]), entryNow, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }

  test("come and go item by item, so that what is said about the others stays", async () => {
    await using at = await given('{\n      "command": "x",\n      "disabledTools": [\n        "push", // dangerous\n        "fetch"\n      ]\n    }');
    expect((await at.run("disable", "git", "reset", "push")).stdout).toStartWith("git: reset, push neither shown nor callable\n");
    expect(await at.entryNow()).toContain('"push", // dangerous\n        "fetch",\n        "reset"\n');
    expect((await at.run("enable", "git", "fetch", "reset")).code).toBe(0);
    expect(await at.entryNow()).toContain('"disabledTools": [\n        "push" // dangerous\n      ]');
    expect((await at.run("forget", "git", "push")).code).toBe(0);
    expect(await at.entryNow()).not.toContain("disabledTools");
    expect((await at.run("forget", "git", "push")).stdout).toBe("it is so already\n");
  });

  test("by patterns are written where the schema has them", async () => {
    await using at = await given('{ "command": "x" }');
    for (const [word, list] of [["allow", "allow"], ["deny", "deny"]] as const) {
      const { stdout } = await at.run(word, "git", "list_*", "?x", "--dry-run");
      expect(stdout.replace(/\s/g, "")).toContain(`"tools":{"${list}":["list_*","?x"]}`);
    }
  });

  test("that hide a tool by a pattern are not undone for one tool: it is said which, and nothing is changed", async () => {
    await using at = await given('{ "command": "x", "disabledTools": ["push"], "tools": { "deny": ["delete_*", "p*"] } }');
    const before = await at.entryNow();
    const enabled = await at.run("enable", "git", "push", "delete_x");
    expect([enabled.code, enabled.stdout, await at.entryNow()]).toEqual([2, "", before]);
    expect(enabled.stderr).toContain("“p*” hides “push”, “delete_*” hides “delete_x”");
    expect(enabled.stderr).toContain("1mcp mcp tools forget SERVER PATTERN");
    expect((await at.run("enable", "git", "push", "p*", "--dry-run")).stdout.replace(/\s/g, "")).toEndWith('+"git":{"command":"x","tools":{"deny":["delete_*"]}}');
  });

  test("are put back where they would hide what is to be shown, and an empty list does not stay to hide everything", async () => {
    await using at = await given('{ "command": "x", "tools": { "allow": ["list_*", "?x"], "deny": ["log"] } }');
    const enabled = await at.run("enable", "git", "log", "list_all", "ax", "other", "--dry-run");
    expect(enabled.stdout).toContain('+    "git": { "command": "x", "tools": { "allow": ["list_*", "?x", "log", "other"] } }\n');
    const forgotten = await at.run("forget", "git", "list_*", "?x", "log", "--dry-run");
    // With its last rules the whole member goes.
    expect(forgotten.stdout).toContain('+    "git": { "command": "x" }\n');
  });

  test("by patterns mean what they mean to the server, where ? is one unit of UTF-16", async () => {
    await using at = await given('{ "command": "x", "tools": { "allow": ["t?"] } }');
    const { stdout } = await at.run("enable", "git", "t😀", "tx", "--dry-run");
    expect(stdout).toContain('"allow": ["t?", "t😀"] } }\n');
  });

  test("for a name that no tool has are written, with a word of that, and of what was probably meant; of nothing where that is not known", async () => {
    await using server = await started();
    await using at = await given('{ "command": "git" }');
    // Of two state folders the last one counts.
    const said = await at.run("disable", "git", "push", "lgo", "never\u001b", "--state-dir", server.stateDir);
    expect([said.code, said.stderr]).toEqual([0, "note: git has no tool “lgo” (did you mean “log”?); `1mcp mcp tools git` lists them\nnote: git has no tool “never\\u001b”; `1mcp mcp tools git` lists them\n"]);
    expect(JSON.parse(await at.entryNow())).toEqual({ command: "git", disabledTools: ["push", "lgo", "never\u001b"] });
    expect(await at.run("enable", "git", "lgo")).toMatchObject({ code: 0, stderr: "" });
  });

  test("need a server that is there, and something to be about", async () => {
    await using at = await given('{ "command": "x" }');
    expect((await at.run("enable", "gti", "log")).code).toBe(4);
    expect(await at.run("disable", "git")).toMatchObject({ code: 2, stderr: expect.stringContaining("it needs the names of tools") as string });
    expect(await at.run("deny", "git")).toMatchObject({ code: 2, stderr: expect.stringContaining("it needs the patterns of names") as string });
    expect((await at.run("deny")).code).toBe(2);
  });
});
