import { expect, test } from "bun:test";
import { isCacheable, isExtension, isRetryable, methodOf } from "../../src/era/methods.ts";
import { methods } from "../../src/protocol/index.ts";

test("what is relayed is served by the proxy in both eras", () => {
  for (const method of Object.keys(methods)) expect([methodOf(method).modern, methodOf(method).legacy]).toEqual(["proxy", "proxy"]);
});

test("what one era alone has does not exist in the other", () => {
  for (const method of ["initialize", "ping", "logging/setLevel"]) expect([methodOf(method).modern, methodOf(method).legacy]).toEqual([null, "here"]);
  for (const method of ["server/discover", "subscriptions/listen"]) expect([methodOf(method).modern, methodOf(method).legacy]).toEqual(["here", null]);
});

test("a method that no revision defines goes on to whoever owns it, even by an odd name", () => {
  for (const method of ["com.example/x", "toString", "__proto__", ""]) expect([methodOf(method).modern, isExtension(method)]).toEqual(["proxy", true]);
  for (const method of ["tools/call", "tasks/list", "ping"]) expect(isExtension(method)).toBe(false);
});

test("three methods may be asked again, five results say how long they hold", () => {
  const all = [...Object.keys(methods), "server/discover", "toString"];
  expect(all.filter(isRetryable).sort()).toEqual(["prompts/get", "resources/read", "tools/call"]);
  expect(all.filter(isCacheable).sort()).toEqual(["prompts/list", "resources/list", "resources/read", "resources/templates/list", "tools/list"]);
});
