import { describe, expect, test } from "bun:test";
import { loginActions } from "../../src/front/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createGuarded } from "../fixtures/guarded.ts";
import { browserOf, deskOf, loginSpec, targetOf } from "../fixtures/logins.ts";
import { operated } from "../fixtures/operated.ts";
import { run } from "../../src/cli/index.ts";
import { keptOutput } from "../fixtures/cli.ts";

/** Runs a command that reads this on standard input, as soon as `answer` knows what it was told. */
async function runWith(argv: readonly string[], answer: (said: string) => Promise<string>): Promise<{ code: number; text: string }> {
  const [stdout, stderr] = [keptOutput(), keptOutput()];
  const input = new ReadableStream<Uint8Array>({ pull: async (to) => to.enqueue(new TextEncoder().encode(`${await answer(stdout.text())}\n`)) }, { highWaterMark: 0 });
  const code = await run({ argv, env: {}, stdout, stderr, signals: process, pipes: () => ({ input }) as never, clock: null, selfArgv: [] });
  return { code, text: stdout.text() + stderr.text() };
}

const linkIn = (text: string): string => /https?:\S+/.exec(text)?.[0] ?? "";
const operatedBy = (desk: Awaited<ReturnType<typeof deskOf>>) => operated({}, undefined, { actions: loginActions(desk.logins) });

describe("auth login", () => {
  test("with --paste prints where to go, and ends with the address that came back", async () => {
    await using guarded = createGuarded();
    await using desk = await deskOf([loginSpec(guarded.url)]);
    await using server = await operatedBy(desk);
    const { code, text } = await runWith(["auth", "login", "remote", "--paste", ...server.flags], (said) => guarded.visit(linkIn(said)));
    expect([code, text.split("\n").at(-2)]).toEqual([0, "logged in at remote"]);
    expect(desk.logins.list()[0]?.state).toBe("logged-in");
  });

  test("with a wrong address says that this is not it", async () => {
    await using guarded = createGuarded();
    await using desk = await deskOf([loginSpec(guarded.url)]);
    await using server = await operatedBy(desk);
    const { code, text } = await runWith(["auth", "login", "remote", "--paste", ...server.flags], async () => "http://127.0.0.1/?state=x&code=y");
    expect([code, text.includes("not the address that the login ended at")]).toEqual([1, true]);
  });

  test("else gives a link of ours, and waits until somebody has come back from there", async () => {
    await using guarded = createGuarded();
    await using desk = await deskOf([loginSpec(guarded.url)]);
    await using server = await operatedBy(desk);
    const stdout = keptOutput();
    const running = run({ argv: ["auth", "login", "remote", ...server.flags], env: {}, stdout, stderr: keptOutput(), signals: process, pipes: () => ({}) as never, clock: null, selfArgv: [] });
    while (!stdout.text().includes("Waiting")) await new Promise(setImmediate);
    const browser = browserOf(desk.logins);
    await browser.get(await guarded.visit(targetOf(await browser.get(linkIn(stdout.text())))));
    expect([await running, stdout.text().includes("logged in at remote")]).toEqual([0, true]);
  });

  test("with --device says where a code is to be entered, and ends when it was", async () => {
    await using guarded = createGuarded({ device: "authorization_pending" });
    await using desk = await deskOf([loginSpec(guarded.url)]);
    await using server = await operatedBy(desk);
    const stdout = keptOutput();
    const running = run({ argv: ["auth", "login", "remote", "--device", ...server.flags], env: {}, stdout, stderr: keptOutput(), signals: process, pipes: () => ({}) as never, clock: null, selfArgv: [] });
    while (!stdout.text().includes("Waiting")) await new Promise(setImmediate);
    expect([stdout.text().includes(`${guarded.origin}/device\n`), stdout.text().includes("WDJB-MJHT"), stdout.text().includes("at most 15 min")]).toEqual([true, true, true]);
    guarded.bends.device = "approved";
    await desk.clock.advance(2_000);
    while (desk.logins.list()[0]?.state !== "logged-in") await new Promise(setImmediate);
    expect([await running, stdout.text().includes("logged in at remote")]).toEqual([0, true]);
  });

  test("with --device says why it came to nothing, and where there is no such login", async () => {
    await using guarded = createGuarded({ device: "access_denied" });
    // Time goes on here until it is over, and no answer is late by that.
    await using desk = await deskOf([loginSpec(guarded.url)], { limits: { loginAnswerMsMax: 2 ** 30 } });
    await using server = await operatedBy(desk);
    const denied = runHere(["auth", "login", "remote", "--device", ...server.flags]);
    while (guarded.count("/device_authorization") === 0) await new Promise(setImmediate);
    while (!guarded.asked.some(({ path, body }) => path === "/token" && body.includes("device_code"))) await desk.clock.advance(100);
    expect(await denied).toMatchObject({ code: 1, stderr: expect.stringContaining("it was denied there") });
    guarded.bends.device = null;
    expect(await runHere(["auth", "login", "remote", "--device", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("offers no login by a code") });
    expect(await runHere(["auth", "login", "remote", "--device", "--paste", ...server.flags])).toMatchObject({ code: 2 });
  });

  test("needs no browser where we are the client ourselves", async () => {
    await using guarded = createGuarded();
    await using desk = await deskOf([loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" })]);
    await using server = await operatedBy(desk);
    expect(await runHere(["auth", "login", "remote", ...server.flags])).toMatchObject({ code: 0, stdout: "logged in at remote\n" });
    expect(await runHere(["auth", "login", "remote", "--device", ...server.flags])).toMatchObject({ code: 0, stdout: "logged in at remote\n" });
  });

  test("wants to know where, and says what it does not know", async () => {
    await using desk = await deskOf([]);
    await using server = await operatedBy(desk);
    expect(await runHere(["auth", "login", ...server.flags])).toMatchObject({ code: 2 });
    expect(await runHere(["auth", "login", "nobody", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("nobody") });
  });
});

test("auth status lists who is logged in, and auth logout forgets it", async () => {
  await using guarded = createGuarded();
  await using desk = await deskOf([loginSpec(guarded.url)]);
  await using server = await operatedBy(desk);
  expect((await runHere(["auth", "status", ...server.flags])).stdout).toBe("SERVER\tOWNER\tSTATE\tISSUER\tSCOPES\tUNTIL\nremote\toperator\tlogged-out\t-\t-\t-\n");
  await desk.logins.finish("remote", await guarded.visit((await desk.logins.start("remote", "paste")).url ?? ""));
  expect((await runHere(["auth", "status", ...server.flags])).stdout).toEndWith(`\nremote\toperator\tlogged-in\t${guarded.origin}\t-\trenewed by itself\n`);
  expect(JSON.parse((await runHere(["auth", "status", "--json", ...server.flags])).stdout)).toMatchObject([{ server: "remote", state: "logged-in" }]);
  expect((await runHere(["auth", "logout", "remote", ...server.flags])).stdout).toBe("logged out at remote (1)\n");
  expect((await runHere(["auth", "logout", "remote", ...server.flags])).stdout).toBe("nobody is logged in at remote\n");
});

test("without a running server there is nobody to log in for", async () => {
  const desk = await deskOf([]);
  const server = await operatedBy(desk);
  await server[Symbol.asyncDispose]();
  expect(await runHere(["auth", "status", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("no 1mcp server can be reached") });
  await desk[Symbol.asyncDispose]();
});
