import { describe, expect, test } from "bun:test";
import { defaultLimits, fault } from "../../src/base/index.ts";
import type { Config } from "../../src/config/index.ts";
import type { Watching } from "../../src/protocol/index.ts";
import { rawOf, ServerError } from "../../src/protocol/index.ts";
import { configOf, type ScriptedBackend, specOf } from "../fixtures/pool.ts";
import { callTool, type Stage, stageOf } from "../fixtures/stage.ts";

const able = { resources: '{"subscribe":true}' };
const resource = (uri: string): string => `{"uri":"${uri}","name":"${uri}"}`;
const offer = (backend: ScriptedBackend, ...uris: string[]): void => backend.offer({ resources: uris.map(resource) }, able);

interface Ears {
  readonly watching: Watching;
  readonly heard: string[];
}

function watch({ hub }: Stage, more: { server?: string | null; scopes?: readonly string[] | null; id?: string } = {}): Ears {
  const heard: string[] = [];
  const watching = hub.watch({
    principal: { id: more.id ?? "alice", scopes: more.scopes ?? null },
    selection: { server: more.server ?? null },
    client: { info: null, capabilities: "{}" },
    session: null,
    changed: () => undefined,
    updated: (uri, params) => heard.push(`${uri} ${rawOf(params)}`),
  });
  return { watching, heard };
}

/** Two servers, one resource each, `x:` and `y:`. */
async function stage(config: Config = configOf(specOf("alpha"), specOf("beta"))): Promise<Stage & { alpha: ScriptedBackend; beta: ScriptedBackend }> {
  const set = await stageOf(config);
  const alpha = set.pool.backend("alpha");
  const beta = set.pool.backend("beta");
  offer(alpha, "x://1");
  offer(beta, "y://1");
  await set.clock.advance(defaultLimits.noticeQuietMs);
  return { ...set, alpha, beta };
}

const settle = async ({ clock }: Stage): Promise<void> => clock.advance(defaultLimits.noticeQuietMs);

