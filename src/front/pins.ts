/** What the operator is told of definitions that are not what he trusted, and his word that he trusts them now. */
import * as v from "valibot";
import type { Hub } from "../hub/index.ts";
import { checked, type OperatorAction } from "./operatorAuth.ts";

const shown = v.strictObject({ digest: v.string() });

/** `GET /pins/<server>`, and `POST /pins/<server>/trust` with the digest of what he was shown. */
export const pinActions = (pins: Pick<Hub, "review" | "trust">): readonly OperatorAction[] => [
  { method: "GET", path: "/pins/:id", run: ({ id }) => pins.review(id) },
  { method: "POST", path: "/pins/:id/trust", run: ({ id, body }) => pins.trust(id, checked(shown, body).digest) },
];
