/** The played clients leave as real ones do, also before anybody looks whether they are there. */
import { expect, test } from "bun:test";
import type { Eras, HttpIn, HttpOut } from "../../src/era/index.ts";
import { createClient } from "../fixtures/crowd.ts";

function modernClient() {
  const requests: HttpIn[] = [];
  const http = (request: HttpIn): Promise<HttpOut> => {
    requests.push(request);
    return new Promise(() => undefined);
  };
  const eras = { http } as unknown as Eras;
  const client = createClient({ eras, name: "c0", principal: { id: "p0", scopes: null }, era: "modern", transport: "http", revision: "2026-07-28", capable: true, exact: true, wrong: (what) => expect.unreachable(what) });
  return { client, requests };
}

test("a client that hung up before anybody watched it is found gone by who watches it then", () => {
  const { client, requests } = modernClient();
  client.start("q");
  client.cancel(() => 0);
  let gone = 0;
  requests[0]?.onGone(() => (gone += 1));
  expect([gone, client.busy]).toEqual([1, 0]);
});

test("a client that is watched is gone once it hangs up, and not before", () => {
  const { client, requests } = modernClient();
  client.start("q");
  let gone = 0;
  requests[0]?.onGone(() => (gone += 1));
  expect(gone).toBe(0);
  client.cancel(() => 0);
  expect(gone).toBe(1);
});
