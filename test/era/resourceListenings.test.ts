import { describe, expect, test } from "bun:test";
import { ResourceListenings } from "../../src/era/resourceListenings.ts";
import type { Limits } from "../../src/base/index.ts";
import { type Arrived, type Bench, benchOf, faultCodeOf, messageOf, textOf } from "../fixtures/wire.ts";

const plain = "{}";
const able = '{"roots":{}}';

function startOn(transport: "stdio" | "http" = "http", limits: Partial<Limits> = {}) {
  const updates: string[] = [];
  const bench = benchOf(transport, () => "silent", { updated: (uri, _params, abilities) => updates.push(`${uri} for ${abilities}`) }, limits);
  const listenings = new ResourceListenings(bench.south, (abilities) => (id, params) => ({ text: `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{${params},"of":${abilities}}}`, headers: {} }));
  const take = (text: string): boolean => {
    const message = messageOf(text);
    return message.kind === "notification" && listenings.take(message);
  };
  return { bench, listenings, updates, take };
}

const asked = (bench: Bench): unknown[] =>
  bench.wire.arrived.map(({ params }) => {
    const { notifications, of } = JSON.parse(textOf(params)) as { notifications: { resourceSubscriptions: string[] }; of: object };
    return [JSON.stringify(of), ...notifications.resourceSubscriptions];
  });
const tag = ({ id }: Arrived): string => `"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}`;
const acknowledged = (arrived: Arrived): string => `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":${JSON.stringify((JSON.parse(textOf(arrived.params)) as { notifications: object }).notifications)},${tag(arrived)}}}`;
const updated = (uri: string, arrived: Arrived | null): string => `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}"${arrived === null ? "" : `,${tag(arrived)}`}}}`;

/** Subscribes, and lets the server acknowledge it. */
async function subscribed({ bench, listenings, take }: ReturnType<typeof startOn>, uri: string, abilities: string): Promise<Arrived> {
  const wish = listenings.subscribe(uri, abilities);
  await bench.clock.settle();
  const arrived = bench.wire.last("subscriptions/listen");
  if (bench.wire.transport === "stdio") take(acknowledged(arrived));
  else arrived.push(acknowledged(arrived));
  expect(await wish).toBe(true);
  return arrived;
}

describe("resources of one server", () => {
  test("are listened to once for all who can do the same, and what is told there is for those", async () => {
    const stage = startOn();
    await subscribed(stage, "a://1", plain);
    const first = await subscribed(stage, "a://2", plain);
    const other = await subscribed(stage, "a://1", able);
    expect(asked(stage.bench)).toEqual([[plain, "a://1"], [plain, "a://1", "a://2"], [able, "a://1"]]);
    first.push(updated("a://1", first));
    other.push(updated("a://1", other));
    expect(stage.updates).toEqual([`a://1 for ${plain}`, `a://1 for ${able}`]);
  });

  test("are told of on a pipe by the tag, and to everybody without one", async () => {
    const stage = startOn("stdio");
    const first = await subscribed(stage, "a://1", plain);
    const other = await subscribed(stage, "a://1", able);
    expect([stage.take(updated("a://1", other)), stage.take(updated("a://1", first))]).toEqual([true, true]);
    expect(stage.updates.splice(0)).toEqual([`a://1 for ${able}`, `a://1 for ${plain}`]);
    expect(stage.take(updated("a://1", null))).toBe(true);
    expect(stage.updates).toEqual([`a://1 for ${plain}`, `a://1 for ${able}`]);
    expect(stage.take('{"jsonrpc":"2.0","method":"notifications/progress"}')).toBe(false);
  });

  test("that nobody of some abilities wants any more are not listened to for those", async () => {
    const stage = startOn("http", { listensPerServerMax: 1 });
    const first = await subscribed(stage, "a://1", plain);
    expect(await faultCodeOf(stage.listenings.subscribe("a://1", able))).toBe("LIMIT_REACHED");
    await stage.listenings.unsubscribe("a://1", able);
    await stage.listenings.unsubscribe("a://1", plain);
    expect(stage.bench.wire.abandoned).toEqual([first.id]);
    const other = await subscribed(stage, "a://1", able);
    stage.listenings.close();
    expect(stage.bench.wire.abandoned).toEqual([first.id, other.id]);
  });

  test("that a server refuses take no room", async () => {
    const { bench, listenings, take } = startOn("stdio", { listensPerServerMax: 1 });
    const wish = listenings.subscribe("a://1", plain);
    await bench.clock.settle();
    bench.wire.answer(bench.wire.last("subscriptions/listen").id, { error: '{"code":-32602,"message":"no"}' });
    expect(await wish).toBe(false);
    const next = listenings.subscribe("a://1", able);
    await bench.clock.settle();
    bench.wire.answer(bench.wire.last("subscriptions/listen").id, { error: '{"code":-32602,"message":"no"}' });
    expect(await next).toBe(false);
    expect(take(updated("a://1", null))).toBe(true);
  });
});
