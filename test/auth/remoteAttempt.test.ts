import { expect, test } from "bun:test";
import { Attempt, type AttemptOptions } from "../../src/auth/remoteAttempt.ts";
import { type Kept, nothingKept } from "../../src/auth/remoteStore.ts";
import { Secret } from "../../src/base/index.ts";
import { oauth } from "../fixtures/logins.ts";

const one = { issuer: "https://one.example" };
const two = { issuer: "https://two.example" };

function attemptOf(more: Partial<AttemptOptions> = {}, known: Partial<Kept> = {}) {
  const keeping = {
    kept: { ...nothingKept, ...known } as Kept,
    async keep(change: Partial<Kept>) {
      keeping.kept = { ...keeping.kept, ...change };
    },
  };
  const attempt = new Attempt({ server: "s", url: new URL("https://mcp.example/mcp"), oauth: oauth(), keeping, redirectUrl: "http://127.0.0.1/cb", clientMetadataUrl: null, state: "st", discovery: null, clientsMax: 2, now: () => 1000, scopes: ["asked"], ...more });
  return { attempt, keeping };
}

// Threat row 53.
test("a configured client is for one authorization server: the first, or the one that is named, and no other gets its secret", async () => {
  const written = oauth({ clientId: "c", clientSecret: new Secret("s3cret") });
  const { attempt, keeping } = attemptOf({ oauth: written });
  expect(await attempt.clientInformation(one)).toEqual({ client_id: "c", client_secret: "s3cret", ...one });
  expect(await attempt.clientInformation(two)).toBeUndefined();
  expect(keeping.kept.clientIssuer).toBe(one.issuer);
  const named = attemptOf({ oauth: { ...written, issuer: two.issuer } }).attempt;
  expect([await named.clientInformation(one), await named.clientInformation(two)]).toEqual([undefined, { client_id: "c", client_secret: "s3cret", ...two }]);
});

test("what was registered is known by its authorization server, the newest few", async () => {
  const { attempt, keeping } = attemptOf();
  for (const [client_id, from] of [["1", one], ["2", two], ["3", one], ["4", { issuer: "https://three.example" }]] as const) await attempt.saveClientInformation({ client_id, ...from });
  expect([(await attempt.clientInformation(one))?.client_id, await attempt.clientInformation(two), keeping.kept.clients.length]).toEqual(["3", undefined, 2]);
  expect(await attempt.clientInformation()).toBeUndefined();
});

test("tokens are kept with their end, their authorization server and their scopes", async () => {
  const { attempt, keeping } = attemptOf();
  attempt.saveDiscoveryState({ authorizationServerUrl: "https://one.example/" });
  await attempt.saveTokens({ access_token: "a", token_type: "Bearer", expires_in: 60 });
  expect(keeping.kept).toMatchObject({ gotAt: 1000, expiresAt: 61_000, issuer: "https://one.example/", scopes: ["asked"] });
  await attempt.saveTokens({ access_token: "a", token_type: "Bearer", scope: "x y", ...one });
  expect(keeping.kept).toMatchObject({ expiresAt: null, issuer: one.issuer, scopes: ["x", "y"] });
  expect([attempt.tokens(one)?.access_token, attempt.tokens()?.access_token, attempt.tokens(two)]).toEqual(["a", "a", undefined]);
});

test("what is no longer good is forgotten, as far as it is said", async () => {
  const { attempt, keeping } = attemptOf({ discovery: { authorizationServerUrl: one.issuer } }, { tokens: { access_token: "a", token_type: "Bearer" }, clients: [{ client_id: "1", ...one }, { client_id: "2", ...two }] });
  await attempt.invalidateCredentials("verifier");
  expect(keeping.kept.tokens).not.toBeNull();
  await attempt.invalidateCredentials("client");
  expect(keeping.kept.clients).toEqual([{ client_id: "2", ...two }]);
  await attempt.invalidateCredentials("tokens");
  await attempt.invalidateCredentials("discovery");
  expect([keeping.kept.tokens, attempt.discoveryState(), attempt.issuer]).toEqual([null, undefined, null]);
});

test("where a person is sent is kept, unless no browser should open it", () => {
  const { attempt } = attemptOf();
  attempt.redirectToAuthorization(new URL("https://login.example/a"));
  expect(attempt.target?.href).toBe("https://login.example/a");
  expect(() => attempt.redirectToAuthorization(new URL("javascript:alert(1)"))).toThrow("no browser should open");
});

test("nothing is redeemed that nobody was sent for", () => {
  const { attempt } = attemptOf();
  expect(() => attempt.codeVerifier()).toThrow("nobody was sent there");
  attempt.saveCodeVerifier("v");
  expect([attempt.codeVerifier(), attempt.state(), attempt.redirectUrl]).toEqual(["v", "st", "http://127.0.0.1/cb"]);
});

test("as a client of its own it needs no browser, and says what it asks for", () => {
  const { attempt } = attemptOf({ oauth: oauth({ grant: "client_credentials", clientId: "c", scopes: ["a", "b"] }), clientMetadataUrl: "https://x.example/c.json" });
  expect([attempt.redirectUrl, attempt.clientMetadataUrl, attempt.clientMetadata.scope, attempt.clientMetadata.grant_types]).toEqual([undefined, "https://x.example/c.json", "a b", ["client_credentials"]]);
  expect([attempt.prepareTokenRequest?.("x")?.toString(), attempt.prepareTokenRequest?.()?.toString()]).toEqual(["grant_type=client_credentials&scope=x", "grant_type=client_credentials"]);
  expect(attemptOf({ redirectUrl: null }).attempt.clientMetadata.redirect_uris).toEqual([]);
});

test("it knows what the authorization server says of itself", () => {
  const { attempt } = attemptOf();
  expect([attempt.issuer, attempt.namesItself]).toEqual([null, false]);
  attempt.saveDiscoveryState({ authorizationServerUrl: "https://one.example/", authorizationServerMetadata: { issuer: one.issuer, authorization_response_iss_parameter_supported: true } as never });
  expect([attempt.issuer, attempt.namesItself]).toEqual([one.issuer, true]);
});
