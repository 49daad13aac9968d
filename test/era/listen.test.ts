import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { allJson, bob, createWorld, gate, key, nextEvent, nextJson, type World } from "../fixtures/era.ts";
import { located } from "../fixtures/serve.ts";

describe("subscriptions/listen", () => {
  // Checklist: N26, B25
  test("acknowledges first, then tells of exactly the lists that were asked for, tagged with its id", async () => {
    const { modern, serve } = createWorld();
    const answer = await modern("subscriptions/listen", { notifications: { toolsListChanged: true, promptsListChanged: false } }, { id: "sub" });
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    const first = await nextEvent(answer);
    expect(first?.id).toBeNull();
    expect(JSON.parse(first?.data ?? "")).toEqual({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params: { notifications: { toolsListChanged: true }, _meta: { [key.subscription]: "sub" } } });
    serve.announce("prompts");
    serve.announce("tools");
    expect(await nextJson(answer)).toEqual({ jsonrpc: "2.0", method: "notifications/tools/list_changed", params: { _meta: { [key.subscription]: "sub" } } });
  });

  test("leaves out of the acknowledgement what is not carried", async () => {
    const { modern } = createWorld();
    const answer = await modern("subscriptions/listen", { notifications: { resourcesListChanged: true, strange: true } });
    expect((await nextJson(answer)).params.notifications).toEqual({ resourcesListChanged: true });
  });

  // Checklist: N29
  test("keeps several apart, each id in its own JSON type", async () => {
    const { modern, serve } = createWorld();
    const [text, number] = await Promise.all(["1", 1].map((id) => modern("subscriptions/listen", { notifications: { toolsListChanged: true } }, { id })));
    serve.announce("tools");
    for (const [answer, id] of [[text, "1"], [number, 1]] as const) {
      if (answer === undefined) throw new Error("no answer");
      expect((await nextJson(answer)).params._meta[key.subscription]).toBe(id);
      expect((await nextJson(answer)).params._meta[key.subscription]).toBe(id);
    }
  });

  test("needs to be told for what, and is bounded", async () => {
    const { modern, serve } = createWorld();
    expect((await modern("subscriptions/listen")).json.error.code).toBe(-32602);
    serve.watchesMax = 0;
    const refused = await modern("subscriptions/listen", { notifications: {} }, { id: 5 });
    expect([refused.status, refused.json.id, refused.json.error.data.code]).toEqual([429, 5, "LIMIT_REACHED"]);
  });

  test("ends when its client leaves, by whichever sign that is noticed", async () => {
    const { modernSent, serve, eras } = createWorld();
    const sent = modernSent("subscriptions/listen", { notifications: { toolsListChanged: true } });
    const other = modernSent("subscriptions/listen", { notifications: { toolsListChanged: true } });
    await sent.answer;
    expect(serve.watches.size).toBe(2);
    sent.hangUp();
    (await other.answer).stream?.cancel();
    expect(serve.watches.size).toBe(0);
    expect(eras.status().streams).toBe(0);
  });

  // Checklist: N28
  test("is answered when the program ends, and then closed", async () => {
    const { modern, serve, eras } = createWorld();
    const answer = await modern("subscriptions/listen", { notifications: { toolsListChanged: true } }, { id: 3 });
    await eras.close();
    const messages = await allJson(answer);
    expect(messages.at(-1)).toEqual({ jsonrpc: "2.0", id: 3, result: { resultType: "complete", _meta: { [key.subscription]: 3, [key.serverInfo]: { name: "1mcp", version: "9.9.9" } } } });
    expect(serve.watches.size).toBe(0);
  });

  test("hears a heartbeat while nothing happens", async () => {
    const { modern, clock } = createWorld({ heartbeatMs: 100 });
    const answer = await modern("subscriptions/listen", { notifications: {} });
    await nextEvent(answer);
    await clock.advance(200);
    expect(await answer.stream?.next()).toStartWith(":");
  });
});

