import { expect, test } from "bun:test";
import { createChallenges } from "../../src/auth/challenge.ts";
import { createResources } from "../../src/auth/resources.ts";

const resources = createResources({ publicUrl: null, listenUrl: () => "http://127.0.0.1:3050/mcp", allowedHosts: [] }, ["/mcp"]);
const local = "http://localhost:3050/mcp/github";
const metadata = 'resource_metadata="http://localhost:3050/.well-known/oauth-protected-resource/mcp/github"';

test("without credentials it says where to begin, and no error", () => {
  expect(createChallenges(resources, []).missing(local)).toBe(`Bearer ${metadata}`);
  expect(createChallenges(resources, ["tag:web", "offline_access", "tag:b"]).missing(local)).toBe(`Bearer scope="tag:web tag:b", ${metadata}`);
});

test("a bad token is an error, too little scope another, which names everything that is needed", () => {
  const { invalid, scope } = createChallenges(resources, ["tag:web"]);
  expect(invalid(local, "the token has expired")).toBe(`Bearer error="invalid_token", error_description="the token has expired", ${metadata}`);
  expect(scope(local, ["server:a", "server:b"])).toBe(`Bearer error="insufficient_scope", scope="server:a server:b", ${metadata}`);
});

test("nothing that somebody sent is repeated in it", () => {
  expect(createChallenges(resources, []).missing('http://localhost:3050/mcp/"x')).toBe('Bearer resource_metadata="http://127.0.0.1:3050/.well-known/oauth-protected-resource"');
});

test("where there are no metadata it names the realm", () => {
  const { missing, invalid } = createChallenges(null, ["tag:web"]);
  expect([missing(local), invalid(local, "no")]).toEqual(['Bearer realm="1mcp"', 'Bearer realm="1mcp", error="invalid_token", error_description="no"']);
});
