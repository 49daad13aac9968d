import { describe, expect, test } from "bun:test";
import { allJson, createWorld, key, nextEvent, nextJson } from "../fixtures/era.ts";

describe("subscriptions/listen", () => {
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
    const answer = await modern("subscriptions/listen", { notifications: { resourcesListChanged: true, resourceSubscriptions: ["a://b"], strange: true } });
    expect((await nextJson(answer)).params.notifications).toEqual({ resourcesListChanged: true });
  });

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
