/**
 * Part A of the threat table, as far as it is about tokens of other issuers: over the wire, against the program as it is
 * started by people, with an issuer on a real port.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { type Company, openCompany } from "../fixtures/company.ts";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { sendModern } from "../fixtures/rpc.ts";

let company: Company;
let program: Granted;
beforeAll(async () => {
  company = await openCompany({ audience: "api://mcp" });
  program = await startGranted({
    config: {
      auth: { mode: "external", issuers: [{ issuer: company.issuer, audience: "api://mcp", rules: [{ claim: "groups", contains: "mcp-web", scopes: ["tag:a"] }] }] },
      mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }), beta: fixture("owningServer.ts", ["beta"], { tags: ["b"] }) },
    },
  });
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await company[Symbol.asyncDispose]();
});

const listed = (token: string) => sendModern(program.at(token), { method: "tools/list" });

test("7: a token of the company's issuer opens what its rules say, and who has none is sent there", async () => {
  const { status, text } = await listed(await company.token({ groups: ["mcp-web"] }));
  expect([status, text.includes("alpha__"), text.includes("beta__")]).toEqual([200, true, false]);
  expect((await listed(await company.token())).text).not.toContain("alpha__");
  const metadata = (await (await program.get("/.well-known/oauth-protected-resource/mcp")).json()) as Record<string, unknown>;
  expect(metadata["authorization_servers"]).toEqual([company.issuer]);
  expect((await program.get("/.well-known/oauth-authorization-server")).status).toBe(404);
});

test("7: nine ways to forge one, and ways beside them, are refused alike", async () => {
  const at = Math.floor(Date.now() / 1000);
  const claims = { iss: company.issuer, aud: "api://mcp", sub: "ada", client_id: "app", groups: ["mcp-web"], iat: at, exp: at + 300 };
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const mine = await exportJWK(publicKey);
  const published = await exportSPKI((await importJWK({ ...company.key(), ext: true }, "ES256", { extractable: true })) as CryptoKey);
  const sign = (header: Readonly<Record<string, unknown>>) => new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "key1", ...header }).sign(privateKey);
  const shared = (secret: string) => new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "key1" }).sign(new TextEncoder().encode(secret));
  const good = await company.token({ groups: ["mcp-web"] });
  const [head = "", body = "", signature = ""] = good.split(".");
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const forged: Readonly<Record<string, string>> = {
    "alg none": new UnsecuredJWT(claims).encode(),
    "alg none with a signature": `${part({ alg: "none", typ: "at+jwt" })}.${body}.${signature}`,
    "alg None": `${part({ alg: "None", typ: "at+jwt" })}.${body}.`,
    "HS256 with the public key as PEM": await shared(published),
    "HS256 with the public key as JWK": await shared(JSON.stringify(company.key())),
    "embedded jwk": await sign({ jwk: mine }),
    "embedded jwk without kid": await sign({ jwk: mine, kid: undefined }),
    "jku of a stranger": await sign({ jku: "https://evil.example/keys" }),
    "unknown kid": await sign({ kid: "../../dev/null" }),
    "unknown kid, signed well": await company.token({}, { kid: "nobody's" }),
    "wrong typ": await company.token({}, { typ: "JWT" }),
    "no typ": await company.token({}, { typ: undefined }),
    "wrong iss": await company.token({ iss: "https://evil.example" }),
    "wrong aud": await company.token({ aud: "api://other" }),
    expired: await company.token({ iat: at - 400, exp: at - 60 }),
    crit: await company.token({}, { crit: ["x"], x: 1 }),
    "another body": `${head}.${part({ ...claims, sub: "root" })}.${signature}`,
  };
  expect((await listed(good)).status).toBe(200);
  for (const [how, token] of Object.entries(forged)) {
    const { status, headers } = await listed(token);
    expect([how, status, headers.get("www-authenticate")?.startsWith('Bearer error="invalid_token"')]).toEqual([how, 401, true]);
  }
  expect((await listed(good)).status).toBe(200);
});

test("8: a token for another resource opens nothing here, and one for one endpoint opens no other", async () => {
  await using here = await startGranted({ config: { auth: { mode: "mixed", issuers: [{ issuer: company.issuer, scopes: ["tag:a"] }] }, mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }) } } });
  const status = async (aud: unknown, path: string): Promise<number> => (await sendModern(here.at(await company.token({ aud }), path), { method: "tools/list" })).status;
  expect([await status(`${here.origin}/mcp`, "/mcp"), await status(`${here.origin}/mcp`, "/mcp/alpha"), await status(`${here.origin}/mcp/alpha`, "/mcp/alpha")]).toEqual([200, 401, 200]);
  for (const aud of ["https://mcp.other.example/mcp", `${here.origin}/mcp/`, `${here.origin}.evil.example/mcp`, `${program.origin}/mcp`, here.origin, [], ["/mcp"]]) expect([aud, await status(aud, "/mcp")]).toEqual([aud, 401]);
  const metadata = (await (await here.get("/.well-known/oauth-protected-resource/mcp")).json()) as Record<string, unknown>;
  expect(metadata["authorization_servers"]).toEqual([here.origin, company.issuer]);
});

test("7: a hanging issuer holds nobody up but those whose key it alone knows, and them not for long", async () => {
  await using hanging = await openCompany({ audience: "api://mcp" });
  await using here = await startGranted({ config: { auth: { mode: "external", issuers: [{ issuer: hanging.issuer, audience: "api://mcp", scopes: ["tag:a"] }] }, limits: { issuerPauseMs: 1, issuerMsMax: 1000 }, mcpServers: {} } });
  const status = async (token: string): Promise<number> => (await sendModern(here.at(token), { method: "tools/list" })).status;
  expect(await status(await hanging.token())).toBe(200);
  hanging.behave("hang");
  const done: string[] = [];
  const strange = status(await hanging.token({}, { kid: "new" })).then((code) => done.push(`strange ${code}`));
  const known = Array.from({ length: 20 }, async (_, index) => done.push(`known ${await status(await hanging.token({ jti: `${index}` }))}`));
  await Promise.all([strange, ...known]);
  expect(done).toEqual([...known.map(() => "known 200"), "strange 401"]);
  expect(hanging.asked).toHaveLength(3);
});
