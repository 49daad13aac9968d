import { expect, test } from "bun:test";
import type { Confiner } from "../../src/base/confine.ts";
import { become, type Launch, launchEnvironment, parseLaunch } from "../../src/base/launch.ts";

const launch: Launch = { file: "/bin/x", cwd: "/", required: false, bounds: [[4, 0]], files: [["/usr", "read"]], isStrict: false };
const environ = (env: Record<string, string>): Uint8Array => Buffer.from(Object.entries(env).map(([name, value]) => `${name}=${value}\0`).join(""));

test("a server's variables reach it unchanged, and nothing of them steers the launcher", () => {
  const env = { LD_PRELOAD: "evil.so", BUN_OPTIONS: "--preload evil", PATH: "/bin", EMPTY: "", ODD: "a=b\nü", ONE_MCP_LIFE: "life.1" };
  const own = launchEnvironment(launch, env);
  expect(Object.keys(own).every((name) => name.startsWith("ONE_MCP_"))).toBeTrue();
  expect(own["ONE_MCP_LIFE"]).toBe("life.1");
  const parsed = parseLaunch(environ(own));
  expect(parsed?.launch).toEqual(launch);
  expect(parsed?.env.map((entry) => Buffer.from(entry).toString())).toEqual(Object.entries(env).map(([name, value]) => `${name}=${value}\0`));
});

test("without a mark none is carried, and a stranger's environment says nothing", () => {
  expect(Object.keys(launchEnvironment(launch, {}))).toEqual(["ONE_MCP_LAUNCH"]);
  expect(parseLaunch(environ({ PATH: "/bin" }))).toBeNull();
  expect(parseLaunch(new Uint8Array())).toBeNull();
});

function confinerOf(problems: readonly string[], error: number) {
  const became: string[] = [];
  const confiner: Confiner = { landlock: 0, filters: false, confine: () => problems, become: (file) => (became.push(file), error) };
  return { confiner, became };
}

test("what cannot be had is said, and where all is required nothing is started", () => {
  const said: string[] = [];
  const lacking = confinerOf(["files: error 95"], 2);
  expect(become(lacking.confiner, launch, ["x"], [], (problem) => said.push(problem))).toEqual({ code: 127, problems: ["/bin/x cannot be run: error 2"] });
  expect([said, lacking.became]).toEqual([["files: error 95"], ["/bin/x"]]);
  const required = confinerOf(["files: error 95"], 2);
  expect(become(required.confiner, { ...launch, required: true }, ["x"], [], () => undefined)).toEqual({ code: 126, problems: ["files: error 95"] });
  expect(required.became).toEqual([]);
  expect(become(confinerOf([], 13).confiner, launch, ["x"], [], () => undefined).code).toBe(126);
  expect(become(required.confiner, { ...launch, cwd: "/no/such/folder" }, ["x"], [], () => undefined)).toEqual({ code: 126, problems: ["the folder /no/such/folder cannot be entered"] });
});
