import { expect, test } from "bun:test";
import type { Decision, ShownRequest } from "../../src/auth/index.ts";
import { fault } from "../../src/base/index.ts";
import { askAtTerminal } from "../../src/cli/trustTerminal.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { editorAsks } from "../fixtures/doorkeeper.ts";

const requestOf = (id: string): ShownRequest => ({ ...editorAsks, id, code: `CODE-${id}`, client: { id: "c", name: `Editor ${id}`, domain: null }, scopes: editorAsks.scopes.slice(0, 1) });

async function terminal({ decide, look }: { decide?: () => void; look?: () => void } = {}) {
  const clock = createTestClock();
  const stderr = keptOutput(true);
  const waiting: ShownRequest[] = [];
  const decided: [string, Decision][] = [];
  let keys: ReadableStreamDefaultController<Uint8Array> | null = null;
  const input = new ReadableStream<Uint8Array>({ start: (controller) => void (keys = controller) });
  const requests = {
    waiting() {
      look?.();
      return waiting;
    },
    decide(id: string, decision: Decision) {
      decide?.();
      decided.push([id, decision]);
      waiting.splice(waiting.findIndex((one) => one.id === id), 1);
    },
  };
  const leave = await askAtTerminal({ stderr, clock, pipes: () => ({ input, typist: async () => ({ echo: () => undefined }) }) as never }, requests);
  const type = async (text: string): Promise<void> => {
    keys?.enqueue(new TextEncoder().encode(text));
    await clock.settle();
  };
  return { clock, stderr, waiting, decided, type, leave, end: () => keys?.close(), asked: () => [...stderr.text().matchAll(/CODE-(\w+)/g)].map((found) => found[1]) };
}

test("each request that waits is asked about once, one at a time, and what is typed decides", async () => {
  const at = await terminal();
  at.waiting.push(requestOf("a"), requestOf("b"));
  await at.clock.advance(500);
  await at.clock.advance(5_000);
  expect(at.asked()).toEqual(["a"]);
  await at.type("y\n");
  await at.clock.advance(500);
  expect(at.asked()).toEqual(["a", "b"]);
  await at.type("n\n");
  expect(at.decided).toEqual([["a", { approve: true, scopes: ["tag:web"] }], ["b", { approve: false }]]);
  at.waiting.push(requestOf("c"));
  await at.clock.advance(500);
  await at.type("\n");
  await at.clock.advance(5_000);
  expect([at.asked(), at.decided.length, at.stderr.text().includes("nothing is decided here")]).toEqual([["a", "b", "c"], 2, true]);
  at.leave();
  expect(at.clock.pending).toBe(0);
});

test("what was typed before the question was shown answers nothing", async () => {
  const at = await terminal();
  await at.type("y\ny\n");
  at.waiting.push(requestOf("a"));
  await at.clock.advance(500);
  expect([at.asked(), at.decided]).toEqual([["a"], []]);
  at.leave();
});

test("a request that waits no longer is asked about no longer, and the answer to it is none to the next", async () => {
  const at = await terminal();
  at.waiting.push(requestOf("a"));
  await at.clock.advance(500);
  at.waiting.splice(0, 1);
  await at.clock.advance(500);
  await at.type("y\n");
  at.waiting.push(requestOf("b"));
  await at.clock.advance(500);
  expect([at.asked(), at.decided]).toEqual([["a", "b"], []]);
  at.leave();
});

test("what cannot be decided any more is told, and it goes on; the end of the input ends it", async () => {
  let fails = true;
  const at = await terminal({ decide: () => { if (fails) throw fault("NAME_UNKNOWN", { detail: "it does not wait any more" }); } });
  at.waiting.push(requestOf("a"));
  await at.clock.advance(500);
  await at.type("y\n");
  expect(at.stderr.text()).toContain("it does not wait any more");
  fails = false;
  at.waiting.push(requestOf("b"));
  await at.clock.advance(500);
  await at.type("y\n");
  expect(at.decided.map(([id]) => id)).toEqual(["b"]);
  at.end();
  await at.clock.settle();
  at.waiting.push(requestOf("c"));
  await at.clock.advance(500);
  expect(at.asked()).toEqual(["a", "b"]);
  at.leave();
});

test("away from a terminal nobody is asked, and it is said", async () => {
  const requests = { waiting: () => [requestOf("a")], decide: () => undefined };
  for (const [isTerminal, typist] of [[false, null], [true, null]] as const) {
    const clock = createTestClock();
    const stderr = keptOutput(isTerminal);
    const leave = await askAtTerminal({ stderr, clock, pipes: () => ({ input: new Blob(["y\n"]).stream(), typist: async () => typist }) as never }, requests);
    await clock.advance(5_000);
    leave();
    expect(stderr.text()).toBe("1mcp: nobody is asked here (--trust-terminal): this is no terminal; `1mcp approve` decides\n");
  }
});

test("where it cannot be seen who waits, that is told once, and the server goes on", async () => {
  let looks = 0;
  const at = await terminal({
    look() {
      looks += 1;
      throw fault("STATE_UNWRITABLE", { detail: "auth.db" });
    },
  });
  await at.clock.advance(500);
  await at.clock.advance(5_000);
  expect([looks, at.stderr.text().match(/nobody is asked here any more: .*auth\.db.*`1mcp approve` decides\n/g)?.length]).toEqual([1, 1]);
  at.leave();
  at.end();
});