describe("listening to single resources", () => {
  const acknowledged = async (answer: Parameters<typeof nextJson>[0]): Promise<unknown> => {
    const first = await nextJson(answer);
    expect(first.method).toBe("notifications/subscriptions/acknowledged");
    return first.params.notifications;
  };

  // Checklist: N27
  test("acknowledges those that somebody tells of, each once, and tells of exactly those, tagged", async () => {
    const { modern, serve } = createWorld();
    const answer = await modern("subscriptions/listen", { notifications: { resourceSubscriptions: ["a://1", "b://no", "a://1", "a://2"] } }, { id: "sub" });
    expect(await acknowledged(answer)).toEqual({ resourceSubscriptions: ["a://1", "a://2"] });
    expect(serve.subscribed()).toEqual(["a://1", "a://2"]);
    serve.update("a://2", { uri: "a://2", title: "kept", _meta: { "x.example/kept": 1.5 } });
    expect(await nextJson(answer)).toEqual({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri: "a://2", title: "kept", _meta: { "x.example/kept": 1.5, [key.subscription]: "sub" } } });
    serve.update("a://1");
    expect((await nextJson(answer)).params).toEqual({ uri: "a://1", _meta: { [key.subscription]: "sub" } });
  });

  test("names no resources where none can be subscribed to, whether refused or failed", async () => {
    const { modern, serve } = createWorld();
    serve.subscribe = (uri) => (uri === "a://1" ? "unsupported" : Promise.reject(new Error("gone")));
    const answer = await modern("subscriptions/listen", { notifications: { promptsListChanged: true, resourceSubscriptions: ["a://1", "a://2"] } });
    expect(await acknowledged(answer)).toEqual({ promptsListChanged: true });
  });

  test("what happens before the acknowledgement is told after it, each news once", async () => {
    const { modern, serve } = createWorld();
    const slow = gate<"subscribed">();
    serve.subscribe = (uri) => (uri === "a://slow" ? slow.promise : "subscribed");
    const answer = await modern("subscriptions/listen", { notifications: { toolsListChanged: true, resourceSubscriptions: ["a://fast", "a://slow"] } });
    await Promise.resolve();
    serve.announce("tools");
    serve.update("a://fast", { uri: "a://fast", turn: 1 });
    serve.announce("tools");
    serve.update("a://fast", { uri: "a://fast", turn: 2 });
    slow.open("subscribed");
    expect(await acknowledged(answer)).toEqual({ toolsListChanged: true, resourceSubscriptions: ["a://fast", "a://slow"] });
    expect((await nextJson(answer)).method).toBe("notifications/tools/list_changed");
    expect((await nextJson(answer)).params).toMatchObject({ uri: "a://fast", turn: 2 });
  });

  test("more early news of parts than are kept become news of the resources themselves", async () => {
    const { modern, serve } = createWorld({ subscriptionsPerWatchMax: 2 });
    const slow = gate<"subscribed">();
    serve.subscribe = (uri) => (uri === "a://slow" ? slow.promise : "subscribed");
    const answer = await modern("subscriptions/listen", { notifications: { resourceSubscriptions: ["a://fast", "a://slow"] } });
    await Promise.resolve();
    const [watch] = serve.watches;
    for (const part of [1, 2, 3]) watch?.updated(`a://fast/${part}`, located(`{"uri":"a://fast/${part}"}`));
    slow.open("subscribed");
    await acknowledged(answer);
    expect((await nextJson(answer)).params.uri).toBe("a://fast");
    expect((await nextJson(answer)).params.uri).toBe("a://slow");
  });

  test("who does not answer in time is not acknowledged and not subscribed to", async () => {
    const { modern, serve, clock } = createWorld({ subscribeMsMax: 100 });
    const late = gate<"subscribed">();
    serve.subscribe = (uri) => (uri === "a://late" ? late.promise : "subscribed");
    const answer = await modern("subscriptions/listen", { notifications: { resourceSubscriptions: ["a://1", "a://late"] } });
    await clock.advance(100);
    expect(await acknowledged(answer)).toEqual({ resourceSubscriptions: ["a://1"] });
    expect(serve.subscribed()).toEqual(["a://1"]);
  });

  test("several are independent, and the end of one gives back its own", async () => {
    const { modernSent, serve } = createWorld();
    const listen = (id: string | number, uri: string) => modernSent("subscriptions/listen", { notifications: { resourceSubscriptions: [uri] } }, { id });
    const [one, other] = [listen("1", "a://x"), listen(1, "a://x")];
    const answers = [await one.answer, await other.answer] as const;
    for (const answer of answers) await acknowledged(answer);
    serve.update("a://x");
    expect((await nextJson(answers[0])).params._meta[key.subscription]).toBe("1");
    expect((await nextJson(answers[1])).params._meta[key.subscription]).toBe(1);
    one.hangUp();
    expect(serve.subscribed()).toEqual(["a://x"]);
    serve.update("a://x");
    expect((await nextJson(answers[1])).params.uri).toBe("a://x");
  });

  test("whose client leaves before the acknowledgement says nothing more", async () => {
    const { modernSent, serve } = createWorld();
    const slow = gate<"subscribed">();
    serve.subscribe = () => slow.promise;
    const sent = modernSent("subscriptions/listen", { notifications: { resourceSubscriptions: ["a://1"] } });
    const answer = await sent.answer;
    sent.hangUp();
    slow.open("subscribed");
    expect(await allJson(answer)).toEqual([]);
    expect(serve.watches.size).toBe(0);
  });

  test("is answered when the program ends before the acknowledgement, too", async () => {
    const { modern, serve, eras } = createWorld();
    serve.subscribe = () => new Promise(() => undefined);
    const answer = await modern("subscriptions/listen", { notifications: { resourceSubscriptions: ["a://1"] } }, { id: 3 });
    await eras.close();
    expect((await allJson(answer)).map(({ id }) => id)).toEqual([3]);
  });

  test.each([
    ["no array", "a://1", "PARAMS_INVALID"],
    ["no strings", [7], "PARAMS_INVALID"],
    ["more than limits.subscriptionsPerWatchMax", ["a://1", "a://2", "a://3"], "LIMIT_REACHED"],
  ])("is refused for %s", async (_what, resourceSubscriptions, code) => {
    const { modern, serve } = createWorld({ subscriptionsPerWatchMax: 2 });
    expect((await modern("subscriptions/listen", { notifications: { resourceSubscriptions } })).json.error.data.code).toBe(code);
    expect(serve.watches.size).toBe(0);
  });
});

