/**
 * `open`: makes a browser the operator's by a link that works once and for a short while. The system's own opener gets it
 * as one argument, with no shell in between.
 */
import { fault, runTool, sleep } from "../base/index.ts";
import type { Run } from "./occasion.ts";
import { askRunning } from "./operator.ts";

/** An opener that is still there after so long has become the browser. */
const openMsMax = 5_000;

/** Gives 0 when it was handed over, or printed. Throws SERVER_AWAY. */
export const open: Run = async (occasion) => {
  const { settings, stdout, stderr, env, clock } = occasion;
  const { url } = await askRunning<{ readonly url: string }>(occasion, "POST", "/auth/open");
  if (!settings.print) {
    const code = await Promise.race([Promise.try(() => runTool(openerOf(process.platform, url), env)).catch(() => 127), sleep(clock, openMsMax).then(() => 0)]);
    if (code === 0) return 0;
    stderr.write("no browser could be opened; open this link in one, within two minutes:\n");
  }
  stdout.write(`${url}\n`);
  return 0;
};

/** The command that opens a link. Throws USAGE for what is no web address. */
export function openerOf(platform: NodeJS.Platform, url: string): readonly string[] {
  if (!/^https?:\/\/[^\s"]+$/.test(url)) throw fault("USAGE", { detail: "this is not a web address" });
  if (platform === "darwin") return ["open", url];
  return platform === "win32" ? ["rundll32", "url.dll,FileProtocolHandler", url] : ["xdg-open", url];
}