describe("a wish for a resource", () => {
  test("goes to its owner, and what the owner tells comes back as it was said", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    expect(await watching.subscribe("x://1")).toBe("subscribed");
    expect([set.alpha.subscribed, set.beta.asked]).toEqual([["x://1"], []]);
    set.alpha.update("x://1", '{"uri":"x://1","n":1.10}');
    set.beta.update("x://1");
    expect(heard).toEqual(['x://1 {"uri":"x://1","n":1.10}']);
  });

  test("is made as the watcher's calls are, with the extension that its owner alone has", async () => {
    const set = await stage();
    set.alpha.offer({ resources: ['{"uri":"x://1","name":"1"}'] }, { resources: '{"subscribe":true}', extensions: '{"x.example/own":{}}' });
    await settle(set);
    for (const server of [null, "alpha"]) expect(await watch(set, { server }).watching.subscribe("x://1")).toBe("subscribed");
    expect(await watch(set).watching.subscribe("y://1")).toBe("subscribed");
    expect([...set.alpha.askedAs, ...set.beta.askedAs].map(({ extensions }) => extensions ?? null)).toEqual([["x.example/own"], null, null]);
  });

  test("made twice is one, and is over when it is taken back or the watch ends", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    expect(await Promise.all([watching.subscribe("x://1"), watching.subscribe("x://1")])).toEqual(["subscribed", "subscribed"]);
    expect(set.alpha.subscribed).toEqual(["x://1"]);
    await watching.unsubscribe("x://1");
    await watching.unsubscribe("x://never");
    set.alpha.update("x://1");
    expect([set.alpha.subscribed, heard]).toEqual([[], []]);
    await watching.subscribe("x://1");
    watching.end();
    watching.end();
    await set.clock.settle();
    expect([set.alpha.subscribed, await watching.subscribe("x://1")]).toEqual([[], "unknown"]);
  });

  test("is unknown where nobody has the resource, or who may have it refuses; unsupported where it takes none", async () => {
    const set = await stage();
    const { watching } = watch(set);
    expect(await watching.subscribe("z://1")).toBe("unknown");
    set.alpha.subscribe = () => false;
    expect(await watching.subscribe("x://1")).toBe("unknown");
    set.beta.offer({ resources: [resource("y://1")] }, { resources: "{}" });
    expect(await watching.subscribe("y://1")).toBe("unsupported");
    expect(set.beta.asked).toEqual([]);
    expect(await watch(set, { server: "nobody" }).watching.subscribe("x://1")).toBe("unknown");
  });

  test("fails as the server fails, and can be made again", async () => {
    const set = await stage();
    const { watching } = watch(set);
    set.alpha.subscribe = () => Promise.reject(fault("BACKEND_TIMEOUT", { backend: "alpha" }));
    expect(await watching.subscribe("x://1").catch((thrown: { code: string }) => thrown.code)).toBe("BACKEND_TIMEOUT");
    set.alpha.subscribe = () => true;
    expect(await watching.subscribe("x://1")).toBe("subscribed");
  });

  test("is refused in the words of the one server that was asked, and in ours where several were", async () => {
    const set = await stage();
    const error = { code: -32602, message: "no sub", data: null, raw: '{"code":-32602,"message":"no sub"}' };
    for (const server of [set.alpha, set.beta]) server.subscribe = () => Promise.reject(new ServerError("alpha", "subscribe", error));
    const { watching } = watch(set);
    expect(await watching.subscribe("x://1").catch((thrown: unknown) => thrown)).toMatchObject({ error });
    offer(set.beta, "x://1");
    await settle(set);
    expect(await watching.subscribe("x://1")).toBe("unknown");
    expect(set.beta.asked).toEqual(["x://1"]);
  });

  test.each([() => false, () => Promise.reject(new ServerError("alpha", "subscribe", { code: -32602, message: "no sub", data: null, raw: "{}" }))])("tries the next owner where the first refuses", async (refused) => {
    const set = await stage();
    offer(set.beta, "x://1");
    await settle(set);
    set.alpha.subscribe = refused;
    const { watching, heard } = watch(set);
    expect(await watching.subscribe("x://1")).toBe("subscribed");
    expect([set.alpha.asked, set.beta.subscribed]).toEqual([["x://1"], ["x://1"]]);
    set.alpha.update("x://1");
    expect(heard).toEqual([]);
  });

  test("waits for servers that start, as a list does", async () => {
    const set = await stageOf(configOf(specOf("alpha")));
    const { watching } = watch(set);
    const wish = watching.subscribe("x://1");
    await set.clock.settle();
    offer(set.pool.backend("alpha"), "x://1");
    expect(await wish).toBe("subscribed");
  });

  test("that ends while its server is asked is given back", async () => {
    const set = await stage();
    const slow = Promise.withResolvers<boolean>();
    set.alpha.subscribe = () => slow.promise;
    const { watching, heard } = watch(set);
    const wish = watching.subscribe("x://1");
    await set.clock.settle();
    // What it says before its answer counts already.
    set.alpha.update("x://1");
    watching.end();
    slow.resolve(true);
    await wish;
    await set.clock.settle();
    expect([set.alpha.subscribed, heard.length]).toEqual([[], 1]);
  });

  test.each([
    ["subscriptionsPerWatchMax", 0],
    ["subscriptionsMax", 1],
  ] as const)("is refused beyond limits.%s", async (limit, already) => {
    const set = await stage({ ...configOf(specOf("alpha"), specOf("beta")), limits: { ...defaultLimits, [limit]: 1 } });
    const [one, other] = [watch(set), watch(set, { id: "bob" })];
    expect(await one.watching.subscribe("x://1")).toBe("subscribed");
    expect(await one.watching.subscribe("x://1")).toBe("subscribed");
    const next = already === 1 ? other : one;
    expect(await next.watching.subscribe("y://1").catch((thrown: Error) => thrown.message)).toContain(`limits.${limit} is 1`);
    one.watching.end();
    if (already === 1) expect(await other.watching.subscribe("y://1")).toBe("subscribed");
  });
});

