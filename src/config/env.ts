/**
 * The environment: the only place that reads `process.env`, so that everything else can be run with any environment.
 * Every command asks for it, so it loads nothing.
 */

/** A frozen copy of the environment this process was started with. */
export const processEnv = (): Readonly<Record<string, string | undefined>> => Object.freeze({ ...process.env });
