/** Which configuration file and state folder are meant, and the file's members as they come: apart, for commands that need no more of it. */
import { resolve } from "node:path";
import { defaultConfigPath, defaultStateDir } from "../config/index.ts";
import type { Occasion } from "./occasion.ts";

/** The configuration file that the command line means. */
export const configPathOf = ({ settings, env }: Pick<Occasion, "settings" | "env">): string => (settings.config === null ? defaultConfigPath(env) : resolve(settings.config));

/** A path that was given, from here; null where none was. */
export const pathOf = (given: string | null): string | null => (given === null ? null : resolve(given));

/** The state folder that the command line means. */
export const stateDirOf = ({ settings, env }: Pick<Occasion, "settings" | "env">): string => (settings.stateDir === null ? defaultStateDir(env) : resolve(settings.stateDir));

/** Members of an object. */
export type Members = Readonly<Record<string, unknown>>;

/** An object's members; none where it is no object. */
export const membersOf = (value: unknown): Members => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {});
