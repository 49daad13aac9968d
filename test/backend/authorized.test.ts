import { expect, test } from "bun:test";
import type { RefusedBy, Remedy, RemoteLogin } from "../../src/auth/index.ts";
import { isForAllOf, withLogin } from "../../src/backend/authorized.ts";
import { type EgressReply, fault, type Fault } from "../../src/base/index.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);

function loginOf(...remedies: readonly Remedy[]) {
  const left = [...remedies];
  const asked: RefusedBy[] = [];
  let issued = 0;
  const login: RemoteLogin = {
    authorization: () => `Bearer ${(issued += 1)}`,
    refused: async (by) => {
      asked.push(by);
      return left.shift() ?? "refused";
    },
    needed: false,
    advice: "log in",
    page: () => null,
    onChanged: () => () => undefined,
  };
  return { login, asked };
}

function server(...statuses: readonly number[]) {
  const left = [...statuses];
  const sent: (string | null)[] = [];
  const cancelled: number[] = [];
  const run = async (authorization: string | null): Promise<EgressReply> => {
    sent.push(authorization);
    const status = left.shift() ?? 200;
    return { status, header: (name: string) => (name === "www-authenticate" ? "Bearer" : null), cancel: () => cancelled.push(status) } as unknown as EgressReply;
  };
  return { run, sent, cancelled };
}

test("without a login nothing is added and nothing is asked", async () => {
  const { run, sent } = server(401);
  expect((await withLogin(null, "s", run)).status).toBe(401);
  expect(sent).toEqual([null]);
});

test("a refused request is made again with the next token, as long as the login says so", async () => {
  const { login, asked } = loginOf("again", "again");
  const { run, sent, cancelled } = server(401, 403, 200);
  expect((await withLogin(login, "s", run)).status).toBe(200);
  expect([sent, cancelled, asked.map(({ tries, status, sent: by, challenge }) => [tries, status, by, challenge])]).toEqual([["Bearer 1", "Bearer 2", "Bearer 3"], [401, 403], [[0, 401, "Bearer 1", "Bearer"], [1, 403, "Bearer 2", "Bearer"]]]);
});

test("a token that has to be got first is waited for", async () => {
  const { login } = loginOf();
  const { run, sent } = server(200);
  await withLogin({ ...login, authorization: () => Promise.resolve("Bearer late") }, "s", run);
  expect(sent).toEqual(["Bearer late"]);
});

test("what no login helps with is given as it is", async () => {
  const { run, cancelled } = server(403);
  expect([(await withLogin(loginOf("refused").login, "s", run)).status, cancelled]).toEqual([403, []]);
});

test("where somebody must log in, it is said whether for all or for this alone", async () => {
  const all = await failure(withLogin(loginOf("login").login, "s", server(401).run));
  const one = await failure(withLogin(loginOf("scopes").login, "s", server(403).run));
  expect([all.code, one.code, isForAllOf(all), isForAllOf(one), isForAllOf(fault("BACKEND_DOWN"))]).toEqual(["LOGIN_NEEDED", "LOGIN_NEEDED", true, false, false]);
  expect([all.hint, all.data?.["sent"]]).toEqual(["log in", false]);
});
