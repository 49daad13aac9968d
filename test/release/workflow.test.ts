/** The workflow that releases: what can be known of it without the forge that runs it. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { platforms } from "../../release/platforms.ts";
import { runTool } from "../../release/tool.ts";
import { projectDir } from "../fixtures/program.ts";

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly strategy?: { readonly matrix: { readonly include: readonly { readonly platform: string; readonly suffix?: string }[] } };
}
interface Workflow {
  readonly on: { readonly push: { readonly tags: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const text = await Bun.file(join(projectDir, ".github", "workflows", "release.yml")).text();
const workflow = Bun.YAML.parse(text) as Workflow;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

describe("the release workflow", () => {
  test("runs on a tag only, may by itself only read, and takes no step from anybody else", () => {
    expect(workflow.on).toEqual({ push: { tags: ["v*"] } });
    expect(workflow.permissions).toEqual({ contents: "read" });
    expect(steps.filter(({ uses }) => uses !== undefined)).toEqual([]);
    expect(Object.values(workflow.jobs).flatMap(({ permissions }) => Object.keys(permissions ?? {})).filter((name) => name !== "contents")).toEqual([]);
  });

  test("hands the token and the key to steps that run nothing of ours and nothing that was installed", () => {
    const isSecret = (value: string): boolean => /github\.token|secrets\./u.test(value);
    const holds = ({ env = {} }: { readonly env?: Readonly<Record<string, string>> }): boolean => Object.values(env).some(isSecret);
    expect([workflow, ...Object.values(workflow.jobs)].filter(holds)).toEqual([]);
    const given = steps.filter(holds);
    expect(given.length).toBeGreaterThan(8);
    const commands = given.flatMap(({ run = "" }) => run.split("\n")).flatMap((line) => /^(?:\[ .* \] \|\| )?([\w$-]+)/u.exec(line)?.[1] ?? []);
    expect([...new Set(commands)].toSorted()).toEqual(["exit", "gh", "git", "printf", "rm", "ssh-keygen", "umask"]);
    // Whoever asks for them there is not given them.
    expect(steps.filter((step) => !holds(step) && /\bgh |GH_TOKEN|SIGNING_KEY/u.test(step.run ?? ""))).toEqual([]);
    expect(steps.filter(({ run = "" }) => isSecret(run))).toEqual([]);
  });

  test("tries every platform, and publishes after all else", () => {
    expect(workflow.jobs["smoke"]?.strategy?.matrix.include.map(({ platform }) => platform).sort()).toEqual(platforms.map(({ name }) => name).sort());
    const needed = workflow.jobs["publish"]?.needs;
    expect([...(needed ?? [])].sort()).toEqual(Object.keys(workflow.jobs).filter((name) => !["check", "publish"].includes(name)).sort());
  });

  test("has steps that a shell can read, with the version of Bun that the project uses and scripts that exist", async () => {
    const runs = steps.flatMap(({ run }) => run ?? []);
    expect(runs.length).toBeGreaterThan(8);
    const read = await Promise.all(runs.map(async (run) => (await runTool(["bash", "-n", "-c", run.replaceAll(/\$\{\{.*?\}\}/g, "x")], projectDir)).output));
    expect(read.join("")).toBe("");
    expect(text).toContain(`bun@${Bun.version}\n`);
    const { scripts } = (await Bun.file(join(projectDir, "package.json")).json()) as { scripts: Record<string, string> };
    for (const [, script = ""] of text.matchAll(/\$BUN run (\w+)/g)) expect(scripts).toHaveProperty(script);
  });
});
