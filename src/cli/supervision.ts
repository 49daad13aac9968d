/**
 * What the supervisor of a state folder says of itself, in the folder `supervisor` of it: who it is, whom it started with
 * which flags, and how that goes. A supervisor that was killed leaves its words behind, so they count as its own only
 * while it lives.
 */
import { join } from "node:path";
import { readPrivateFile, removeFile, writeFileAtomic } from "../base/index.ts";
import { type Claim, type ClaimOptions, claimState, readOwner } from "../config/index.ts";

export type SupervisorPhase = "running" | "restarting" | "crash-loop";

/** How it goes with the server that is supervised. */
export interface Supervision {
  readonly phase: SupervisorPhase;
  /** The server's process; null while there is none. */
  readonly worker: number | null;
  readonly restarts: number;
  /** Milliseconds since the epoch at which it is started again; null: it is not about to be. */
  readonly retryAt: number | null;
  /** How the one before ended; null: there was none. */
  readonly lastExit: string | null;
  /** The flags that it was started with. */
  readonly flags: readonly string[];
}

/** The same, and who says so. */
export interface Supervised extends Supervision {
  /** The living supervisor; null: it was killed. */
  readonly supervisor: number | null;
}

const bytesMax = 64 * 1024;
const folderOf = (stateDir: string): string => join(stateDir, "supervisor");
const pathOf = (stateDir: string): string => join(folderOf(stateDir), "state.json");

/** Makes this process the supervisor of a state folder. Throws STATE_OWNED, STATE_UNSAFE, STATE_UNWRITABLE. */
export const claimSupervision = ({ stateDir, clock }: Pick<ClaimOptions, "stateDir" | "clock">): Promise<Claim> => claimState({ stateDir: folderOf(stateDir), clock, takeover: false });

/** Writes down how it goes. */
export const writeSupervision = (stateDir: string, supervision: Supervision): Promise<void> => writeFileAtomic(pathOf(stateDir), `${JSON.stringify(supervision)}\n`);

/** Nothing is supervised any more. */
export const forgetSupervision = (stateDir: string): Promise<void> => removeFile(pathOf(stateDir));

/** What is known of the supervisor of a state folder, or was left by one; of none, that there is none. Throws STATE_UNSAFE. */
export async function readSupervision(stateDir: string): Promise<Supervised> {
  const [owner, text] = await Promise.all([readOwner(folderOf(stateDir)), readPrivateFile(pathOf(stateDir), { bytesMax })]);
  return { ...((text === null ? null : parsed(text)) ?? beginning), supervisor: owner?.pid ?? null };
}

/** Why the server is not there, once it has been. */
export const fallText = ({ lastExit }: Pick<Supervision, "lastExit">): string => lastExit ?? "it fell";

/** That it was given up, and why. */
export const givenUpText = (supervision: Pick<Supervision, "restarts" | "lastExit">): string => `given up after ${supervision.restarts} restarts: ${fallText(supervision)}`;

/** Whether the server of this process runs on, though its supervisor has gone. */
export const isOrphan = ({ supervisor, worker }: Supervised, pid: number | null): boolean => supervisor === null && worker !== null && worker === pid;

/** Of one that has not said anything yet. */
const beginning: Supervision = Object.freeze({ phase: "running", worker: null, restarts: 0, retryAt: null, lastExit: null, flags: [] });

function parsed(text: string): Supervision | null {
  try {
    const value = JSON.parse(text) as Partial<Supervision> | null;
    return value !== null && typeof value === "object" && Array.isArray(value.flags) ? { ...beginning, ...value } : null;
  } catch {
    // Nobody writes half a file here; whatever it is, it says nothing.
    return null;
  }
}
