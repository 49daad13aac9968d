import { describe, expect, test } from "bun:test";
import { approvedCode, bodyOf, callback, codeForm, granted, openAuth, opens, refreshed, registered, tokenOf } from "../fixtures/auth.ts";

const secretSha256 = new Bun.CryptoHasher("sha256").update("s3cret: %+&").digest("hex");

describe("a client that the operator wrote down", () => {
  test("is known by its id, and public if it has nothing to show", async () => {
    await using stage = await openAuth({ access: { clients: { preregistered: [{ clientId: "editor", name: "The editor", redirectUris: [callback] }] } } });
    const { access } = await granted(stage, { clientId: "editor" });
    expect(await opens(stage.auth, access)).toEqual(["tag:web"]);
    expect(stage.auth.operator.grants()).toMatchObject([{ name: "The editor", clientId: "editor" }]);
    expect(bodyOf(await tokenOf(stage.auth, { ...codeForm("editor", "x"), client_secret: "any" }))).toMatchObject({ status: 401, error: "invalid_client" });
  });

  test("shows its secret in the header, encoded as a form is, or in the form", async () => {
    await using stage = await openAuth({ access: { clients: { preregistered: [{ clientId: "site:1", redirectUris: [callback], secretSha256 }] } } });
    const { client_id: _, ...form } = codeForm("site:1", await approvedCode(stage.auth, "site:1"));
    const basic = `Basic ${btoa(`${encodeURIComponent("site:1")}:${encodeURIComponent("s3cret: %+&")}`)}`;
    const body = bodyOf(await tokenOf(stage.auth, form, { authorization: basic }));
    expect(body.status).toBe(200);
    expect((await refreshed(stage, "site:1", String(body["refresh_token"]), { client_secret: "s3cret: %+&" })).status).toBe(200);
  });
});

test("a client that registered itself again is another one", async () => {
  await using stage = await openAuth();
  const [one, other] = [await registered(stage.auth), await registered(stage.auth)];
  expect(one).not.toBe(other);
  const code = await approvedCode(stage.auth, one);
  expect(bodyOf(await tokenOf(stage.auth, codeForm(other, code)))).toMatchObject({ error: "invalid_grant" });
  expect(bodyOf(await tokenOf(stage.auth, codeForm(one, code))).status).toBe(200);
});
