/**
 * What the operator does about logins at remote servers, over his socket: see them, begin one, end one by the address
 * that he brought by hand or by a code that he enters elsewhere, and forget one.
 */
import * as v from "valibot";
import type { RemoteLogins } from "../auth/index.ts";
import { checked, type OperatorAction } from "./operatorAuth.ts";

const start = v.strictObject({ by: v.picklist(["browser", "paste"]) });
const finish = v.strictObject({ callbackUrl: v.string() });
const logout = v.strictObject({ all: v.boolean() });

/** All of them; `:id` is the server's name. */
export const loginActions = (logins: RemoteLogins): readonly OperatorAction[] => [
  { method: "GET", path: "/logins", run: () => ({ logins: logins.list() }) },
  { method: "POST", path: "/logins/:id/start", run: ({ id, body }) => logins.start(id, checked(start, body).by) },
  { method: "POST", path: "/logins/:id/device", run: async ({ id }) => ({ offer: await logins.device(id) }) },
  {
    // Answered when the code was entered, or will not be any more.
    method: "POST",
    path: "/logins/:id/device/ended",
    async run({ id }) {
      await logins.deviceEnded(id);
      return { finished: id };
    },
  },
  {
    method: "POST",
    path: "/logins/:id/finish",
    async run({ id, body }) {
      await logins.finish(id, checked(finish, body).callbackUrl);
      return { finished: id };
    },
  },
  { method: "POST", path: "/logins/:id/logout", run: async ({ id, body }) => ({ forgotten: await logins.logout(id, checked(logout, body).all) }) },
];