describe("news of a resource", () => {
  test("reaches who subscribed to it; else who subscribed to one above it; else nobody", async () => {
    const set = await stage();
    const [exact, above, slash, other] = await Promise.all(
      ["x://1/a", "x://1", "x://1/", "x://1/b"].map(async (uri) => {
        const ears = watch(set, { server: "alpha" });
        await ears.watching.subscribe(uri);
        return ears.heard;
      }),
    );
    const news = (): number[] => [exact, above, slash, other].map((heard) => heard?.splice(0).length ?? -1);
    set.alpha.update("x://1/a");
    expect(news()).toEqual([1, 0, 0, 0]);
    set.alpha.update("x://1/c");
    expect(news()).toEqual([0, 1, 1, 0]);
    set.alpha.update("x://1?q");
    expect(news()).toEqual([0, 1, 0, 0]);
    set.alpha.update("x://12");
    set.alpha.update("z://9");
    expect(news()).toEqual([0, 0, 0, 0]);
  });

  test("of one caller's own process concerns that caller alone, and a part of a resource then its own wish above it", async () => {
    const set = await stage();
    const [alice, bob] = [watch(set), watch(set, { id: "bob" })];
    await alice.watching.subscribe("x://1");
    await bob.watching.subscribe("x://1");
    set.alpha.update("x://1", '{"uri":"x://1"}', "bob");
    expect([alice.heard.length, bob.heard.length]).toEqual([0, 1]);
    const own = watch(set, { server: "alpha" });
    await own.watching.subscribe("x://1/part");
    set.alpha.update("x://1/part", '{"uri":"x://1/part"}', "bob");
    expect([alice.heard.length, bob.heard.length, own.heard.length]).toEqual([0, 2, 0]);
  });

  test("of a resource that is known by an alias names the alias, of its parts too", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    const alias = "x-1mcp://beta/x%3A%2F%2F1";
    expect(await watching.subscribe(alias)).toBe("subscribed");
    expect([set.alpha.asked, set.beta.subscribed]).toEqual([[], ["x://1"]]);
    set.beta.update("x://1", '{"uri":"x://1","n":1.10}');
    set.beta.update("x://1/part");
    expect(heard).toEqual([`${alias} {"uri":"${alias}","n":1.10}`, `${alias}%2Fpart {"uri":"${alias}%2Fpart"}`]);
    await watching.unsubscribe(alias);
    expect(set.beta.subscribed).toEqual([]);
  });

  test("reaches only watches that may see the server, and every one of them", async () => {
    const set = await stage();
    const all = [watch(set), watch(set, { server: "alpha" }), watch(set, { scopes: ["server:alpha"], id: "bob" })];
    const blind = watch(set, { scopes: ["server:beta"], id: "eve" });
    expect(await Promise.all(all.map(({ watching }) => watching.subscribe("x://1")))).toEqual(["subscribed", "subscribed", "subscribed"]);
    expect(await blind.watching.subscribe("x://1")).toBe("unknown");
    set.alpha.update("x://1");
    expect([...all, blind].map(({ heard }) => heard.length)).toEqual([1, 1, 1, 0]);
    expect(set.alpha.subscribed).toHaveLength(3);
  });
});

