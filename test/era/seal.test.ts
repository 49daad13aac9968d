import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bindingOf, createSeal } from "../../src/era/seal.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { alice, bob } from "../fixtures/era.ts";
import { located } from "../fixtures/serve.ts";

const relayed = (state: string, backend = "b") => ({ kind: "relay", backend, state, round: 1 }) as const;
const sealOf = (byte = 1, clock = createTestClock()) => createSeal({ key: new Uint8Array(32).fill(byte), clock, msMax: 1000 });

describe("a sealed state", () => {
  test("comes back whole, whatever it holds, and shows nothing of it", () => {
    const seal = sealOf();
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.string(), (state, backend, binding) => {
        for (const kind of ["relay", "parked", "url-wait"] as const) {
          const content = { kind, backend, state, round: state.length };
          expect(seal.unseal(seal.seal(content, binding), binding)).toEqual(content);
        }
      }),
      { numRuns: 200 },
    );
    expect(seal.seal(relayed("secret"), "x")).toMatch(/^[\w-]+$/);
    expect(seal.seal(relayed("s"), "x")).not.toBe(seal.seal(relayed("s"), "x"));
  });

  test("is refused after any change of one character", () => {
    const seal = sealOf();
    const sealed = seal.seal(relayed("s"), "x");
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom(..."ABab01-_=+/ "), (at, character) => {
        fc.pre(sealed[at] !== character);
        expect(seal.unseal(sealed.slice(0, at) + character + sealed.slice(at + 1), "x")).toBeNull();
      }),
      { numRuns: 300 },
    );
    for (const other of ["", "x", `${sealed}A`, ` ${sealed}`, sealed.slice(0, -4)]) expect(seal.unseal(other, "x")).toBeNull();
  });

  test("is refused under another binding, another key, and after its time", async () => {
    const clock = createTestClock();
    const seal = sealOf(1, clock);
    const sealed = seal.seal(relayed("s"), "x");
    expect(seal.unseal(sealed, "y")).toBeNull();
    expect(sealOf(2, clock).unseal(sealed, "x")).toBeNull();
    await clock.advance(999);
    expect(seal.unseal(sealed, "x")).not.toBeNull();
    await clock.advance(1);
    expect(seal.unseal(sealed, "x")).toBe("expired");
    expect(seal.unseal(sealed, "y")).toBeNull();
  });

  test("may live longer than is usual", async () => {
    const clock = createTestClock();
    const seal = sealOf(1, clock);
    const sealed = seal.seal(relayed("s"), "x", 5000);
    await clock.advance(4999);
    expect(seal.unseal(sealed, "x")).toEqual(relayed("s"));
    await clock.advance(1);
    expect(seal.unseal(sealed, "x")).toBe("expired");
  });

  test("survives a restart with the same key", () => {
    expect(sealOf(5).unseal(sealOf(5).seal(relayed("s"), "x"), "x")).toEqual(relayed("s"));
  });
});

describe("the request it is bound to", () => {
  const binding = (params: string, more: object = {}) => bindingOf({ method: "tools/call", params: located(params), principal: alice, selection: { server: null }, ...more });
  const base = binding('{"name":"x","arguments":{"a":1,"b":[true]}}');

  test("is the same for the same parameters, however they are written, and whatever the retry adds", () => {
    expect(binding('{"arguments": {"b":[true],"a":1.0},"name":"\\u0078"}')).toBe(base);
    expect(binding('{"name":"x","arguments":{"a":1,"b":[true]},"requestState":"s","inputResponses":{},"_meta":{"progressToken":1}}')).toBe(base);
  });

  test("is another one where it was made with another selection", () => {
    const narrowed = (filter: string): string => binding('{"name":"x","arguments":{"a":1,"b":[true]}}', { selection: { server: null, filter } });
    expect(new Set([base, narrowed("a"), narrowed("b")]).size).toBe(3);
  });

  test("is that of the very text where there is much of it: nobody's retry holds up the others", () => {
    const many = Array.from({ length: 20_000 }, (_, at) => `{"a":${at}}`);
    const [written, reversed] = [`{"name":"t","arguments":{"list":[${many}],"x":1}}`, `{"name":"t","arguments":{"x":1,"list":[${many}]}}`];
    expect(binding(`${written.slice(0, -1)},"requestState":"s"}`)).toBe(binding(written));
    expect(binding(written)).not.toBe(binding(reversed));
    expect(binding(written)).not.toBe(binding(written.replace('"a":7}', '"a":8}')));
  });

  test("is another for any other caller, endpoint, method, target or argument", () => {
    const others = [
      binding('{"name":"x","arguments":{"a":2,"b":[true]}}'),
      binding('{"name":"y","arguments":{"a":1,"b":[true]}}'),
      binding('{"name":"x","arguments":{"a":1,"b":[true]},"more":1}'),
      binding('{"name":"x","arguments":{"a":1,"b":[true]}}', { principal: bob }),
      binding('{"name":"x","arguments":{"a":1,"b":[true]}}', { selection: { server: "one" } }),
      binding('{"name":"x","arguments":{"a":1,"b":[true]}}', { method: "prompts/get" }),
    ];
    expect(new Set([base, ...others]).size).toBe(7);
  });

  test("tells members of one name apart, however deep: a backend may read another of them than we do", () => {
    const one = binding('{"name":"x","arguments":{"a":[{"amount":2}]}}');
    const two = binding('{"name":"x","arguments":{"a":[{"amount":1,"amount":2}]}}');
    expect(two).not.toBe(one);
    expect(binding('{"name":"x","arguments":{"a":[{"amount":3,"amount":2}]}}')).not.toBe(two);
    expect(binding('{"name":"x","arguments":{"a":[{"amount":1,"amount":2}]},"requestState":"s"}')).toBe(two);
    expect(binding('{"name":"x","arguments":{"a:\\"":"b:c\\\\","":[":"]}}')).toBe(binding('{"arguments":{"":[":"],"a\\u003a\\"":"b:c\\\\"},"name":"x"}'));
  });

  test("tells a number that JavaScript cannot hold from a text that looks like it", () => {
    for (const text of ["9007199254740993", "number 9007199254740993", "\\u0000number 9007199254740993"]) expect(binding(`{"name":"x","arguments":{"a":"${text}"}}`)).not.toBe(binding('{"name":"x","arguments":{"a":9007199254740993}}'));
  });

  test("tells numbers apart that JavaScript cannot", () => {
    expect(binding('{"name":"x","arguments":{"a":9007199254740993}}')).not.toBe(binding('{"name":"x","arguments":{"a":9007199254740992}}'));
    expect(binding('{"name":"x","arguments":{"a":1e999}}')).not.toBe(binding('{"name":"x","arguments":{"a":2e999}}'));
  });
});
