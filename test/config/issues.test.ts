import { expect, test } from "bun:test";
import fc from "fast-check";
import { issuesIn, lines, read } from "../fixtures/config.ts";

test("all that is wrong comes at once, in the order of the text, each with its place", () => {
  const text = `{
  "prot": 3050,
  "port": "3050",
  "mcpServers": {
    "files": { "comand": "npx", "args": "-y" },
    "web": { "url": "https://example.com/mcp", "type": "htpp", "headers": { "X": 1 } },
    "bad name": { "command": "a", "disabled": "no", "era": 3 }
  },
  "names": []
}`;
  expect(lines(issuesIn(text))).toEqual([
    "2:3 “prot” is not a known key (did you mean “port”?)",
    "3:11 “port” must be a number, not this string",
    "5:14 “command” is missing in mcpServers.files (a server has a command (a program) or a url (an address))",
    "5:16 “comand” is not a known key (did you mean “command”?)",
    "5:41 “args” must be a list, not this string",
    "6:56 “type” must be “http” or “streamableHttp” or “streamable-http” or “sse”, not this string (did you mean “http”?)",
    "6:82 “X” must be a string, not a number (put it into double quotes)",
    "7:5 “bad name” is not a server name: letters, digits, “_”, “.” and “-” only, and at least one letter or digit",
    "7:47 “disabled” must be true or false, not this string",
    "7:60 “era” must be “auto” or “modern” or “legacy”, not a number",
    "9:12 “names” must be an object, not a list",
  ]);
});

test("a bound that nothing changes says so, where it would be a limit", () => {
  expect(lines(issuesIn({ limits: { stateBytesMax: 1, pendngMax: 1 } })).map((line) => line.replace(/^\S+ /, ""))).toEqual([
    "“stateBytesMax” cannot be changed (it is always 67108864; remove it)",
    "“pendngMax” is not a known key (did you mean “pendingMax”?)",
  ]);
  expect(lines(issuesIn({ stateBytesMax: 1 }))).toEqual(["2:3 “stateBytesMax” is not a known key"]);
});

test("a key of the other kind of server says that it has no meaning there", () => {
  const servers = { a: { command: "x", headers: {} }, b: { url: "http://x", args: [] }, c: { command: "x", url: "http://x" }, d: {}, e: { type: "http" }, f: { command: "x", toString: 1 } };
  expect(lines(issuesIn({ mcpServers: servers })).map((line) => line.replace(/^\S+ /, ""))).toEqual([
    "“headers” has no meaning for a server with command",
    "“args” has no meaning for a server with url",
    "“url” has no meaning for a server with command",
    "“command” is missing in mcpServers.d (a server has a command (a program) or a url (an address))",
    "“url” is missing in mcpServers.e (a server has a command (a program) or a url (an address))",
    "“toString” is not a known key",
  ]);
});

test("no issue quotes a value, which may be a secret", () => {
  const secret = "hunter2hunter2";
  const found = issuesIn({
    port: secret,
    publicUrl: secret,
    allowedOrigins: [secret],
    allowedHosts: [`http://${secret}`],
    mcpServers: { a: { command: "x", type: secret, env: [`=${secret}`], isolation: secret, prefix: `!${secret}` }, b: { url: 1, headers: { a: { secret } } } },
  });
  expect(found.length).toBe(10);
  expect(JSON.stringify(found)).not.toContain(secret);
});

test("a reference to a secret where none may stand says where it may", () => {
  expect(lines(issuesIn({ mcpServers: { a: { command: { $env: "T" } } } }))).toEqual([
    "4:18 “command” must be a string, not an object (references to secrets may stand in args, env, headers, and for clientSecret and privateKey; write ${VAR} here)",
  ]);
});

test("a reference with two sources, or to what no source can hold, is refused", () => {
  const found = (reference: object): readonly string[] => lines(issuesIn({ mcpServers: { a: { command: "x", env: { A: reference } } } })).map((line) => line.replace(/^\S+ /, ""));
  expect(found({ $env: "T", $file: "f" })).toEqual(["“A” must have exactly one of $env, $file, $cred and $keychain"]);
  expect(found({ $cred: "../shadow" })).toEqual(["“$cred” is not the name of a credential"]);
  expect(found({ $keychain: "x" })).toEqual(["“$keychain” must be service/name"]);
  expect(found({ $vault: "x" })).toEqual(["“$vault” is not a known key"]);
});

test("keys given twice and misplaced keys are named together", () => {
  expect(lines(issuesIn('{"port": 1, "port": 2, "toString": 3, "hasOwnProperty": 4}'))).toEqual([
    "1:13 “port” is given twice",
    "1:24 “toString” is not a known key",
    "1:39 “hasOwnProperty” is not a known key",
  ]);
});

test("a list or a word where the configuration should be is refused", () => {
  expect(lines(issuesIn("[]"))).toEqual(["1:1 must be an object, not a list"]);
  expect(lines(issuesIn("null"))).toEqual(["1:1 must be an object, not null"]);
  expect(lines(issuesIn('{"mcpServers": [], "limits": null}'))).toEqual([
    "1:16 “mcpServers” must be an object, not a list",
    "1:30 “limits” must be an object, not null",
  ]);
});

test("numbers out of range name the range", () => {
  const found = issuesIn({ port: 70000, pageSize: 0, limits: { bodyBytesMax: 1, depthMax: 1e6, probeMsMax: 1.5, pendngMax: 3 } });
  expect(lines(found)).toEqual([
    "2:11 “port” must be a whole number from 0 to 65535",
    "3:15 “pageSize” must be a whole number from 1 to 10000",
    "5:21 “bodyBytesMax” must be a whole number from 256 to 1073741824",
    "6:17 “depthMax” must be a whole number from 8 to 512",
    "7:19 “probeMsMax” must be a whole number from 1 to 604800000",
    "8:5 “pendngMax” is not a known key (did you mean “pendingMax”?)",
  ]);
});

test("of very many issues the first ones are shown, quickly", () => {
  const found = issuesIn(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`key${index}`, 1])));
  expect(found).toHaveLength(201);
  expect(found[0]?.message).toBe("“key0” is not a known key");
  expect(found.at(-1)?.message).toBe("at least 1 more issues are not shown");
});

test("whatever JSON a file holds, it is accepted or every issue has a place in it; nothing throws", () => {
  const entry = fc.oneof(fc.jsonValue(), fc.record({ command: fc.jsonValue(), args: fc.jsonValue(), env: fc.jsonValue(), prefix: fc.jsonValue() }, { requiredKeys: [] }), fc.record({ url: fc.jsonValue(), headers: fc.jsonValue(), type: fc.jsonValue() }, { requiredKeys: [] }));
  const file = fc.oneof(
    fc.jsonValue(),
    fc.record({ mcpServers: fc.dictionary(fc.string(), entry), serverDefaults: fc.jsonValue(), names: fc.jsonValue(), limits: fc.jsonValue(), port: fc.jsonValue(), allowedHosts: fc.jsonValue() }, { requiredKeys: [] }),
  );
  fc.assert(
    fc.property(file, (value) => {
      const text = JSON.stringify(value, null, 1);
      const loaded = read(text);
      const lineCount = text.split("\n").length;
      for (const issue of loaded.ok ? loaded.warnings : loaded.issues) {
        expect(issue.line).toBeWithin(1, lineCount + 1);
        expect(issue.column).toBeGreaterThan(0);
      }
    }),
  );
});
