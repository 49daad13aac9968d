import { describe, expect, test } from "bun:test";
import { openFront, post } from "../fixtures/front.ts";
import { createSmallEras } from "../fixtures/smallEras.ts";

describe("the older transport", () => {
  test("opens a stream on /sse and on /sse/<server>, told where to post", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    const all = await fetch(`${front.origin}/sse`);
    expect(all.headers.get("content-type")).toBe("text/event-stream");
    expect(await all.text()).toContain("event: endpoint\n");
    await (await fetch(`${front.origin}/sse/git`)).text();
    expect(eras.seen.map(({ path, request, more }) => [path, request.selection.server, more])).toEqual([
      ["sse", null, "/messages"],
      ["sse", "git", "/messages/git"],
    ]);
  });

  test("says in the address to post to which servers are meant, and takes messages there as meant for those", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras, presets: new Set(["dev"]) });
    await (await fetch(`${front.origin}/sse?preset=dev`)).text();
    await (await fetch(`${front.origin}/sse/git?tags=a,b`)).text();
    const addresses = eras.seen.map(({ more }) => more);
    expect(addresses).toEqual(["/messages?filter=preset%3Adev", "/messages/git?filter=a%20%7C%7C%20b"]);
    for (const address of addresses) await post(`${front.origin}${address}&sessionId=s`, "{}");
    expect(eras.seen.slice(2).map(({ request, more }) => [request.selection, more])).toEqual([
      [{ server: null, filter: "preset:dev" }, "s"],
      [{ server: "git", filter: "a || b" }, "s"],
    ]);
  });

  test("takes messages on /messages with the session of the query, as it is written there", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    const answer = await post(`${front.origin}/messages?sessionId=a%2Fb`, '{"x":1}');
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    await post(`${front.origin}/messages`, "{}");
    await post(`${front.origin}/messages/my%20server?sessionId=c`, "{}");
    expect(eras.seen.map(({ path, request, text, more }) => [path, request.selection.server, text, more])).toEqual([
      ["message", null, '{"x":1}', "a/b"],
      ["message", null, "{}", null],
      ["message", "my server", "{}", "c"],
    ]);
  });

  test("has one verb a path", async () => {
    await using front = await openFront();
    expect((await post(`${front.origin}/sse`)).headers.get("allow")).toBe("GET, OPTIONS");
    expect((await fetch(`${front.origin}/messages`)).headers.get("allow")).toBe("POST, OPTIONS");
  });
});
