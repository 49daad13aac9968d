import { describe, expect, test } from "bun:test";
import { CancelSource, fault } from "../../src/base/index.ts";
import { type Call, emptyObject, type Outcome } from "../../src/protocol/index.ts";
import { allEvents, allJson, createWorld, gate, key, nextJson } from "../fixtures/era.ts";
import { done, failure, located, question } from "../fixtures/serve.ts";

describe("a modern client", () => {
  // Checklist: N1
  test("discovers versions, capabilities, identity and how long that holds", async () => {
    const { modern } = createWorld();
    const { status, json } = await modern("server/discover", {}, { id: "d" });
    expect(status).toBe(200);
    expect(json.id).toBe("d");
    expect(json.result).toMatchObject({ resultType: "complete", supportedVersions: ["2026-07-28"], ttlMs: 0, cacheScope: "private", instructions: 'Say "please".' });
    expect(json.result.capabilities.tools).toEqual({ listChanged: true });
    expect(json.result.capabilities.extensions).toEqual({ "com.example/x": {} });
    expect(json.result._meta[key.serverInfo]).toEqual({ name: "1mcp", version: "9.9.9" });
  });

  test("that discovers while a server starts is kept company, and told when the program ends", async () => {
    const { modernSent, serve, clock, eras } = createWorld({ headMsMax: 100 });
    serve.description = () => Promise.withResolvers<never>().promise;
    const long = modernSent("server/discover", {}, { id: "long" });
    await clock.advance(100);
    const short = modernSent("server/discover", {}, { id: "short" });
    await eras.close();
    expect((await allJson(await long.answer)).map(({ id, error }) => [id, error.data.code])).toEqual([["long", "SHUTTING_DOWN"]]);
    expect(await short.answer).toMatchObject({ status: 503, json: { id: "short", error: { data: { code: "SHUTTING_DOWN" } } } });
  });

  test("is told why there is nothing to discover", async () => {
    const { modern, serve } = createWorld();
    serve.description = () => {
      throw fault("NAME_UNKNOWN", { detail: "server" });
    };
    expect(await modern("server/discover", {}, { server: "none" })).toMatchObject({ status: 200, json: { error: { code: -32602, data: { code: "NAME_UNKNOWN" } } } });
    serve.description = () => {
      throw new Error("a bug");
    };
    expect(await modern("server/discover")).toMatchObject({ status: 200, json: { error: { code: -32603, data: { code: "INTERNAL" } } } });
  });

  // Checklist: N17, N32
  test("gets plain JSON where nothing came before the answer, without session or event ids", async () => {
    const { modern } = createWorld();
    const answer = await modern("tools/call", { name: "x" }, { headers: { "mcp-session-id": "abc", "last-event-id": "g1_1" } });
    expect(answer.status).toBe(200);
    expect(answer.headers).toEqual({ "content-type": "application/json" });
    expect(answer.json.result).toEqual({ resultType: "complete", _meta: { [key.serverInfo]: { name: "1mcp", version: "9.9.9" } }, content: [{ type: "text", text: "tools/call" }] });
  });

  test("gets its id back byte for byte, and numbers and order of the payload as they came", async () => {
    const { post, serve } = createWorld();
    serve.answer = () => done('{"zeta":1.10,"content":[],"9007199254740993":9007199254740993}');
    const meta = `"_meta":{"${key.version}":"2026-07-28","${key.capabilities}":{}}`;
    const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "x" };
    const answer = await post(`{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"x",${meta}}}`, { headers });
    expect(answer.body).toStartWith('{"jsonrpc":"2.0","id":12345678901234567890,"result":{');
    expect(answer.body).toContain('"zeta":1.10,"content":[],"9007199254740993":9007199254740993}');
  });

  // Checklist: N14
  test("is told that removed and unknown methods do not exist", async () => {
    const { modern } = createWorld();
    for (const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tasks/list", "tasks/result", "roots/list", "unknown/method"]) {
      const answer = await modern(method, {}, { id: method });
      expect([answer.status, answer.json.error.code, answer.json.id]).toEqual([404, -32601, method]);
    }
  });

  // Checklist: N15, N18
  test("has its notifications accepted and dropped, and its responses refused", async () => {
    const { post, serve } = createWorld();
    const headers = { "mcp-protocol-version": "2026-07-28" };
    const notification = await post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }, { headers });
    expect([notification.status, notification.body]).toEqual([202, null]);
    const response = await post({ jsonrpc: "2.0", id: 1, result: {} }, { headers });
    expect([response.status, response.json.error.code]).toEqual([400, -32600]);
    expect(serve.calls).toHaveLength(0);
  });

  // Checklist: N20
  test("reads how long lists and resources may be kept, by the proxy's or the backend's word, else not at all", async () => {
    const { modern, serve } = createWorld();
    serve.answer = (call) => (call.method === "tools/list" ? ({ ...done({ tools: [] }), cache: { ttlMs: 5000, scope: "public" } } as Outcome) : done({ contents: [] }));
    expect((await modern("tools/list")).json.result).toMatchObject({ tools: [], ttlMs: 5000, cacheScope: "public" });
    expect((await modern("resources/read", { uri: "a://b" })).json.result).toMatchObject({ ttlMs: 0, cacheScope: "private" });
    serve.answer = () => done({ contents: [], ttlMs: 7, cacheScope: "public" });
    expect((await modern("resources/read", { uri: "a://b" })).json.result).toMatchObject({ ttlMs: 7, cacheScope: "public" });
    serve.answer = () => done({ content: [] });
    expect((await modern("tools/call", { name: "x" })).json.result).not.toHaveProperty("ttlMs");
  });

  test("sees each call reach the middle with the client's own facts and without what was meant for the hop", async () => {
    const { modern, serve } = createWorld();
    await modern("tools/call", { name: "x", arguments: { a: 1 } }, { server: "one", meta: { traceparent: "00-1", progressToken: 5, [key.logLevel]: "error", [key.capabilities]: { sampling: {} } } });
    const call = serve.calls[0] as Call;
    expect(call.method).toBe("tools/call");
    expect(JSON.parse(call.meta ?? "")).toEqual({ traceparent: "00-1" });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await modern("tools/call", { name: "x" }, { headers: { traceparent } });
    expect(serve.calls[1]?.meta).toBe(`{"traceparent":"${traceparent}"}`);
    expect(call.client).toEqual({ info: '{"name":"test","version":"1"}', capabilities: '{"sampling":{}}' });
    expect([call.progress, call.logLevel, call.selection.server, call.principal.id, call.resume]).toEqual([true, "error", "one", "alice", null]);
  });

  // Checklist: N24
  test("gets its own progress token back, rising values only, and nothing after the answer", async () => {
    const { modern, serve } = createWorld();
    let late: Call | null = null;
    serve.answer = (call) => {
      late = call;
      for (const progress of [1, 2, 2, 3]) call.notice({ kind: "progress", params: located(`{"progressToken":"ours","progress":${progress},"note":"x"}`) });
      return done({ content: [] });
    };
    const answer = await modern("tools/call", { name: "x" }, { meta: { progressToken: "007" } });
    (late as Call | null)?.notice({ kind: "progress", params: located('{"progressToken":"ours","progress":4}') });
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    const events = await allEvents(answer);
    expect(events.every((event) => event.id === null)).toBe(true);
    const messages = events.map((event) => JSON.parse(event.data));
    expect(messages.slice(0, -1).map((one) => one.params)).toEqual([1, 2, 3].map((progress) => ({ progressToken: "007", progress, note: "x" })));
    expect(messages.at(-1).result.resultType).toBe("complete");
  });

  test("without a token hears of no progress", async () => {
    const { modern, serve } = createWorld();
    serve.answer = (call) => {
      call.notice({ kind: "progress", params: located('{"progressToken":1,"progress":1}') });
      return done({ content: [] });
    };
    expect((await modern("tools/call", { name: "x" })).json.result.content).toEqual([]);
  });

  // Checklist: N25
  test("hears log messages only when it asked, and from its level on", async () => {
    const { modern, serve } = createWorld();
    serve.answer = (call) => {
      for (const level of ["debug", "warning", "error"] as const) call.notice({ kind: "log", level, params: located(`{"level":"${level}","data":1}`) });
      return done({ content: [] });
    };
    expect((await modern("tools/call", { name: "x" })).stream).toBeNull();
    const messages = await allJson(await modern("tools/call", { name: "x" }, { meta: { [key.logLevel]: "warning" } }));
    expect(messages.map((one) => one.params?.level)).toEqual(["warning", "error", undefined]);
  });

  test("hears notices that no revision defines, and none that belong elsewhere", async () => {
    const { modern, serve } = createWorld();
    serve.answer = (call) => {
      call.notice({ kind: "other", method: "notifications/tools/list_changed", params: null });
      call.notice({ kind: "other", method: "com.example/hello", params: located('{"a":1}') });
      return done({ content: [] });
    };
    const messages = await allJson(await modern("tools/call", { name: "x" }));
    expect(messages.map((one) => one.method)).toEqual(["com.example/hello", undefined]);
  });

  // Checklist: N30
  test("that hangs up cancels its call, and nothing more is said", async () => {
    const { modernSent, serve, clock } = createWorld();
    const answer = gate<Outcome>();
    const reasons: string[] = [];
    serve.answer = (call) => {
      call.cancel.onCancel((reason) => reasons.push(reason));
      return answer.promise;
    };
    const sent = modernSent("tools/call", { name: "x" });
    await clock.advance(50);
    sent.hangUp();
    expect((await sent.answer).body).toBeNull();
    expect(reasons).toHaveLength(1);
    answer.open(done({ content: [] }));
  });

  test("that hung up at once, or while its stream was open, is noticed too", async () => {
    const { modernSent, serve, clock, eras } = createWorld();
    serve.answer = (call) => {
      call.notice({ kind: "progress", params: located('{"progressToken":1,"progress":1}') });
      return new Promise(() => undefined);
    };
    const streaming = modernSent("tools/call", { name: "x" }, { meta: { progressToken: 1 } });
    streaming.hangUp();
    const silent = modernSent("tools/call", { name: "x" });
    await streaming.answer;
    expect(serve.calls.map((call) => call.cancel.cancelled)).toEqual([true, false]);
    silent.hangUp();
    await clock.advance(50);
    expect(serve.calls.map((call) => call.cancel.cancelled)).toEqual([true, true]);
    expect((await silent.answer).body).toBeNull();
    expect(eras.status().streams).toBe(0);
  });

  test("that leaves its stream cancels its call too", async () => {
    const { modern, serve } = createWorld();
    serve.answer = (call) => {
      call.notice({ kind: "progress", params: located('{"progressToken":1,"progress":1}') });
      return new Promise(() => undefined);
    };
    const answer = await modern("tools/call", { name: "x" }, { meta: { progressToken: 1 } });
    answer.stream?.cancel();
    expect(serve.calls[0]?.cancel.cancelled).toBe(true);
  });

  test("that hangs up after the answer cancels nothing", async () => {
    const { modernSent, serve } = createWorld();
    const sent = modernSent("tools/call", { name: "x" });
    await sent.answer;
    sent.hangUp();
    expect(serve.calls[0]?.cancel.cancelled).toBe(false);
  });

  // Checklist: N32
  test("gets a stream when the answer takes long, with a comment now and then, and the answer as its last event", async () => {
    const { modernSent, serve, clock } = createWorld({ headMsMax: 1000, heartbeatMs: 500 });
    const outcome = gate<Outcome>();
    serve.answer = () => outcome.promise;
    const sent = modernSent("tools/call", { name: "x" });
    await clock.advance(1000);
    const answer = await sent.answer;
    expect(answer.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" });
    await clock.advance(1000);
    expect(await answer.stream?.next()).toStartWith(":");
    outcome.open(done({ content: [] }));
    expect((await nextJson(answer)).result.content).toEqual([]);
    expect(await nextJson(answer)).toBeNull();
  });
});