describe("a new configuration", () => {
  test("keeps what is subscribed to at a server that stays: nothing is missed and nothing told", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    await watching.subscribe("x://1");
    await set.hub.propose(configOf(specOf("alpha"), specOf("beta"), specOf("gamma")));
    await settle(set);
    expect([set.alpha.subscribed, heard]).toEqual([["x://1"], []]);
    set.alpha.update("x://1");
    expect(heard).toHaveLength(1);
    watching.end();
    await set.clock.settle();
    expect(set.alpha.subscribed).toEqual([]);
  });

  test("moves it to the server's next process, where the resource may be another", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    await watching.subscribe("x://1");
    const adopted = set.hub.propose(configOf(specOf("alpha", { fingerprint: "2" }), specOf("beta")));
    await set.clock.settle();
    const next = set.pool.backends.get("alpha#2");
    if (next === undefined) throw new Error("no second process");
    offer(next, "x://1");
    await adopted;
    await settle(set);
    expect([set.alpha.subscribed, next.subscribed, heard]).toEqual([[], ["x://1"], ['x://1 {"uri":"x://1"}']]);
  });

  test("moves it to a next process that is not up to it yet, and refuses or falls silent at first, as soon as it is", async () => {
    const nots = [() => false, () => Promise.reject(fault("BACKEND_TIMEOUT", { backend: "alpha" })), () => Promise.reject(new ServerError("alpha", "subscribe", { code: -32603, message: "later", data: null, raw: "{}" }))];
    for (const not of nots) {
      const set = await stage();
      const { watching, heard } = watch(set);
      await watching.subscribe("x://1");
      const adopted = set.hub.propose(configOf(specOf("alpha", { fingerprint: "2" }), specOf("beta")));
      await set.clock.settle();
      const next = set.pool.backends.get("alpha#2") as ScriptedBackend;
      next.subscribe = not;
      offer(next, "x://1");
      await adopted;
      await settle(set);
      await set.clock.advance(defaultLimits.backoffMsMin);
      expect([next.subscribed, heard]).toEqual([[], []]);
      next.subscribe = () => true;
      await set.clock.advance(defaultLimits.backoffMsMin * 4);
      expect([next.subscribed, heard]).toEqual([["x://1"], ['x://1 {"uri":"x://1"}']]);
      expect(set.clock.pending).toBe(0);
    }
  });

  test("ends it at the server's former process at once, though a call is still under way there", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    await watching.subscribe("x://1");
    set.alpha.offer({ tools: ['{"name":"t","inputSchema":{"type":"object"}}'], resources: [resource("x://1")] }, { ...able, tools: "{}" });
    const running = Promise.withResolvers<never>();
    set.alpha.answer = () => running.promise;
    const call = callTool(set.hub, "alpha__t");
    await set.clock.settle();
    const adopted = set.hub.propose(configOf(specOf("alpha", { fingerprint: "2" }), specOf("beta")));
    await set.clock.settle();
    offer(set.pool.backends.get("alpha#2") as ScriptedBackend, "x://1");
    await adopted;
    await settle(set);
    expect([set.alpha.holds, set.alpha.subscribed, heard.length]).toEqual([1, [], 1]);
    running.reject(fault("BACKEND_GONE", { backend: "alpha" }));
    await call;
  });

  test("without the server, at whatever moment the server's next process agrees, is no news of it: what is gone changes no more", async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const set = await stage();
      const isThere: boolean[] = [];
      const lookAtIt = (): void => void isThere.push(set.hub.status().backends.some(({ name }) => name === "alpha"));
      const watching = set.hub.watch({ principal: { id: "alice", scopes: null }, selection: { server: null }, client: { info: null, capabilities: "{}" }, session: null, changed: () => undefined, updated: lookAtIt });
      await watching.subscribe("x://1");
      const asked = Promise.withResolvers<boolean>();
      const adopted = set.hub.propose(configOf(specOf("alpha", { fingerprint: "2" }), specOf("beta")));
      await set.clock.settle();
      const next = set.pool.backends.get("alpha#2") as ScriptedBackend;
      next.subscribe = () => asked.promise;
      offer(next, "x://1");
      await adopted;
      await set.clock.settle();
      asked.resolve(true);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await set.hub.propose(configOf(specOf("beta")));
      await settle(set);
      expect({ turns, isThere: isThere.filter((there) => !there) }).toEqual({ turns, isThere: [] });
    }
  });

  test("without the server leaves the wish waiting for whoever has the resource next", async () => {
    const set = await stage();
    const { watching, heard } = watch(set);
    await watching.subscribe("x://1");
    await set.hub.propose(configOf(specOf("beta")));
    await settle(set);
    expect([set.alpha.subscribed, heard]).toEqual([[], []]);
    offer(set.beta, "y://1", "x://1");
    await settle(set);
    expect([set.beta.subscribed, heard]).toEqual([["x://1"], ['x://1 {"uri":"x://1"}']]);
    set.alpha.update("x://1");
    set.beta.update("x://1");
    expect(heard).toHaveLength(2);
  });

  test("that comes while the next server is asked, which then refuses, is looked at as well", async () => {
    const set = await stage(configOf(specOf("alpha"), specOf("beta"), specOf("gamma")));
    const gamma = set.pool.backend("gamma");
    offer(gamma);
    const { watching, heard } = watch(set);
    await watching.subscribe("x://1");
    await set.hub.propose(configOf(specOf("beta"), specOf("gamma")));
    await settle(set);
    const slow = Promise.withResolvers<boolean>();
    set.beta.subscribe = () => slow.promise;
    offer(set.beta, "x://1");
    await settle(set);
    offer(gamma, "x://1");
    await settle(set);
    slow.resolve(false);
    await settle(set);
    expect([gamma.subscribed, heard]).toEqual([["x://1"], ['x://1 {"uri":"x://1"}']]);
  });

  test("by which the caller loses sight of the server ends the news of it", async () => {
    const tagged = (...tags: string[]): Config => configOf(specOf("alpha", { tags }), specOf("beta"));
    const set = await stage(tagged("work"));
    const { watching, heard } = watch(set, { scopes: ["tag:work"] });
    expect(await watching.subscribe("x://1")).toBe("subscribed");
    await set.hub.propose(tagged());
    await settle(set);
    set.alpha.update("x://1");
    expect([set.alpha.subscribed, heard]).toEqual([[], []]);
    await set.hub.propose(tagged("work"));
    await settle(set);
    expect([set.alpha.subscribed, heard.length]).toEqual([["x://1"], 1]);
  });

  test("in which the server refuses, or fails, leaves the wish waiting until it is taken back", async () => {
    const set = await stage();
    const ears = [watch(set), watch(set)];
    for (const { watching } of ears) await watching.subscribe("x://1");
    set.alpha.subscribe = () => Promise.reject(fault("BACKEND_DOWN"));
    await set.hub.propose(configOf(specOf("alpha"), specOf("gamma")));
    await settle(set);
    expect(set.alpha.subscribed).toEqual([]);
    ears[0]?.watching.end();
    set.alpha.subscribe = () => true;
    offer(set.alpha, "x://1", "x://2");
    await settle(set);
    expect([set.alpha.subscribed, ears.map(({ heard }) => heard.length)]).toEqual([["x://1"], [0, 1]]);
  });

  test("that comes while a server is asked takes the wish with it", async () => {
    const set = await stage();
    const slow = Promise.withResolvers<boolean>();
    set.alpha.subscribe = () => slow.promise;
    const { watching, heard } = watch(set);
    const wish = watching.subscribe("x://1");
    await set.clock.settle();
    set.alpha.subscribe = () => true;
    await set.hub.propose(configOf(specOf("alpha"), specOf("gamma")));
    slow.resolve(true);
    expect(await wish).toBe("subscribed");
    await settle(set);
    expect(set.alpha.subscribed).toEqual(["x://1"]);
    set.alpha.update("x://1");
    expect(heard).toHaveLength(1);
  });
});

