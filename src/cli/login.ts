/**
 * `auth login`, `auth logout` and `auth status`: the logins at remote servers, of the running proxy. A login is begun here
 * and goes on in a browser. For machines without one: with `--paste` the address at which the browser ended is brought
 * back by hand, with `--device` a code is entered in a browser elsewhere.
 */
import { defaultLimits, escapeControls, fault, fixedBounds, sleep } from "../base/index.ts";
import type { DeviceOffer, LoginInfo } from "../compose/index.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askRunning } from "./operator.ts";
import { spanText } from "./print.ts";
import { tableText } from "./table.ts";
import { Lines } from "./typed.ts";

// Nothing tells us that somebody has logged in; this often we look.
const lookMs = 500;

/** Gives 0 when logged in. Throws USAGE, SERVER_AWAY, NAME_UNKNOWN, LOGIN_FAILED. */
export const login: Run = async (occasion) => {
  const server = serverIn(occasion);
  const { paste, device } = occasion.settings;
  if (paste && device) throw fault("USAGE", { detail: "it is either --paste or --device" });
  if (device) return entered(occasion, server);
  const { url } = await askRunning<{ readonly url: string | null }>(occasion, "POST", `${pathOf(server)}/start`, { body: { by: paste ? "paste" : "browser" } });
  if (url === null) return done(occasion, server);
  occasion.stdout.write(`Open this in a browser:\n\n  ${escapeControls(url)}\n\n`);
  await (paste ? pasted(occasion, server) : waited(occasion, server));
  return done(occasion, server);
};

/** Gives 0, also where nobody was logged in. Throws as above. */
export const logout: Run = async (occasion) => {
  const server = serverIn(occasion);
  const { forgotten } = await askRunning<{ readonly forgotten: number }>(occasion, "POST", `${pathOf(server)}/logout`, { body: { all: true } });
  occasion.stdout.write(forgotten === 0 ? `nobody is logged in at ${server}\n` : `logged out at ${server} (${forgotten})\n`);
  return 0;
};

/** A line for each login that there is, or could be. */
export const logins: Run = async (occasion) => {
  const all = await listed(occasion);
  if (occasion.settings.json) occasion.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else occasion.stdout.write(await tableText([["SERVER", "OWNER", "STATE", "ISSUER", "SCOPES", "UNTIL"], ...all.map(rowOf)], occasion.stdout));
  return 0;
};

const rowOf = ({ server, owner, state, issuer, scopes, expiresAt, renews }: LoginInfo): string[] => [
  server,
  owner,
  state,
  issuer ?? "-",
  scopes.join(" ") || "-",
  expiresAt === null ? "-" : renews ? "renewed by itself" : new Date(expiresAt).toISOString(),
];

// ---- the three ways ------------------------------------------------------------------------------------------

async function waited(occasion: Occasion, server: string): Promise<void> {
  const { clock, stdout } = occasion;
  stdout.write("Waiting until you have logged in there …\n");
  const before = tokenOf(await listed(occasion), server);
  const until = clock.now() + defaultLimits.loginMsMax;
  while (clock.now() < until) {
    const now = await listed(occasion);
    if (stateOf(now, server) === "logged-in" && tokenOf(now, server) !== before) return;
    await sleep(clock, lookMs);
  }
  throw fault("LOGIN_FAILED", { backend: server, detail: "nobody logged in", hint: "begin it again" });
}

const mineAt = (all: readonly LoginInfo[], server: string): LoginInfo | undefined => all.find((one) => one.server === server && one.owner === "operator");
const stateOf = (all: readonly LoginInfo[], server: string): string | undefined => mineAt(all, server)?.state;
// Of which login this is, there is no better sign than when it was got.
const tokenOf = (all: readonly LoginInfo[], server: string): number => mineAt(all, server)?.gotAt ?? 0;

async function pasted(occasion: Occasion, server: string): Promise<void> {
  occasion.stdout.write("Then copy the address at which the browser ended (it need not show a page), and put it in here:\n");
  const callbackUrl = ((await new Lines(occasion.pipes().input).next()) ?? "").trim();
  await askRunning(occasion, "POST", `${pathOf(server)}/finish`, { body: { callbackUrl } });
}

async function entered(occasion: Occasion, server: string): Promise<number> {
  const { offer } = await askRunning<{ readonly offer: DeviceOffer | null }>(occasion, "POST", `${pathOf(server)}/device`);
  if (offer === null) return done(occasion, server);
  const { url, code, lifeMs } = offer;
  occasion.stdout.write(`Open this in a browser, on whatever computer or telephone:\n\n  ${escapeControls(url)}\n\nand enter this code there:\n\n  ${escapeControls(code)}\n\nWaiting until you have, at most ${spanText(lifeMs)} …\n`);
  // The server knows when it is over; this is for one that does not answer any more.
  await askRunning(occasion, "POST", `${pathOf(server)}/device/ended`, { msMax: lifeMs + fixedBounds.operatorMsMax });
  return done(occasion, server);
}

// ---- words with the server --------------------------------------------------------------------------------------

function done({ stdout }: Occasion, server: string): number {
  stdout.write(`logged in at ${server}\n`);
  return 0;
}

function serverIn({ operand }: Occasion): string {
  if (operand === null) throw fault("USAGE", { detail: "which server?", hint: "`1mcp auth status` lists those that one can log in at" });
  return operand;
}

const pathOf = (server: string): string => `/logins/${encodeURIComponent(server)}`;

const listed = async (occasion: Occasion): Promise<readonly LoginInfo[]> => (await askRunning<{ readonly logins: readonly LoginInfo[] }>(occasion, "GET", "/logins")).logins;