describe("errors for a modern client", () => {
  const errorOf = async (outcome: Outcome, method = "tools/call", params: Record<string, unknown> = { name: "x" }) => {
    const { modern, serve } = createWorld();
    serve.answer = () => outcome;
    const answer = await modern(method, params);
    return { status: answer.status, ...answer.json.error };
  };

  test("of a backend pass as they came, with status 200", async () => {
    expect(await errorOf(failure(-32000, "its own words", { big: 1 }))).toEqual({ status: 200, code: -32000, message: "its own words", data: { big: 1 } });
    expect(await errorOf(failure(-32602, "no such tool"))).toMatchObject({ status: 200, code: -32602 });
    expect(await errorOf(failure(-32601, "no"))).toMatchObject({ status: 404, code: -32601 });
  });

  // Checklist: N23
  test("say a missing resource in the modern way, with its address", async () => {
    expect(await errorOf(failure(-32002, "gone"), "resources/read", { uri: "a://b" })).toMatchObject({ status: 200, code: -32602, message: "gone", data: { uri: "a://b" } });
    expect(await errorOf(failure(-32002, "gone", { uri: "x", more: 1 }), "resources/read", { uri: "a://b" })).toMatchObject({ code: -32602, data: { uri: "x", more: 1 } });
  });

  // Checklist: B23
  test("never carry codes that the revision keeps for itself", async () => {
    for (const code of [-32020, -32022, -32023, -32042, -32099]) {
      expect(await errorOf(failure(code, "odd", { a: 1 }))).toMatchObject({ status: 200, code: -32603, data: { original: { code, data: { a: 1 } } } });
    }
  });

  test("name a capability only if it is the client that lacks it", async () => {
    const missing = failure(-32021, "needs", { requiredCapabilities: { sampling: {} } });
    expect(await errorOf(missing)).toMatchObject({ status: 400, code: -32021, data: { requiredCapabilities: { sampling: {} } } });
    const { modern, serve } = createWorld();
    serve.answer = () => missing;
    const declared = await modern("tools/call", { name: "x" }, { meta: { [key.capabilities]: { sampling: {} } } });
    expect([declared.status, declared.json.error.code]).toEqual([200, -32603]);
  });

  test("of the proxy itself say so", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => {
      throw new Error("a bug");
    };
    const answer = await modern("tools/call", { name: "x" });
    expect([answer.status, answer.json.error.code, answer.json.error.data.code]).toEqual([200, -32603, "INTERNAL"]);
  });
});

