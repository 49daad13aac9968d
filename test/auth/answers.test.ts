import { expect, test } from "bun:test";
import { cookieOf, formOf, isFromUs, json, notice, otherVerb, page, parseParameters, redirect, refused } from "../../src/auth/answers.ts";
import type { OAuthIn } from "../../src/auth/index.ts";

const request = (headers: Readonly<Record<string, string>>, body = ""): OAuthIn => ({ method: "POST", path: "/", query: new URLSearchParams(), header: (name) => headers[name] ?? null, body, address: null });

test("a parameter without a value was left out, and one that is repeated spoils all", () => {
  const read = parseParameters(new URLSearchParams("a=1&b=&c=x+y"));
  expect(read.ok && [...read.values]).toEqual([["a", "1"], ["c", "x y"]]);
  expect(parseParameters(new URLSearchParams("a=1&b=2&a=1"))).toEqual({ ok: false, repeated: "a" });
  expect(parseParameters(new URLSearchParams("a=&a=1"))).toEqual({ ok: false, repeated: "a" });
});

test("a form is one by its type", () => {
  expect(formOf(request({ "content-type": "Application/x-www-form-urlencoded; charset=utf-8" }, "a=1"))?.get("a")).toBe("1");
  for (const type of ["application/json", "multipart/form-data"]) expect(formOf(request({ "content-type": type }, "a=1"))).toBeNull();
  expect(formOf(request({}))).toBeNull();
});

test("a cookie counts if the browser has exactly one of its name", () => {
  expect([cookieOf("a=1; b=2", "b"), cookieOf("xb=2", "b"), cookieOf(null, "b"), cookieOf("b=1; b=2", "b"), cookieOf("b=x=y", "b")]).toEqual(["2", null, null, null, "x=y"]);
});

test("a form comes from us where the browser says so, or says nothing", () => {
  const origin = "http://127.0.0.1:3050";
  expect([{}, { origin }, { origin, "sec-fetch-site": "same-origin" }].map((headers) => isFromUs(request(headers as Record<string, string>), origin))).toEqual([true, true, true]);
  expect([{ origin: "null" }, { origin: "http://localhost:3050" }, { origin, "sec-fetch-site": "same-site" }, { "sec-fetch-site": "none" }].map((headers) => isFromUs(request(headers as Record<string, string>), origin))).toEqual([false, false, false, false]);
});

test("nothing that is answered may be kept", () => {
  const answers = [json(200, {}), refused(400, "e", "d"), page({ name: "leaving", to: "x:" }), notice(400, "t", "x"), redirect("/"), otherVerb("GET")];
  for (const { headers } of answers) expect(headers).toMatchObject({ "Cache-Control": "no-store", "Referrer-Policy": "no-referrer" });
  expect(answers[1]).toMatchObject({ status: 400, body: { error: "e", error_description: "d" } });
  expect(answers[5]).toMatchObject({ status: 405, headers: { Allow: "GET" } });
});
