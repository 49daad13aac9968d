import { describe, expect, test } from "bun:test";
import type { ServerFacts } from "../../src/compose/index.ts";
import { resultOf, serverNamed } from "../../src/cli/shellServers.ts";
import { done } from "../fixtures/serve.ts";

const failed = (data: unknown, message = "it did not work") => ({ kind: "failed" as const, error: { code: -32602, message, data: data === undefined ? null : JSON.stringify(data), raw: "{}" } });

describe("what a call came to", () => {
  test("is its result", () => expect(resultOf(done({ a: 1 })).text).toBe('{"a":1}'));

  test("or a failure: ours as that, with its hint, and a server's own with its words", () => {
    expect(() => resultOf(failed({ code: "BACKEND_TIMEOUT", hint: "be patient" }, "the server did not answer in time (after 5 s)"))).toThrow(expect.objectContaining({ code: "BACKEND_TIMEOUT", hint: "be patient", message: "the server did not answer in time (after 5 s)" }));
    for (const data of [undefined, null, { code: "constructor" }, { code: 1 }, "text"]) expect(() => resultOf(failed(data))).toThrow(expect.objectContaining({ code: "CALL_FAILED", message: "the server answered with an error (it did not work; JSON-RPC error -32602)" }));
  });
});

test("a server is found by its name, and a near one is proposed", () => {
  const servers = [{ name: "alpha" }, { name: "beta" }] as unknown as readonly ServerFacts[];
  expect(serverNamed(servers, "beta").name).toBe("beta");
  expect(() => serverNamed(servers, "alpa")).toThrow(expect.objectContaining({ hint: "did you mean alpha?" }));
  expect(() => serverNamed([], "zzz")).toThrow(expect.objectContaining({ hint: "there are: none" }));
});
