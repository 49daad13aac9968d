import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { changedAppText, serversIn } from "../../src/config/appText.ts";
import { applicationOf, asFile, samples } from "../fixtures/apps.ts";

const own = { command: "/usr/bin/1mcp", args: ["proxy"] };

describe("every sample", () => {
  test("loses any of its servers, gets ours or not, and nothing else is touched", async () => {
    for (const { application, bytes } of samples) {
      const file = asFile(new TextDecoder().decode(bytes));
      const names = [...(await serversIn(application, file)).keys()];
      const value = application.dialect.program(["/usr/bin/1mcp", "proxy"]);
      await fc.assert(
        fc.asyncProperty(fc.subarray(names), fc.boolean(), async (remove, sets) => {
          // Throws where anything else would change.
          const after = await changedAppText(application, file, { remove, set: sets ? { name: "1mcp", value } : null });
          expect([...(await serversIn(application, asFile(after))).keys()]).toEqual([...names.filter((name) => !remove.includes(name)), ...(sets ? ["1mcp"] : [])]);
          // Once in, once out again.
          expect([...(await serversIn(application, asFile(await changedAppText(application, asFile(after), { remove: ["1mcp"], set: null })))).keys()]).toEqual(names.filter((name) => !remove.includes(name)));
        }),
        { numRuns: 5 },
      );
    }
  });

  test("keeps its comments, but for those on lines that go", async () => {
    for (const { application, bytes } of samples.filter(({ application: { id } }) => ["codex", "zed", "continue", "vscode"].includes(id))) {
      const text = new TextDecoder().decode(bytes);
      const after = await changedAppText(application, asFile(text), { remove: [], set: { name: "1mcp", value: application.dialect.program(["x"]) } });
      for (const comment of text.match(/(\/\/|#) [^\n]*/g) ?? []) expect(after).toContain(comment);
    }
  });
});

test("a file that is empty, or has no servers yet, gets some", async () => {
  for (const [id, text] of [["cursor", ""], ["cursor", "{}"], ["codex", ""], ["codex", "a = 1"], ["continue", ""], ["continue", "a: 1"], ["continue", "mcpServers: []\nb: 2\n"], ["goose", "extensions:\n"]] as const) {
    const application = applicationOf(id);
    const after = await changedAppText(application, asFile(text), { remove: [], set: { name: "1mcp", value: application.dialect.program(["x", "y"]) } });
    expect([...(await serversIn(application, asFile(after))).keys()]).toEqual(["1mcp"]);
  }
});

test("ours gives way to ours", async () => {
  const first = await changedAppText(applicationOf("codex"), asFile("a = 1\n"), { remove: [], set: { name: "1mcp", value: { command: "old" } } });
  expect(await changedAppText(applicationOf("codex"), asFile(first), { remove: [], set: { name: "1mcp", value: own } })).toBe('a = 1\n\n[mcp_servers.1mcp]\ncommand = "/usr/bin/1mcp"\nargs = ["proxy"]\n');
});

test("what cannot be read, or not be changed without harm, is told with its file and left alone", async () => {
  const set = { name: "1mcp", value: own };
  for (const [id, text, why] of [
    ["cursor", "{ oops", "line 1: it is not JSON"],
    ["cursor", '{"mcpServers": []}', "“mcpServers” is not an object"],
    ["codex", "a = ", "/x"],
    // What cannot be read is what we would have made of it.
    ["codex", 'mcp_servers = { a = { command = "x" } }\n', "in a form that cannot be changed without touching the rest"],
    ["goose", "extensions: &e\n  a: {type: stdio, cmd: cat}\nother: *e\n", "in a form that cannot be changed without touching the rest"],
    ["continue", "a: [", "/x"],
    ["continue", "mcpServers: {a: 1}\n", "is not what"],
    ["continue", "mcpServers: [{name: a}, {name: b}]\n", "/x"],
  ] as const) {
    await expect(changedAppText(applicationOf(id), asFile(text), { remove: ["a"], set })).rejects.toMatchObject({ code: "APP_UNREADABLE", message: expect.stringContaining(why) as string });
  }
});

test("a server of a list whose name is no text has none", async () => {
  const names = async (text: string) => [...(await serversIn(applicationOf("continue"), asFile(text))).keys()];
  expect(await names("mcpServers:\n  - name: { toString: no }\n    command: x\n  - name: 7\n  - just text\n")).toEqual(["", "7"]);
});
