/** `mcp restart`: a server of the running proxy begun anew; the old process ends when its last call has. */
import { escapeControls } from "../base/index.ts";
import type { Run } from "./occasion.ts";
import { aboutServer, serverName } from "./serverNames.ts";
import { awaitServer } from "./verdict.ts";

const standardMs = 5_000;

/** Gives 0 when it serves again, 1 when it does not come up, 3 where it wants a login, 4 where there is no such server. Throws SERVER_AWAY, PARAMS_INVALID where it is switched off. */
export const restart: Run = aboutServer(async (occasion) => {
  const { settings, stdout, given } = occasion;
  const name = serverName(occasion);
  const verdict = await awaitServer(occasion, name, Number(given.get("wait-ms") ?? standardMs), "restart");
  stdout.write(settings.json ? `${JSON.stringify(verdict.facts, null, 2)}\n` : verdict.text.map((line) => `${escapeControls(line)}\n`).join(""));
  return verdict.code;
});
