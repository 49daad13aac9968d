/** The guard of the door, as it stands before a proxy that listens. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { handleIn, PageBrowser } from "../fixtures/approver.ts";
import { runHere } from "../fixtures/cli.ts";
import { createGuarded } from "../fixtures/guarded.ts";
import { createOAuthJourney } from "../fixtures/oauthClient.ts";
import { openOpenId } from "../fixtures/openId.ts";
import { pidServer, placeOf } from "../fixtures/placed.ts";

test("what stands beside the endpoints is put together too: numbers, logins, grants, and what servers define", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const running = await place.start({ insecureNoAuth: false });
  const { origin } = new URL(running.url);
  const state = place.stateDir;
  const token = (await Bun.file(join(state, "token")).text()).trim();
  const asked = async (path: string, init: RequestInit = {}): Promise<number> => (await fetch(`${origin}${path}`, { redirect: "manual", ...init })).status;
  const known = { headers: { Authorization: `Bearer ${token}` } };
  expect([await asked("/metrics"), await asked("/metrics", known), await asked("/health/mcp/none", known)]).toEqual([401, 200, 404]);
  const asSelected = (preset: string): Promise<number> => asked(`/mcp?preset=${preset}`, { ...known, method: "POST" });
  await place.write({ presets: { few: { filter: "server:raw" } }, mcpServers: { raw: pidServer } });
  await running.reload();
  expect([await asSelected("few"), await asSelected("none"), await asked("/connect/raw?link=none")]).toEqual([415, 400, 401]);
  const registered = await fetch(`${origin}/register`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ client_name: "x", redirect_uris: ["http://127.0.0.1/cb"], token_endpoint_auth_method: "none" }) });
  const { client_id } = (await registered.json()) as { client_id: string };
  const query = new URLSearchParams({ response_type: "code", client_id, redirect_uri: "http://127.0.0.1/cb", state: "s", code_challenge: "a".repeat(43), code_challenge_method: "S256" });
  expect([await asked(`/authorize?${query}`), await asked("/oauth/callback?state=none")]).toEqual([200, 400]);
  const flags = ["--config", place.configPath, "--state-dir", state];
  await place.logged('"message":"ready"');
  const ran = async (...words: string[]) => runHere([...words, ...flags], { PATH: process.env["PATH"] ?? "" }).then(({ code, stderr }) => ({ code, stderr }));
  expect(await ran("mcp", "pins", "raw")).toEqual({ code: 0, stderr: "" });
  expect(await ran("mcp", "trust", "raw")).toEqual({ code: 0, stderr: "" });
  expect((await ran("auth", "revoke", "--all")).code).toBe(0);
  expect(await asked("/metrics", known)).toBe(401);
});

test("a person's link to a login at a server opens for that person alone, who says first who that is; the operator needs none", async () => {
  await using company = await openOpenId();
  await using guarded = createGuarded();
  await using place = await placeOf({ auth: { signIn: { issuer: company.issuer, clientId: "our:client", emailDomains: { "example.com": ["server:remote"] } } }, mcpServers: { remote: { url: guarded.url, credentials: "per-user" } } });
  const { url } = await place.start({ insecureNoAuth: false });
  const { origin } = new URL(url);
  const started = await place.operator("/logins/remote/start", "POST", { by: "browser" });
  await new PageBrowser(origin).open(((await started.json()) as { url: string }).url);
  await place.logged('"message":"ready"');

  await using journey = createOAuthJourney(`${origin}/mcp/remote`);
  const adas = new PageBrowser(origin);
  const handle = handleIn((await adas.open(await journey.begin())).text);
  await adas.open(`/sign-in?next=${encodeURIComponent("/")}`);
  await adas.open("/authorize", { handle, decision: "approve", scope: "server:remote" });
  await using ada = await journey.connected();
  const refusal = await ada.callTool({ name: "whoami" }).then(JSON.stringify, (thrown: unknown) => String((thrown as Error).message));
  const [link = ""] = /http:\S+\/connect\/remote\?link=[\w-]+/.exec(refusal) ?? [];

  const first = await fetch(link, { redirect: "manual" });
  expect([first.status, first.headers.get("location")]).toEqual([302, `/sign-in?next=${encodeURIComponent(link.slice(origin.length))}`]);
  expect((await adas.open(link)).text).toContain("Log in at");
  company.bends.person = { sub: "bob", email: "bob@example.com", email_verified: true };
  expect((await new PageBrowser(origin).open(link)).status).toBe(401);
  expect((await fetch(`${origin}/oauth/authorize/remote`, { redirect: "manual" })).status).toBe(401);
});
