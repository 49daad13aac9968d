/**
 * The first login, as people have it: a client that knows nothing but our address, a browser, the operator's terminal. Once
 * in a real browser where this machine has one, and always with plain requests that keep cookies as a browser does.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { ShownRequest } from "../../src/auth/index.ts";
import { PageBrowser } from "../fixtures/approver.ts";
import { type Browser, type BrowserPage, chromiumPath, startChromium } from "../fixtures/chromium.ts";
import { fixture } from "../fixtures/granted.ts";
import { createOAuthJourney } from "../fixtures/oauthClient.ts";
import { type Program, projectDir, runProgram, startProgram } from "../fixtures/program.ts";

const stateFlags = ({ dir }: Program): string[] => ["--state-dir", join(dir, "state")];

/** What the operator sees in his terminal. */
async function waitingAt(program: Program): Promise<ShownRequest> {
  const { stdout } = await runProgram(["approve", "--wait", "--json", ...stateFlags(program)]);
  const [request, ...more] = JSON.parse(stdout) as ShownRequest[];
  if (request === undefined || more.length > 0) throw new Error(`not one waits: ${stdout}`);
  return request;
}

/** A browser without a screen, at one page at a time: repeats a page that asks for it when told, and sends its form. */
class PlainBrowser {
  readonly #browser: PageBrowser;
  url = "";
  text = "";

  constructor({ origin }: Program) {
    this.#browser = new PageBrowser(origin);
  }

  async go(url: string, form?: URLSearchParams): Promise<void> {
    ({ url: this.url, text: this.text } = await this.#browser.open(url, form));
  }

  /** Asks again, as the page says. */
  async again(): Promise<void> {
    const to = /http-equiv="refresh" content="\d+; url=([^"]+)"/.exec(this.text)?.[1] ?? "";
    await this.go(new URL(to.replaceAll("&amp;", "&"), this.url).href);
  }

  /** Sends the page's form with these fields beside the hidden ones. */
  async send(fields: readonly (readonly [string, string])[]): Promise<void> {
    const hidden = [...this.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
    await this.go(new URL("/authorize", this.url).href, new URLSearchParams([...hidden, ...fields].map(([name, value]): [string, string] => [name, value])));
  }
}

describe("without a browser", () => {
  test("a client that knows our address alone gets a token and calls a tool, after one word in the terminal", async () => {
    const began = performance.now();
    await using program = await startProgram();
    await using journey = createOAuthJourney(`${program.origin}/mcp`);
    const browser = new PlainBrowser(program);
    await browser.go(await journey.begin());
    const request = await waitingAt(program);
    expect([request.client.name, request.client.domain, request.redirectHost, request.isLoopback]).toEqual(["Example Editor", null, journey.redirectHost, true]);
    expect([browser.text.includes(request.code), browser.text.includes("1mcp approve"), browser.text.includes("not verified")]).toEqual([true, true, true]);
    expect(await runProgram(["approve", "--yes", request.code, "--scope", "server:demo", ...stateFlags(program)])).toMatchObject({ code: 0 });
    await browser.again();
    await using client = await journey.connected();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("demo__echo");
    expect((await client.callTool({ name: "demo__echo", arguments: { text: "hello" } })).isError ?? false).toBeFalse();
    // From nothing to a tool call: a minute is what a person has patience for.
    expect(performance.now() - began).toBeLessThan(60_000);
    const grants = JSON.parse((await runProgram(["auth", "grants", "--json", ...stateFlags(program)])).stdout) as { name: string; scopes: string[] }[];
    expect(grants.map(({ name, scopes }) => [name, scopes])).toEqual([["Example Editor", ["server:demo"]]]);
    expect((await runProgram(["auth", "revoke", "--all", ...stateFlags(program)])).code).toBe(0);
    await expect(client.listTools()).rejects.toThrow();
  });

  test("the operator's own browser is asked on the page, and what is not ticked is not granted", async () => {
    await using program = await startProgram({ config: { mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }), beta: fixture("owningServer.ts", ["beta"], { tags: ["b"] }) } } });
    await using journey = createOAuthJourney(`${program.origin}/mcp`);
    const browser = new PlainBrowser(program);
    const { stdout: link } = await runProgram(["open", "--print", ...stateFlags(program)]);
    await browser.go(link.trim());
    await browser.go(await journey.begin());
    expect(browser.text).toContain("What it may use");
    await browser.send([["scope", "tag:a"], ["decision", "approve"]]);
    await using client = await journey.connected();
    const { tools } = await client.listTools();
    expect([tools.length > 0, tools.every(({ name }) => name.startsWith("alpha__"))]).toEqual([true, true]);
  });

  test("a client that is denied is told so", async () => {
    await using program = await startProgram();
    await using journey = createOAuthJourney(`${program.origin}/mcp`);
    const browser = new PlainBrowser(program);
    await browser.go(await journey.begin());
    expect((await runProgram(["approve", "--deny", (await waitingAt(program)).code, ...stateFlags(program)])).code).toBe(0);
    await browser.again();
    await expect(journey.connected()).rejects.toThrow("access_denied");
  });
});

