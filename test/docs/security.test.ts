/** What the page on security tells an operator to write is accepted, and does what it says. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startGranted } from "../fixtures/granted.ts";
import { projectDir, runProgram, temporaryDir } from "../fixtures/program.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";

const page = await Bun.file(join(projectDir, "docs", "security.md")).text();
const blocks = (language: string): string[] => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gmsu"))].map((match) => match[1] ?? "");

test("each configuration on it is valid", async () => {
  await using dir = await temporaryDir();
  expect(blocks("json").length).toBeGreaterThan(1);
  for (const [index, text] of blocks("json").entries()) {
    const path = join(dir.path, `${index}.json`);
    await writeFile(path, text, { mode: 0o600 });
    expect([text, (await runProgram(["config", "check", "--config", path])).stderr]).toEqual([text, ""]);
  }
});

test("each setting and flag that it names is there", async () => {
  const schema = (await runProgram(["config", "schema"])).stdout;
  // Made from the tables of commands and flags; a test of its own compares.
  const commands = await Bun.file(join(projectDir, "docs", "commands.md")).text();
  const settings = [...page.matchAll(/`((?:limits|oauth|clients)\.[\w.]+|audit\.(?:calls|max\w+)|auth\.(?!missing|invalid)[\w.]+|publicUrl|allowedHosts|allowedOrigins|trustedProxies|tls|pin|sandbox|hidden|unsafeEnv|env|host)`/gu)].map(([, name = ""]) => name);
  expect(new Set(settings).size).toBeGreaterThan(15);
  for (const name of settings) expect([name, schema.includes(`"${name.split(".").at(-1)}"`)]).toEqual([name, true]);
  const flags = [...page.matchAll(/`([^`\n]+)`/gu)].flatMap(([, code = ""]) => code.match(/--[a-z][a-z-]+/gu) ?? []);
  expect(new Set(flags).size).toBeGreaterThan(12);
  for (const name of flags) expect([name, commands.includes(name)]).toEqual([name, true]);
});

test("what it links to and shows is there", () => {
  const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/gu)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(2);
  for (const link of links) expect([link, existsSync(join(projectDir, "docs", link))]).toEqual([link, true]);
});

describe("behind a reverse proxy, as it says there,", () => {
  const config = JSON.parse(blocks("json").find((text) => text.includes("trustedProxies")) ?? "{}") as Record<string, unknown>;

  test("clients are told the public address, count by their own, and need a token; a Host that is not ours is refused", async () => {
    await using program = await startGranted({ config });
    const through = async (request: string): Promise<string> => {
      await using raw = await rawConnection(program.origin);
      raw.write(request);
      return await raw.closed();
    };
    const headers = "Host: mcp.example.com\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.7\r\nConnection: close\r\n";
    const metadata = await through(`GET /.well-known/oauth-authorization-server HTTP/1.1\r\n${headers}\r\n`);
    expect([metadata.includes('"issuer":"https://mcp.example.com"'), metadata.includes('"registration_endpoint":"https://mcp.example.com/register"')]).toEqual([true, true]);
    const refused = await through(`POST /mcp HTTP/1.1\r\n${headers}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    expect(refused).toMatch(/^HTTP\/1\.1 401 [^]*resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\/oauth-protected-resource\/mcp"/iu);
    const body = JSON.stringify({ client_name: "Far away", redirect_uris: ["http://127.0.0.1:1/cb"] });
    expect(await through(`POST /register HTTP/1.1\r\n${headers}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)).toStartWith("HTTP/1.1 201");
    expect(await through("GET /mcp HTTP/1.1\r\nHost: mcp.example.org\r\nConnection: close\r\n\r\n")).toStartWith("HTTP/1.1 403");
    program.signal("SIGTERM");
    await program.exited;
    const audit = (await readFile(join(program.dir, "state", "audit.log"), "utf8")).split("\n").filter((line) => line.includes('"auth.missing"'));
    expect(audit.map((line) => (JSON.parse(line) as { addr: string }).addr)).toEqual(["203.0.113.7"]);
  });

  test("the snippets hand on what we read, and hold back no stream", () => {
    const nginx = blocks("nginx").join("");
    for (const line of ["proxy_pass http://127.0.0.1:3050;", "proxy_set_header Host $host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", "proxy_buffering off;", "proxy_http_version 1.1;"]) expect(nginx).toContain(line);
    expect([nginx.split("{").length, nginx.split("{").length]).toEqual([nginx.split("}").length, 3]);
    const caddy = blocks("caddyfile").join("");
    expect([caddy.includes("reverse_proxy 127.0.0.1:3050"), caddy.includes("flush_interval -1"), caddy.split("{").length]).toEqual([true, true, caddy.split("}").length]);
  });
});