describe("listening to tasks", () => {
  const declared = { [key.capabilities]: { extensions: { "io.modelcontextprotocol/tasks": {} } } };
  const made = (world: World, taskId: string, backend: string): Promise<string> => {
    world.serve.answer = () => ({ kind: "task", result: located(`{"resultType":"task","taskId":"${taskId}","status":"working"}`), backend });
    return world.modern("tools/call", { name: "slow" }, { meta: declared }).then(({ json }) => json.result.taskId);
  };
  const listenTo = (world: World, taskIds: unknown, more: Parameters<World["modern"]>[2] & { uris?: string[] } = {}) =>
    world.modern("subscriptions/listen", { notifications: { taskIds, ...(more.uris === undefined ? {} : { resourceSubscriptions: more.uris }) } }, { id: "ear", meta: declared, ...more });
  const fulfilled = async (answer: Parameters<typeof nextJson>[0]): Promise<unknown> => (await nextJson(answer)).params.notifications;

  test("asks the server that has each, under its own id, and tells under the client's", async () => {
    const world = createWorld();
    const [one, other] = [await made(world, "t-1", "box"), await made(world, "t-1", "crate")];
    const answer = await listenTo(world, [one, other], { uris: ["a://1"] });
    expect(await fulfilled(answer)).toEqual({ resourceSubscriptions: ["a://1"], taskIds: [one, other] });
    expect(world.serve.subscribed()).toEqual(["a://1", "box#t-1", "crate#t-1"]);
    world.serve.tell({ backend: "crate", taskId: "t-1" }, { taskId: "t-1", status: "input_required", inputRequests: { q: { method: "elicitation/create", params: { message: "Name?" } } }, _meta: { "x.y/z": 1 } });
    expect(await nextJson(answer)).toEqual({
      jsonrpc: "2.0",
      method: "notifications/tasks",
      params: { taskId: other, status: "input_required", inputRequests: { q: { method: "elicitation/create", params: { message: "[crate] Name?" } } }, _meta: { "x.y/z": 1, [key.subscription]: "ear" } },
    });
  });

  test("tells of a task under each id that its client has for it", async () => {
    const world = createWorld();
    const ids = [await made(world, "t-1", "box"), await made(world, "t-1", "box")];
    const answer = await listenTo(world, ids);
    expect(await fulfilled(answer)).toEqual({ taskIds: ids });
    world.serve.tell({ backend: "box", taskId: "t-1" }, { taskId: "t-1", status: "completed" });
    expect([(await nextJson(answer)).params.taskId, (await nextJson(answer)).params.taskId]).toEqual(ids);
  });

  test("says nothing of an id that is forged, too old or another's, and asks nobody", async () => {
    const world = createWorld();
    const taskId = await made(world, "t-1", "box");
    expect(await fulfilled(await listenTo(world, [taskId], { principal: bob }))).toEqual({});
    expect(await fulfilled(await listenTo(world, ["t-1", "", `${taskId}A`]))).toEqual({});
    await world.clock.advance(defaultLimits.taskMsMax + 1);
    expect(await fulfilled(await listenTo(world, [taskId]))).toEqual({});
    expect(world.serve.subscribed()).toEqual([]);
  });

  test("leaves out what is not fulfilled, and what came of it until then", async () => {
    const world = createWorld();
    const [kept, refused] = [await made(world, "t-1", "box"), await made(world, "t-2", "box")];
    const opened = gate<"subscribed">();
    world.serve.follow = ({ taskId }) => (taskId === "t-2" ? "unknown" : opened.promise);
    const answer = await listenTo(world, [kept, refused]);
    for (const taskId of ["t-1", "t-2", "t-3"]) world.serve.tell({ backend: "box", taskId }, { taskId, status: "working" });
    opened.open("subscribed");
    expect(await fulfilled(answer)).toEqual({ taskIds: [kept] });
    world.serve.tell({ backend: "box", taskId: "t-2" }, { taskId: "t-2", status: "completed" });
    world.serve.tell({ backend: "box", taskId: "t-1" }, { taskId: "t-1", status: "completed" });
    const heard = [(await nextJson(answer)).params, (await nextJson(answer)).params];
    expect(heard.map(({ taskId, status }) => [taskId, status])).toEqual([[kept, "working"], [kept, "completed"]]);
  });

  test("is bounded together with resources, and refused where it is no list of strings", async () => {
    const world = createWorld({ subscriptionsPerWatchMax: 2 });
    expect((await listenTo(world, ["x", "y"], { uris: ["a://1"] })).json.error.data.code).toBe("LIMIT_REACHED");
    expect((await listenTo(world, "x")).json.error.code).toBe(-32602);
    expect((await listenTo(world, [1])).json.error.code).toBe(-32602);
  });

  test("keeps news of tasks where those of parts of a resource outrun it", async () => {
    const world = createWorld({ subscriptionsPerWatchMax: 2 });
    const taskId = await made(world, "t-1", "box");
    const opened = gate<"subscribed">();
    world.serve.follow = () => opened.promise;
    const answer = await listenTo(world, [taskId], { uris: ["a://1"] });
    await world.clock.settle();
    world.serve.tell({ backend: "box", taskId: "t-1" }, { taskId: "t-1", status: "working" });
    for (const watch of world.serve.watches) for (const part of [1, 2, 3]) watch.updated(`a://1/${part}`, located(`{"uri":"a://1/${part}"}`));
    opened.open("subscribed");
    await nextJson(answer);
    const heard = [await nextJson(answer), await nextJson(answer)].map(({ params }) => params.taskId ?? params.uri);
    expect(heard).toEqual([taskId, "a://1"]);
  });
});
