import { expect, test } from "bun:test";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openerOf } from "../../src/cli/open.ts";
import { runHere, startHere } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

test("open hands the link to the system's opener as one argument, or prints it", async () => {
  await using server = await operated();
  await using folder = await createFolder();
  for (const name of ["xdg-open", "open"]) {
    await writeFile(folder.at(name), `#!/bin/sh\n[ $# = 1 ] || exit 9\nprintf %s "$1" > "${folder.at("opened")}"\n`);
    await chmod(folder.at(name), 0o755);
  }
  expect(await runHere(["open", ...server.flags], { PATH: folder.path })).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await Bun.file(folder.at("opened")).text()).toBe("http://127.0.0.1/open");
  expect(await runHere(["open", "--print", ...server.flags], { PATH: folder.path })).toMatchObject({ code: 0, stdout: "http://127.0.0.1/open\n" });
});

test("an opener that stays has become the browser", async () => {
  await using server = await operated();
  await using folder = await createFolder();
  for (const name of ["xdg-open", "open"]) await writeFile(folder.at(name), `#!/bin/sh\necho $$ > "${folder.at("pid")}"\nexec /bin/sleep 60\n`, { mode: 0o755 });
  const clock = createTestClock();
  const { code } = startHere(["open", ...server.flags], { PATH: folder.path }, { clock });
  const pid = async (): Promise<number> => Number(await readFile(folder.at("pid"), "utf8").catch(() => "0"));
  while ((await pid()) === 0) await new Promise(setImmediate);
  await clock.advance(5_000);
  expect(await code).toBe(0);
  process.kill(await pid());
});

test("where there is no opener the link is printed, and said what to do", async () => {
  await using server = await operated();
  expect(await runHere(["open", ...server.flags], { PATH: join(server.stateDir, "none") })).toMatchObject({ code: 0, stdout: "http://127.0.0.1/open\n", stderr: expect.stringContaining("open this link") });
});

test("each system has its opener, and none gets what is no web address", () => {
  const url = "http://127.0.0.1:3050/open?link=x";
  expect((["linux", "darwin", "win32"] as const).map((platform) => openerOf(platform, url))).toEqual([["xdg-open", url], ["open", url], ["rundll32", "url.dll,FileProtocolHandler", url]]);
  for (const bad of ["file:///etc/passwd", "javascript:1", "http://a/\" & calc", ""]) expect(() => openerOf("win32", bad)).toThrow();
});

test("without a server there is nothing to open", async () => {
  await using folder = await createFolder();
  expect(await runHere(["open", "--state-dir", folder.at("none")])).toMatchObject({ code: 1, stderr: expect.stringContaining("1mcp serve") });
});
