import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Grants, jsonOf, scopesOf } from "../../src/auth/grants.ts";
import { openStore } from "../../src/auth/store.ts";
import { defaultLimits, type Limits } from "../../src/base/index.ts";
import { granted, openAuth, opens } from "../fixtures/auth.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { temporaryDir } from "../fixtures/program.ts";

test("what another process ends is ended here within five seconds, streams included", async () => {
  await using stage = await openAuth();
  const other = await stage.beside();
  const ended: string[] = [];
  stage.auth.onEnded((ids) => ended.push(...ids));
  const { access } = await granted(stage);
  expect([await opens(stage.auth, access), await opens(other, access)]).toEqual([["tag:web"], ["tag:web"]]);
  const [grant] = other.operator.grants();
  other.operator.revoke(grant?.id ?? "");
  expect(await opens(other, access)).toBe(false);
  await stage.clock.advance(5_000);
  expect([await opens(stage.auth, access), ended]).toEqual([false, [grant?.id ?? ""]]);
});

test("the operator's own token that another process replaced is known here", async () => {
  await using stage = await openAuth();
  const other = await stage.beside();
  const before = (await Bun.file(`${stage.stateDir}/token`).text()).trim();
  other.operator.revoke("operator");
  await other.close();
  expect(await opens(stage.auth, before)).toBeNull();
  await stage.clock.advance(5_000);
  expect(await opens(stage.auth, before)).toBe(false);
  const after = (await Bun.file(`${stage.stateDir}/token`).text()).trim();
  // It is read from the file, which takes turns of the event loop and no time of the clock.
  while ((await opens(stage.auth, after)) === false) await stage.clock.settle();
  expect([await opens(stage.auth, before), await opens(stage.auth, after)]).toEqual([false, null]);
});

test("a grant that expires ends by itself, and is told of as ended", async () => {
  await using stage = await openAuth();
  const ended: string[] = [];
  stage.auth.onEnded((ids) => ended.push(...ids));
  const { grant, token } = stage.auth.operator.createToken({ name: "short", scopes: null, lifeMs: 10_000 });
  const verdict = await stage.auth.verify({ authorization: `Bearer ${token}`, resource: "http://127.0.0.1:3050/mcp" });
  expect(verdict).toMatchObject({ ok: true, expiresAt: stage.clock.now() + 10_000 });
  await stage.clock.advance(10_000);
  expect(await opens(stage.auth, token)).toBe(false);
  await stage.clock.advance(2_000);
  expect(ended).toEqual([grant.id]);
});

test("when it was used is written a while later, and at the end, not with every call", async () => {
  await using stage = await openAuth();
  const { token } = stage.auth.operator.createToken({ name: "ci", scopes: null, lifeMs: 1_000_000 });
  const usedAt = stage.clock.now();
  await opens(stage.auth, token);
  expect(stage.auth.operator.grants()[0]?.usedAt).toBeNull();
  await stage.clock.advance(60_000);
  expect(stage.auth.operator.grants()[0]?.usedAt).toBe(usedAt);
  await opens(stage.auth, token);
  const again = await stage.beside();
  await stage.auth.close();
  expect(again.operator.grants()[0]?.usedAt).toBe(usedAt + 60_000);
});

test("grants outlive a restart; of their tokens, codes and cookies nothing but digests is on the disk", async () => {
  await using stage = await openAuth();
  const { access, refresh, code, clientId } = await granted(stage);
  const { token } = stage.auth.operator.createToken({ name: "ci", scopes: null, lifeMs: 1_000_000 });
  const link = stage.auth.operator.openLink().split("=")[1] ?? "";
  const again = await stage.beside();
  expect([await opens(again, access), await opens(again, token)]).toEqual([["tag:web"], null]);
  const files = [...new Bun.Glob("auth.db*").scanSync(stage.stateDir)];
  const bytes = Buffer.concat(await Promise.all(files.map((file) => Bun.file(`${stage.stateDir}/${file}`).bytes())));
  expect(bytes.includes(clientId)).toBe(true);
  for (const secret of [access, refresh, code, token, link]) expect(bytes.includes(secret)).toBe(false);
});

test("scopes are kept as they were given; null is everything", () => {
  expect([scopesOf(jsonOf(["a", "b"])), scopesOf(jsonOf([])), scopesOf(jsonOf(null))]).toEqual([["a", "b"], [], null]);
});

describe("grants of people", () => {
  const ada = { id: "p_ada", name: "Ada" };
  const of = (person: typeof ada | null) => ({ kind: "code", name: "Editor", clientId: "c", scopes: ["tag:web"], resource: null, refreshes: false, expiresAt: null, idleUntil: null, person }) as const;

  async function open(limits: Partial<Limits>): Promise<{ readonly grants: Grants; left(): readonly (string | undefined)[] } & AsyncDisposable> {
    const folder = await temporaryDir();
    const store = await openStore(`${folder.path}/state`);
    const clock = createTestClock();
    const grants = new Grants({ store, clock, random: (bytes) => randomBytes(bytes), limits: { ...defaultLimits, ...limits } });
    const end = async (): Promise<void> => {
      store.close();
      await folder[Symbol.asyncDispose]();
    };
    return { grants, left: () => grants.list().map(({ person }) => person).sort(), [Symbol.asyncDispose]: end };
  }

  test("take no room of the operator's, nor of anybody else's", async () => {
    await using stage = await open({ grantsMax: 2 });
    for (const person of [null, null, ada, ada, ada, { id: "p_bob", name: "Bob" }]) stage.grants.create(of(person));
    expect(stage.left()).toEqual(["Ada", "Ada", "Bob", undefined, undefined]);
  });

  test("are no more in all than the limit says", async () => {
    await using stage = await open({ personGrantsMax: 2 });
    for (const name of ["A", "B", "C"]) stage.grants.create(of({ id: `p_${name}`, name }));
    stage.grants.create(of(null));
    expect(stage.left()).toHaveLength(3);
  });

  test("end alone while there is another one of the same person", async () => {
    await using stage = await open({});
    const [one, two] = [stage.grants.create(of(ada)), stage.grants.create(of(ada))];
    stage.grants.end(one);
    expect(stage.grants.hear()).toEqual([one]);
    stage.grants.end(two);
    expect(stage.grants.hear()).toEqual([two, "p_ada"]);
  });
});