describe("a backend that wants input", () => {
  const form = { ask: { method: "elicitation/create", params: { mode: "form", message: "?", requestedSchema: { type: "object", properties: {} } } } };
  const can = { meta: { [key.capabilities]: { elicitation: {} } } };

  test("is heard, its state sealed, and found again by the retry", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => question(form, "inner state");
    const first = (await modern("tools/call", { name: "x", arguments: { n: 1 } }, can)).json.result;
    const signed = { ask: { ...form.ask, params: { ...form.ask.params, message: "[asker] ?" } } };
    expect(first).toMatchObject({ resultType: "input_required", inputRequests: signed });
    expect(first._meta[key.serverInfo].name).toBe("1mcp");
    expect(first).not.toHaveProperty("ttlMs");
    expect(first.requestState).not.toContain("inner");
    serve.answer = () => done({ content: [] });
    const inputResponses = { ask: { action: "accept", content: {} } };
    const second = await modern("tools/call", { name: "x", arguments: { n: 1.0 }, inputResponses, requestState: first.requestState }, { ...can, id: 2 });
    expect(second.json.result.resultType).toBe("complete");
    expect(serve.calls[1]?.resume).toEqual({ responses: JSON.stringify(inputResponses), state: "inner state", backend: "asker" });
  });

  test("may give no state; a retry then carries responses alone", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => question(form, null);
    expect((await modern("tools/call", { name: "x" }, can)).json.result).not.toHaveProperty("requestState");
    await modern("tools/call", { name: "x", inputResponses: { ask: {} } }, can);
    expect(serve.calls[1]?.resume).toEqual({ responses: '{"ask":{}}', state: null, backend: null });
  });

  // Checklist: B5
  test("is not reached by a state that was tampered with, belongs to something else, or is too old", async () => {
    const { modern, serve, clock } = createWorld({ stateMsMax: 1000 });
    serve.answer = () => question(form, "inner");
    const { requestState } = (await modern("tools/call", { name: "x", arguments: { n: 1 } }, can)).json.result;
    const tampered = `${requestState.slice(0, -2)}${requestState.endsWith("AA") ? "BB" : "AA"}`;
    const tries = [
      modern("tools/call", { name: "x", arguments: { n: 1 }, requestState: tampered }, can),
      modern("tools/call", { name: "x", arguments: { n: 1 }, requestState: 17 }, can),
      modern("tools/call", { name: "y", arguments: { n: 1 }, requestState }, can),
      modern("tools/call", { name: "x", arguments: { n: 2 }, requestState }, can),
      modern("tools/call", { name: "x", arguments: { n: 1 }, requestState }, { ...can, server: "asker" }),
      modern("tools/call", { name: "x", arguments: { n: 1 }, requestState }, { ...can, principal: { id: "bob", scopes: null } }),
      modern("prompts/get", { name: "x", arguments: { n: 1 }, requestState }, can),
    ];
    for (const answer of await Promise.all(tries)) expect([answer.status, answer.json.error.code]).toEqual([200, -32602]);
    await clock.advance(1000);
    expect((await modern("tools/call", { name: "x", arguments: { n: 1 }, requestState }, can)).json.error.code).toBe(-32602);
    expect(serve.calls).toHaveLength(1);
  });

  test("may shed load by a state alone", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => question(undefined, "later");
    expect((await modern("tools/call", { name: "x" })).json.result).toMatchObject({ resultType: "input_required", requestState: expect.any(String) });
  });

  test("may only ask for what the client declared", async () => {
    const ask = async (questions: unknown, declared: unknown) => {
      const { modern, serve } = createWorld();
      serve.answer = () => question(questions, "s");
      const answer = await modern("tools/call", { name: "x" }, { meta: { [key.capabilities]: declared } });
      return answer.json.error === undefined ? "asked" : [answer.status, answer.json.error.code, answer.json.error.data.requiredCapabilities];
    };
    const url = { u: { method: "elicitation/create", params: { mode: "url", message: "?", url: "https://a" } } };
    const sampling = { s: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } } };
    const tools = { s: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1, tools: [] } } };
    const roots = { r: { method: "roots/list" } };
    expect(await ask(form, {})).toEqual([400, -32021, { elicitation: { form: {} } }]);
    expect(await ask(form, { elicitation: { url: {} } })).toEqual([400, -32021, { elicitation: { form: {} } }]);
    expect(await ask(url, { elicitation: {} })).toEqual([400, -32021, { elicitation: { url: {} } }]);
    expect(await ask(url, { elicitation: { url: {} } })).toBe("asked");
    expect(await ask(sampling, {})).toEqual([400, -32021, { sampling: {} }]);
    expect(await ask(tools, { sampling: {} })).toEqual([400, -32021, { sampling: { tools: {} } }]);
    expect(await ask(tools, { sampling: { tools: {} } })).toBe("asked");
    expect(await ask(roots, {})).toEqual([400, -32021, { roots: {} }]);
    expect(await ask({ ...sampling, ...roots }, { sampling: {}, roots: {} })).toBe("asked");
  });

  test("may not ask in other methods, for other things, or for nothing", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => question(form, "s");
    expect((await modern("completion/complete", { ref: {} }, can)).json.error.code).toBe(-32603);
    serve.answer = () => question({ a: { method: "tools/call" } }, "s");
    expect((await modern("tools/call", { name: "x" }, can)).json.error.code).toBe(-32603);
    serve.answer = () => question(undefined, null);
    expect((await modern("tools/call", { name: "x" }, can)).json.error.code).toBe(-32603);
  });

  // Checklist: N31, B11
  test("that passes our refusal on as its own error is understood; an error of ours is not taken for its", async () => {
    const { modern, serve } = createWorld();
    serve.answer = async (call) => {
      const answer = await call.ask({ kind: "sampling", params: emptyObject, backend: "b", cancel: new CancelSource() });
      return answer.ok ? done({}) : { kind: "failed", error: answer.error, backend: "b" };
    };
    const lacking = await modern("tools/call", { name: "x" });
    expect([lacking.status, lacking.json.error.code, lacking.json.error.data.requiredCapabilities]).toEqual([400, -32021, { sampling: {} }]);
    serve.answer = async (call) => {
      await call.ask({ kind: "sampling", params: emptyObject, backend: "b", cancel: new CancelSource() });
      throw fault("BACKEND_GONE", { backend: "b" });
    };
    expect((await modern("tools/call", { name: "x" })).json.error).toMatchObject({ code: -32603, data: { origin: "1mcp", code: "BACKEND_GONE" } });
  });

  // Checklist: N31, B11
  test("does not hear of what its client did not declare, and the client hears what it lacks if that was fatal", async () => {
    const { modern, serve } = createWorld();
    const heard: unknown[] = [];
    serve.answer = async (call) => {
      const answer = await call.ask({ kind: "elicitation", params: located('{"mode":"url","message":"?","url":"https://a"}'), backend: "b", cancel: new CancelSource() });
      heard.push(answer.ok ? "asked" : answer.error.code);
      return heard.length === 3 ? done({ content: [], isError: true }) : { ...failure(-31000, "then not", { n: 1 }), backend: "b" };
    };
    const lacking = await modern("tools/call", { name: "x" });
    expect([lacking.status, lacking.json.error.code, lacking.json.error.data]).toEqual([400, -32021, expect.objectContaining({ requiredCapabilities: { elicitation: { url: {} } }, original: { code: -31000, message: "then not", data: { n: 1 } } })]);
    expect((await modern("prompts/get", { name: "x" }, can)).json.error.code).toBe(-32021);
    expect((await modern("tools/call", { name: "x" }, can)).json.result.isError).toBe(true);
    expect(heard).toEqual([-32601, -32602, -32602]);
  });

  // Checklist: B14
  test("is refused in methods that cannot be made again, whatever the client declared", async () => {
    const { modern, serve } = createWorld();
    serve.answer = async (call) => {
      const answer = await call.ask({ kind: "roots", params: null, backend: "b", cancel: new CancelSource() });
      return done({ completion: { values: [String(answer.ok || answer.error.code)] } });
    };
    expect((await modern("completion/complete", { ref: {} }, { meta: { [key.capabilities]: { roots: {} } } })).json.result.completion.values).toEqual(["-32601"]);
  });

  test("expects responses as an object", async () => {
    const { modern, serve } = createWorld();
    expect((await modern("tools/call", { name: "x", inputResponses: [] }, can)).json.error.code).toBe(-32602);
    expect(serve.calls).toHaveLength(0);
  });
});

describe("the header that names a target", () => {
  test("goes on with an extension's method as it came, and with no other", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => done({});
    const carried = async (method: string, params: Record<string, unknown> = {}): Promise<unknown> => {
      await modern(method, params, { headers: { "mcp-name": "=?base64?w6Q=?=", "mcp-param-a": "1" } });
      return serve.calls.at(-1)?.paramHeaders();
    };
    expect(await carried("com.example/do")).toEqual({ "mcp-name": "=?base64?w6Q=?=", "mcp-param-a": "1" });
    expect(await carried("tools/call", { name: "ä" })).toEqual({ "mcp-param-a": "1" });
    expect(await carried("tools/list")).toEqual({ "mcp-param-a": "1" });
  });
});
