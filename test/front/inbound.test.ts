import { expect, test } from "bun:test";
import { Inbound } from "../../src/front/inbound.ts";

const who = { id: "p", scopes: null };
const inbound = (request: Request): Inbound => new Inbound(request, null, who, { server: null });

test("it hands out headers by name, whatever their case, and null for none", () => {
  const request = inbound(new Request("http://x/", { method: "DELETE", headers: { "X-Revision": "1" } }));
  expect([request.verb, request.header("x-revision"), request.header("x-none")]).toEqual(["DELETE", "1", null]);
});

test("a client that goes is told once, one that was gone already at once, and nobody after the answer", () => {
  const told: string[] = [];
  const going = new AbortController();
  inbound(new Request("http://x/", { signal: going.signal })).onGone(() => told.push("went"));
  going.abort();
  inbound(new Request("http://x/", { signal: AbortSignal.abort() })).onGone(() => told.push("was gone"));
  const later = new AbortController();
  const answered = inbound(new Request("http://x/", { signal: later.signal }));
  answered.onGone(() => told.push("after the answer"));
  answered.done();
  later.abort();
  expect(told).toEqual(["went", "was gone"]);
});

test("it hands out all headers that begin alike, by their lower-case names", () => {
  const request = inbound(new Request("http://x/", { headers: { "X-Param-One": "1", "x-param-TWO": "2", "X-Other": "3" } }));
  expect(request.headersFrom("x-param-")).toEqual({ "x-param-one": "1", "x-param-two": "2" });
  expect(request.headersFrom("y-")).toEqual({});
});

test("one that is cut is to whoever answers it as if the client had gone, whenever he listens, and only once", () => {
  const told: string[] = [];
  const request = inbound(new Request("http://x/"));
  request.onGone(() => told.push("one"));
  request.onGone(() => told.push("two"));
  request.cut();
  request.cut();
  request.onGone(() => told.push("late"));
  request.done();
  expect([told, request.isCut]).toEqual([["one", "two", "late"], true]);
  const answered = inbound(new Request("http://x/"));
  answered.done();
  answered.cut();
  expect(answered.isCut).toBe(false);
});
