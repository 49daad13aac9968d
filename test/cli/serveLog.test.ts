import { expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openServeLog, serveLogPath, serveLogSince, serveLogSize, serveLogWriter } from "../../src/cli/serveLog.ts";
import { createOutput } from "../../src/cli/terminal.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

const logOf = (folder: Folder): string => serveLogPath(folder.path);
const linesOf = async (path: string): Promise<string[]> => (await readFile(path, "utf8")).trim().split("\n");
const cli = (name: string): string => JSON.stringify(join(projectDir, "src", "cli", name));

/** A process whose standard error is the log, as that of a server in the background. */
async function logs(folder: Folder, bytesMax: number, count: number): Promise<void> {
  await using log = await openServeLog(folder.path, bytesMax);
  const script = `import { standardOutput } from ${cli("terminal.ts")}; import { serveLogWriter } from ${cli("serveLog.ts")};
    const stderr = standardOutput(2);
    const write = serveLogWriter(stderr, ${JSON.stringify(folder.path)}, ${bytesMax});
    for (let n = 1; n <= ${count}; n += 1) write("line " + String(n).padStart(6, "0"));
    await stderr.flush();`;
  expect(await Bun.spawn([process.execPath, "-e", script], { stderr: log.fd, stdout: "inherit" }).exited).toBe(0);
}

test("the log of a server in the background stays within its bound, and has every line of late", async () => {
  await using folder = await createFolder();
  await logs(folder, 1200, 1050);
  const [earlier, later] = [await linesOf(`${logOf(folder)}.1`), await linesOf(logOf(folder))];
  expect([earlier.length, (await stat(logOf(folder))).size <= 1200, (await stat(logOf(folder))).mode & 0o777, (await stat(`${logOf(folder)}.1`)).mode & 0o777]).toEqual([100, true, 0o600, 0o600]);
  expect([...earlier, ...later].map((line) => Number(line.slice(5)))).toEqual(Array.from({ length: 150 }, (_, at) => 901 + at));
});

test("what earlier servers said is still there after a start, until there is too much of it", async () => {
  await using folder = await createFolder();
  await logs(folder, 1200, 40);
  await logs(folder, 1200, 50);
  expect(await linesOf(logOf(folder))).toHaveLength(90);
  await logs(folder, 1200, 20);
  expect([(await linesOf(`${logOf(folder)}.1`)).length, (await linesOf(logOf(folder))).length]).toEqual([100, 10]);
  // One that cannot even start says a few lines each time.
  for (let start = 0; start < 100; start += 1) {
    await using log = await openServeLog(folder.path, 1200);
    await log.write("cannot start\n");
  }
  expect((await stat(logOf(folder))).size).toBeLessThan(1300);
});

test("another standard error is nobody's to empty", async () => {
  await using folder = await createFolder();
  await writeFile(logOf(folder), "mine\n");
  const output = keptOutput();
  const write = serveLogWriter(output, folder.path, 10);
  for (let n = 0; n < 10; n += 1) write("a line");
  expect([output.text(), await readFile(logOf(folder), "utf8")]).toEqual(["a line\n".repeat(10), "mine\n"]);
});

test("a log that cannot be kept is emptied all the same, and says so", async () => {
  await using folder = await createFolder();
  await using log = await openServeLog(folder.path, 10);
  const output = createOutput({ write: (text) => writeSync(log.fd, text), flush: () => 0 }, () => Promise.resolve(false));
  const write = serveLogWriter(output, folder.path, 10, log.fd);
  await mkdir(join(`${logOf(folder)}.1`, "in the way"), { recursive: true });
  write("12345678");
  write("next");
  await output.flush();
  expect(await readFile(logOf(folder), "utf8")).toMatch(/could not be kept.*\nnext\n$/u);
});

test("what was said since a start is told apart from what was said before, also where the log was begun anew", async () => {
  await using folder = await createFolder();
  expect([await serveLogSize(folder.path), await serveLogSince(folder.path, 0)]).toEqual([0, []]);
  await logs(folder, 1200, 3);
  expect(await serveLogSince(folder.path, 0)).toEqual(["line 000001", "line 000002", "line 000003"]);
  const size = await serveLogSize(folder.path);
  expect(await serveLogSince(folder.path, size)).toEqual([]);
  await logs(folder, 1200, 20);
  expect(await serveLogSince(folder.path, size)).toEqual(Array.from({ length: 10 }, (_, at) => `line ${String(at + 11).padStart(6, "0")}`));
  expect(await serveLogSince(folder.path, 100_000)).toHaveLength(10);
});
