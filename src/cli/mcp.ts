/**
 * `mcp pins` and `mcp trust`: what a server defines now that is not what was trusted, line by line, and the operator's word
 * that he trusts it. The running server is asked; where none runs, what it last knew is looked at in its files.
 */
import { escapeControls } from "../base/index.ts";
import type { PinsAtRest, Review } from "../compose/index.ts";
import { configPathOf, stateDirOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askOperator, askRunning, silentFault } from "./operator.ts";
import { aboutServer, serverName } from "./serverNames.ts";
import { version } from "./version.ts";

/** Shows what is not as it was trusted, and changes nothing. Gives 0 where all is, 1 where not, 4 where nothing is known of such a server. Throws SERVER_AWAY. */
export const pins: Run = aboutServer(async (occasion) => {
  const server = serverName(occasion);
  await using desk = await deskOf(occasion);
  const review = await desk.review(server);
  occasion.stdout.write(reviewText(review));
  return review.drifts.length === 0 ? 0 : 1;
});

/** Shows it, and trusts exactly that; 4 as for pins. Throws SERVER_AWAY, PARAMS_INVALID where it changed in between. */
export const trust: Run = aboutServer(async (occasion) => {
  const server = serverName(occasion);
  await using desk = await deskOf(occasion);
  const review = await desk.review(server);
  occasion.stdout.write(reviewText(review));
  if (review.drifts.length === 0) return 0;
  await desk.trust(server, review.digest);
  occasion.stdout.write(`${escapeControls(`${review.drifts.length === 1 ? "this is" : "these are"} trusted from now on`)}\n`);
  return 0;
});

/** Who can be asked. */
interface Desk extends AsyncDisposable {
  review(server: string): Promise<Review>;
  trust(server: string, digest: string): Promise<Review>;
}

async function deskOf(occasion: Occasion): Promise<Desk> {
  const found = await askOperator<unknown>(occasion, "GET", "/status");
  if (found.kind === "silent") throw silentFault(found.why);
  return found.kind === "none" ? atRest(await restOf(occasion)) : running(occasion);
}

function running(occasion: Occasion): Desk {
  return {
    review: (server) => askRunning(occasion, "GET", `/pins/${encodeURIComponent(server)}`),
    trust: (server, digest) => askRunning(occasion, "POST", `/pins/${encodeURIComponent(server)}/trust`, { body: { digest } }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const atRest = (rest: PinsAtRest): Desk => ({
  review: (server) => Promise.try(() => rest.review(server)),
  trust: (server, digest) => Promise.try(() => rest.trust(server, digest)),
  [Symbol.asyncDispose]: () => rest.close(),
});

async function restOf(occasion: Occasion): Promise<PinsAtRest> {
  const { settings, env, stderr } = occasion;
  // Whoever asks a running server needs nothing of what makes one.
  const { pinsAtRest } = await import("../compose/index.ts");
  return pinsAtRest({ configPath: configPathOf(occasion), stateDir: stateDirOf(occasion), env, logLevel: settings.logLevel, version, pretty: true, writeLog: (line) => stderr.write(`${line}\n`) });
}

/** A review for a person. What servers wrote cannot drive the terminal, and what cannot be seen is shown. */
function reviewText({ server, pin, drifts }: Review): string {
  if (drifts.length === 0) return `${escapeControls(`everything that ${server} defines is as it was trusted`)}\n`;
  const state = pin === "block" ? "withheld" : "shown all the same, since pin is not “block”";
  const blocks = drifts.flatMap(({ key, how, was, is, lines }) => [`${key} is ${how} (${was ?? "none"} → ${is})`, ...lines.map((line) => `  ${line}`)]);
  return [`${server} defines what was not trusted; it is ${state}:`, ...blocks].map((line) => `${escapeControls(line)}\n`).join("");
}
