import { describe, expect, test } from "bun:test";
import { CancelSource, fault } from "../../src/base/index.ts";
import { type Hub, patient } from "../../src/hub/index.ts";
import type { Call, Outcome } from "../../src/protocol/index.ts";
import { operator } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { done } from "../fixtures/serve.ts";

type State = { readonly state: string; readonly restarts: number; readonly reason: string | null };

function stage() {
  const clock = createTestClock();
  const now = { server: null as State | null, starting: false, looks: 0 };
  const answered = done({ content: [] });
  const hub = {
    status: () => ({ backends: now.server === null ? [] : [{ name: "server", ...now.server }] }),
    call: () => Promise.resolve(answered),
    describe: () => Promise.resolve({ info: "{}", capabilities: "{}", instructions: null }),
    watch: () => {
      throw fault("LIMIT_REACHED");
    },
    tool: () => "{}",
  } as unknown as Hub;
  const serve = patient(hub, { server: "server", clock, firstMs: 10_000, awayMs: 750, starting: () => now.starting, look: () => void (now.looks += 1) });
  const cancel = new CancelSource();
  const call = (): { readonly outcome: () => Outcome | null } => {
    let outcome: Outcome | null = null;
    void serve.call({ cancel } as unknown as Call).then((one) => (outcome = one));
    return { outcome: () => outcome };
  };
  const codeOf = (outcome: Outcome | null): string | null => (outcome?.kind === "failed" ? (JSON.parse(outcome.error.data ?? "{}") as { code: string }).code : (outcome?.kind ?? null));
  return { clock, now, serve, call, codeOf, cancel };
}

const ready: State = { state: "ready", restarts: 0, reason: null };
const selection = { server: "server" };

describe("a bridge", () => {
  test("serves at once while the server is there", async () => {
    const { clock, now, call, codeOf, serve } = stage();
    now.server = ready;
    const { outcome } = call();
    await clock.settle();
    expect([codeOf(outcome()), now.looks]).toEqual(["done", 0]);
    expect(await serve.describe(operator, selection)).toMatchObject({ info: "{}" });
    expect(serve.tool(operator, selection, "a")).toBe("{}");
    expect(() => serve.watch({ principal: operator, selection, client: { info: null, capabilities: "{}" }, session: null, changed: () => undefined, updated: () => undefined })).toThrow("limit");
  });

  test("says within a second that the server is away, known or not, and why", async () => {
    const { clock, now, call, codeOf, serve } = stage();
    const unknown = call();
    await clock.advance(800);
    expect([codeOf(unknown.outcome()), now.looks]).toEqual(["SERVER_AWAY", 1]);
    now.server = { state: "backing-off", restarts: 3, reason: "refused" };
    const described = serve.describe(operator, selection).catch((thrown: Error) => thrown.message);
    await clock.advance(800);
    expect(await described).toBe("no 1mcp server can be reached (refused)");
    now.server = { state: "starting", restarts: 3, reason: null };
    const again = call();
    await clock.advance(800);
    expect(codeOf(again.outcome())).toBe("SERVER_AWAY");
  });

  test("waits longer for the first handshake, and as long as it takes for a server that is being started", async () => {
    const { clock, now, call, codeOf } = stage();
    now.starting = true;
    const { outcome } = call();
    await clock.advance(60_000);
    expect(outcome()).toBeNull();
    now.starting = false;
    now.server = { state: "starting", restarts: 0, reason: null };
    await clock.advance(9_000);
    expect(outcome()).toBeNull();
    now.server = ready;
    await clock.advance(20);
    expect(codeOf(outcome())).toBe("done");
    now.server = { state: "starting", restarts: 0, reason: null };
    const late = call();
    await clock.advance(10_020);
    expect(codeOf(late.outcome())).toBe("SERVER_AWAY");
  });

  test("waits no longer than its client does", async () => {
    const { clock, now, call, codeOf, cancel } = stage();
    now.server = { state: "starting", restarts: 0, reason: null };
    const { outcome } = call();
    cancel.cancel("enough");
    await clock.advance(20);
    expect(codeOf(outcome())).toBe("SERVER_AWAY");
    expect(clock.pending).toBe(0);
  });
});