const looks = Object.freeze([
  { name: "phone", width: 360, height: 740, dark: false },
  { name: "phone-dark", width: 360, height: 740, dark: true },
  { name: "desk", width: 1100, height: 800, dark: false },
]);

/** Nothing has to be scrolled sideways, and buttons are large enough for a thumb. */
async function assertReadable(page: BrowserPage, width: number): Promise<void> {
  expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  for (const height of await page.evaluate<number[]>("[...document.querySelectorAll('button, .scope label')].map((one) => one.getBoundingClientRect().height)")) expect(height).toBeGreaterThanOrEqual(28);
}

const showsText = (text: string): string => `document.body?.innerText.includes(${JSON.stringify(text)}) === true`;

const browserMs = 30_000;

// In continuous integration there may be no Chromium; the same is tried above without one.
describe.skipIf(chromiumPath() === null)("in Chromium (left out where there is none: the same way is gone above without it)", () => {
  const tags = { alpha: ["work"], beta: ["work", "home"] };
  let browser: Browser;
  let program: Program;
  beforeAll(async () => {
    [browser, program] = await Promise.all([startChromium(), startProgram({ config: { mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: tags.alpha }), beta: fixture("owningServer.ts", ["beta"], { tags: tags.beta }) } } })]);
    // A browser that nobody has started for a while is read from the disk first.
  }, browserMs);
  afterAll(() => Promise.all([browser[Symbol.asyncDispose](), program[Symbol.asyncDispose]()]));

  test("the waiting page goes on by itself to the client, as soon as the terminal has decided", async () => {
    await using journey = createOAuthJourney(`${program.origin}/mcp`);
    const page = await browser.page();
    await page.look({ width: 360, height: 740, dark: true });
    await page.goto(await journey.begin());
    const request = await waitingAt(program);
    expect(await page.evaluate<string>("document.querySelector('p.code').innerText")).toBe(request.code);
    await assertReadable(page, 360);
    await keep(page, "waiting-phone-dark");
    expect((await runProgram(["approve", "--yes", request.code, "--scope", "all", ...stateFlags(program)])).code).toBe(0);
    await page.until(showsText("You can close this window."));
    await using client = await journey.connected();
    expect((await client.callTool({ name: "alpha__links", arguments: {} })).isError ?? false).toBeFalse();
    expect(page.complaints).toEqual([]);
  });

  test("the consent page can be read at phone width, in light and dark, without script, and leads back to the client", async () => {
    await using journey = createOAuthJourney(`${program.origin}/mcp`);
    const page = await browser.page();
    await page.goto((await runProgram(["open", "--print", ...stateFlags(program)])).stdout.trim());
    await page.goto(await journey.begin());
    await page.until(showsText("What it may use"));
    expect(await page.evaluate<number>("document.scripts.length")).toBe(0);
    for (const look of looks) {
      await page.look(look);
      await assertReadable(page, look.width);
      await keep(page, `consent-${look.name}`);
    }
    await page.click("input[value='tag:work']");
    await page.click("button[value=approve]");
    await page.until(showsText("You can close this window."));
    await using client = await journey.connected();
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    expect(page.complaints).toEqual([]);
  });
});

/** Pictures for the documentation, made where somebody asks for them. */
async function keep(page: BrowserPage, name: string): Promise<void> {
  if (process.env["ONE_MCP_TEST_PICTURES"] === undefined) return;
  await Bun.write(join(projectDir, "docs", "pictures", `${name}.png`), await page.picture());
}
