import { expect, test } from "bun:test";
import { Fault, fault } from "../../src/base/index.ts";
import { pinActions } from "../../src/front/pins.ts";
import type { Review } from "../../src/hub/index.ts";

const review: Review = { server: "web", pin: "block", digest: "d", drifts: [] };
const asked: string[] = [];
const actions = pinActions({
  review: (server) => (asked.push(server), review),
  trust(server, digest) {
    if (digest !== "d") throw fault("PARAMS_INVALID");
    asked.push(`${server} ${digest}`);
    return review;
  },
});
const run = (path: string, id: string, body?: unknown): unknown => {
  try {
    return actions.find((action) => action.path === path)?.run({ id, body });
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.code : thrown;
  }
};

test("the operator is shown what differs, and trusts what he was shown and nothing else", () => {
  expect(actions.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /pins/:id", "POST /pins/:id/trust"]);
  expect(run("/pins/:id", "web")).toEqual(review);
  expect(run("/pins/:id/trust", "web", { digest: "d" })).toEqual(review);
  expect([undefined, {}, { digest: 1 }, { digest: "e" }].map((body) => run("/pins/:id/trust", "web", body))).toEqual(Array.from({ length: 4 }, () => "PARAMS_INVALID"));
  expect(asked).toEqual(["web", "web d"]);
});
