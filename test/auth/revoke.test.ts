import { expect, test } from "bun:test";
import { ask, bodyOf, granted, openAuth, opens, refreshed, registered } from "../fixtures/auth.ts";

const revoke = async (stage: Awaited<ReturnType<typeof openAuth>>, clientId: string, token: string): Promise<unknown> => bodyOf(await ask(stage.auth, "POST", "/revoke", { form: { client_id: clientId, token } }));

test("a refresh token takes its grant along, and what stands on it", async () => {
  await using stage = await openAuth();
  const ended: string[] = [];
  stage.auth.onEnded((ids) => ended.push(...ids));
  const { clientId, access, refresh } = await granted(stage);
  const [grant] = stage.auth.operator.grants();
  expect(await opens(stage.auth, access)).not.toBe(false);
  expect(await revoke(stage, clientId, refresh)).toEqual({ status: 200 });
  expect([await opens(stage.auth, access), stage.auth.operator.grants(), ended]).toEqual([false, [], [grant?.id ?? ""]]);
});

test("an access token takes only itself along", async () => {
  await using stage = await openAuth();
  const { clientId, access, refresh } = await granted(stage);
  expect(await opens(stage.auth, access)).not.toBe(false);
  expect(await revoke(stage, clientId, access)).toEqual({ status: 200 });
  expect(await opens(stage.auth, access)).toBe(false);
  expect((await refreshed(stage, clientId, refresh)).status).toBe(200);
});

test("another client's token, and one that nobody knows, stay as they are; the answer is the same", async () => {
  await using stage = await openAuth();
  const { access, refresh } = await granted(stage);
  const other = await registered(stage.auth);
  for (const token of [access, refresh, "1mcp_unknown"]) expect(await revoke(stage, other, token)).toEqual({ status: 200 });
  expect(await opens(stage.auth, access)).not.toBe(false);
});

test("the request has to be one", async () => {
  await using stage = await openAuth();
  const { clientId, access } = await granted(stage);
  expect((await ask(stage.auth, "GET", "/revoke")).headers["Allow"]).toBe("POST");
  expect(await revoke(stage, "nobody", access)).toMatchObject({ status: 401, error: "invalid_client" });
  expect(await revoke(stage, clientId, "")).toMatchObject({ status: 400 });
  expect(bodyOf(await ask(stage.auth, "POST", "/revoke", { form: new URLSearchParams(`client_id=${clientId}&token=a&token=b`) }))).toMatchObject({ status: 400 });
});
