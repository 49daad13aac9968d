import { expect, test } from "bun:test";
import { createKnownSecrets } from "../../src/base/index.ts";
import { looksSecret } from "../../src/config/secrets.ts";
import { serverIn } from "../fixtures/config.ts";

const secretsIn = (entry: object, variables: Record<string, string> = {}): string[] => serverIn(entry, variables).secrets.map((secret) => secret.reveal());

test("what a variable gave is a secret, alone and together with what stands around it", () => {
  expect(secretsIn({ url: "https://h/?k=${KEY}", headers: { Authorization: "Bearer ${TOKEN}", Accept: "x" } }, { KEY: "kkk", TOKEN: "ttt" })).toEqual([
    "https://h/?k=kkk",
    "kkk",
    "Bearer ttt",
    "ttt",
  ]);
  expect(secretsIn({ command: "x", args: ["--key=${KEY}"], env: { A: "${TOKEN}", B: "plain" } }, { KEY: "kkk", TOKEN: "ttt" })).toEqual(["--key=kkk", "kkk", "ttt"]);
});

test("what is called a secret is one, also where it is written down", () => {
  expect(secretsIn({ command: "x", env: { GITHUB_TOKEN: "ghp", DB_PASSWORD: "pw", apiKey: "ak", MODE: "fast" } })).toEqual(["ghp", "pw", "ak"]);
  expect(secretsIn({ url: "https://u:p%40%zz@h/mcp?api_key=qk&mode=fast", headers: { authorization: "Bearer lit", Cookie: "c=1" } })).toEqual([
    "Bearer lit",
    "lit",
    "c=1",
    "qk",
    "p%40%zz",
    "p@%zz",
  ]);
});

test("where this computer keeps its folders is no secret", () => {
  expect(secretsIn({ command: "x", args: ["${HOME}/data"], env: { PATH: "${PATH}" } }, { HOME: "/home/ann", PATH: "/bin" })).toEqual([]);
});

test("a server that repeats its credential in other words gives nothing away", () => {
  const known = createKnownSecrets();
  for (const secret of serverIn({ url: "https://h/", headers: { Authorization: "Bearer ${TOKEN}" } }, { TOKEN: "abcdef123456" }).secrets) known.add(secret);
  expect(known.scrub("invalid token abcdef123456 (sent as 'Bearer abcdef123456')")).toBe("invalid token [secret] (sent as '[secret]')");
});

test("secrets are masked wherever a spec is printed, and are no part of the fingerprint", () => {
  const spec = serverIn({ command: "x", env: { TOKEN: "${T}" } }, { T: "value-of-t" });
  expect(JSON.stringify(spec)).not.toContain("value-of-t");
  expect(Bun.inspect(spec, { depth: 5 })).not.toContain("value-of-t");
});

test("a value is likely to be a secret by its name, or by how it looks; one that only refers to it is not", () => {
  for (const [name, value] of [["API_TOKEN", "x"], ["Authorization", "y"], ["WHATEVER", "ghp_abcdefghijklmnop"], ["", "sk-abcdefghijklmnop"], ["X", "Bearer abc"], ["K", "-----BEGIN RSA PRIVATE KEY-----"]] as const) expect([name, looksSecret(name, value)]).toEqual([name, true]);
  for (const [name, value] of [["API_TOKEN", ""], ["API_TOKEN", "${API_TOKEN}"], ["PATH", "/bin"], ["", "--verbose"], ["", "server-everything"]] as const) expect([name, looksSecret(name, value)]).toEqual([name, false]);
});