describe("a wish to follow a task", () => {
  const task = { backend: "alpha", taskId: "t-1" };
  const topic = "\u0000t-1";

  function follower(set: Stage, more: Parameters<typeof watch>[1] = {}) {
    const told: string[] = [];
    const watching = set.hub.watch({ principal: { id: more.id ?? "alice", scopes: more.scopes ?? null }, selection: { server: more.server ?? null }, client: { info: null, capabilities: "{}" }, session: null, changed: () => undefined, updated: (uri) => told.push(`updated ${uri}`), told: (one, params) => told.push(`${one.backend}#${one.taskId} ${rawOf(params)}`) });
    return { watching, told };
  }

  test("goes to the server that has it, whether or not that tells of resources, and to nobody who has one of the same id", async () => {
    const set = await stage();
    const { watching, told } = follower(set);
    expect(await watching.follow(task)).toBe("subscribed");
    expect([set.alpha.subscribed, set.beta.asked]).toEqual([[topic], []]);
    set.alpha.update(topic, '{"taskId":"t-1","n":1.10}');
    set.beta.update(topic, '{"taskId":"t-1"}');
    set.alpha.update("\u0000t-1/part", '{"taskId":"t-1/part"}');
    set.alpha.update("\u0000t-2", '{"taskId":"t-2"}', "alice");
    set.alpha.update(topic, '{"taskId":"t-1"}', "bob");
    expect(told).toEqual(['alpha#t-1 {"taskId":"t-1","n":1.10}']);
    await watching.unfollow(task);
    expect(set.alpha.subscribed).toEqual([]);
  });

  test("cannot be made by naming the task as a resource", async () => {
    const set = await stage();
    const { watching } = follower(set);
    for (const uri of [topic, "\u0000alpha/t-1"]) expect(await watching.subscribe(uri)).toBe("unknown");
    expect([set.alpha.asked, set.beta.asked]).toEqual([[], []]);
  });

  test("is unknown where the server is none that the watch sees, or refuses", async () => {
    const set = await stage();
    expect(await follower(set, { server: "beta" }).watching.follow(task)).toBe("unknown");
    expect(await follower(set, { scopes: ["server:beta"] }).watching.follow(task)).toBe("unknown");
    expect(await follower(set).watching.follow({ backend: "gone", taskId: "t-1" })).toBe("unknown");
    set.alpha.subscribe = () => false;
    expect(await follower(set).watching.follow(task)).toBe("unknown");
  });

  test("lasts through other configurations, and through one in which the server is not there; nothing is made up", async () => {
    const set = await stage();
    const { watching, told } = follower(set);
    await watching.follow(task);
    await set.hub.propose(configOf(specOf("beta")));
    await settle(set);
    await set.hub.propose(configOf(specOf("alpha"), specOf("beta")));
    offer(set.pool.backend("alpha"), "x://1");
    await settle(set);
    const back = set.pool.backend("alpha");
    expect(back.subscribed).toEqual([topic]);
    expect(told).toEqual([]);
    back.update(topic, '{"taskId":"t-1"}');
    expect(told).toEqual(['alpha#t-1 {"taskId":"t-1"}']);
  });

  test("whose news name a resource lets its follower read that, and nobody else", async () => {
    const set = await stage();
    const { watching } = follower(set);
    await watching.follow(task);
    set.alpha.update(topic, '{"taskId":"t-1","result":{"content":[{"type":"resource_link","uri":"odd:1"}]}}');
    expect(await watching.subscribe("odd:1")).toBe("subscribed");
    expect(await follower(set, { id: "bob" }).watching.subscribe("odd:1")).toBe("unknown");
  });
});
