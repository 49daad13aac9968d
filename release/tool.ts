/** Runs the tools that a release is made with: the bundler, the package client, git. */

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** Both streams, for a person. */
  readonly output: string;
}

/** Runs it to its end, with nothing on its standard input. */
export async function runTool(argv: readonly string[], cwd: string, env: Readonly<Record<string, string | undefined>> = process.env): Promise<Ran> {
  const child = Bun.spawn([...argv], { cwd, env: { ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, stdout, output: stdout + stderr };
}
