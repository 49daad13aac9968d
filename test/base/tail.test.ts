import { expect, test } from "bun:test";
import { createKnownSecrets, createLog, Tail, type TailLine } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

const line = (server: string | null, text: string): Omit<TailLine, "seq"> => ({ time: "", server, level: "info", text });
const query = (server: string | null, more: object = {}) => ({ server, after: 0, linesMax: 100, ...more });
const texts = (lines: readonly TailLine[]): string[] => lines.map(({ text }) => text);

test("of each server the last lines are kept, so that one that talks much leaves the others theirs", () => {
  const tail = new Tail({ tailLinesMax: 3, backendsMax: 9 });
  tail.add(line("quiet", "q"));
  for (let at = 0; at < 9; at += 1) tail.add(line("loud", `l${at}`));
  tail.add(line(null, "own"));
  expect(texts(tail.read(query("loud")))).toEqual(["l6", "l7", "l8"]);
  expect(texts(tail.read(query(null)))).toEqual(["q", "l6", "l7", "l8", "own"]);
  expect(texts(tail.read(query(null, { linesMax: 2 })))).toEqual(["l8", "own"]);
  expect(texts(tail.read(query(null, { after: 9 })))).toEqual(["l8", "own"]);
  expect(tail.read(query("nobody"))).toEqual([]);
});

test("of servers without end no more are kept than there may be, and one more for the program", () => {
  const tail = new Tail({ tailLinesMax: 3, backendsMax: 2 });
  for (const name of ["a", "b", "c", "d"]) tail.add(line(name, name));
  expect(texts(tail.read(query(null)))).toEqual(["b", "c", "d"]);
});

test("who waits gets what comes, of his server alone, and nothing when nothing does", async () => {
  const clock = createTestClock();
  const tail = new Tail({ tailLinesMax: 3, backendsMax: 2 });
  const waiting = tail.next(query("a"), 1000, clock);
  tail.add(line("b", "not this"));
  await clock.settle();
  tail.add(line("a", "this"));
  expect(texts(await waiting)).toEqual(["this"]);
  const late = tail.next(query("a", { after: 9 }), 1000, clock);
  await clock.advance(1000);
  expect([await late, clock.pending]).toEqual([[], 0]);
});

test("a log keeps there what people follow, scrubbed, whatever its level: not what is for debugging, but what servers say", () => {
  const kept: Omit<TailLine, "seq">[] = [];
  const secrets = createKnownSecrets();
  secrets.add("verysecretvalue");
  const log = createLog({ level: "error", pretty: false, clock: createTestClock({ now: 0 }), write: () => undefined, secrets, keep: (one) => kept.push(one) });
  log.with({ server: "web" }).info("ready", { starts: 1, why: "a b" });
  log.debug("nothing for people", { server: "web" });
  log.debug("stderr", { server: "web", line: "key verysecretvalue\u001b[2J" });
  log.warn("own\n");
  const time = "1970-01-01T00:00:00.000Z";
  expect(kept).toEqual([
    { time, server: "web", level: "info", text: 'ready starts=1 why="a b"' },
    { time, server: "web", level: "stderr", text: "key [secret]\u001b[2J" },
    { time, server: null, level: "warn", text: "own\\u000a" },
  ]);
});
