/**
 * What a watchdog is told: its charge, in a variable of its environment, so that it has it from its first moment; then,
 * line by line, which groups there are. The two ends run the same program, so both sides of the wording are here.
 */

/** The variable that holds the charge. */
export const chargeVariable = "ONE_MCP_WATCH";

/** What holds for the whole life of the one who is watched. */
export interface Charge {
  /** The beginning of all marks of this life. */
  readonly life: string;
  /** When it started: no child of its can have started before. */
  readonly since: number;
  readonly graceMs: number;
  readonly termMs: number;
}

/** The charge in words. */
export const chargeText = ({ life, since, graceMs, termMs }: Charge): string => `${life} ${since} ${graceMs} ${termMs}`;

/** The charge that a text means, or null. */
export function parseCharge(text: string | undefined): Charge | null {
  const [, life = "", since, graceMs, termMs] = /^([\da-f]{8,64}) (\d{1,16}) (\d{1,9}) (\d{1,9})$/.exec(text ?? "") ?? [];
  return life === "" ? null : { life, since: Number(since), graceMs: Number(graceMs), termMs: Number(termMs) };
}

/** The line that says: this leads a group of ours. */
export const tookLine = (pid: number, start: number | null): string => `+ ${pid} ${start ?? "?"}`;
/** The line that says: that group is empty, and its number anybody's. */
export const lostLine = (pid: number): string => `- ${pid}`;

/** The groups there are, as told so far. */
export class Roll {
  readonly groups = new Map<number, number | null>();

  /** Takes one line; what is none of ours is passed over. */
  take(line: string): void {
    const [, sign, pid, start] = /^([+-]) (\d{1,10})(?: (\d{1,16}|\?))?$/.exec(line) ?? [];
    if (sign === "+") this.groups.set(Number(pid), start === "?" ? null : Number(start));
    if (sign === "-") this.groups.delete(Number(pid));
  }
}
