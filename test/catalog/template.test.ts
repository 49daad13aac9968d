import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { patternOf } from "../../src/catalog/template.ts";

const matches = (template: string, uri: string): boolean => patternOf(template, "a", 8192).matches(uri);

describe("a URI template", () => {
  test.each([
    ["file:///{name}", "file:///a.txt"],
    ["file:///{+path}", "file:///a/b/c?x#y"],
    ["test://template/{id}/data", "test://template/123/data"],
    ["demo://text/{resourceId}", "demo://text/7"],
    ["http://h{/a,b}", "http://h/x/y"],
    ["http://h/p{?q,r}", "http://h/p?q=1&r=2"],
    ["http://h/p{?q,r}", "http://h/p"],
    ["http://h/p?x=1{&y}", "http://h/p?x=1&y=2"],
    ["http://h/p{#frag}", "http://h/p#top"],
    ["http://h/p{;v}", "http://h/p;v=1"],
    ["file:///x{.ext}", "file:///x.tar.gz"],
    ["db://{table}/{row}", "db://users/7"],
    ["plain://no/expression", "plain://no/expression"],
    ["odd://{unclosed", "odd://{unclosed"],
  ])("%s can have become %s", (template, uri) => expect(matches(template, uri)).toBe(true));

  test.each([
    ["file:///{name}", "file:///a/b.txt"],
    ["test://template/{id}/data", "test://template/1/2/data"],
    ["test://template/{id}/data", "test://template/1/date"],
    ["http://h/p{?q}", "http://h/px"],
    ["http://h/p{#frag}", "http://h/ptop"],
    ["file:///{name}", "http://x/"],
    ["plain://no/expression", "plain://no/expression/more"],
  ])("%s cannot have become %s", (template, uri) => expect(matches(template, uri)).toBe(false));

  test("any simple values that are put in are found again", () => {
    const value = fc.stringMatching(/^[A-Za-z0-9._~-]*$/);
    fc.assert(
      fc.property(value, value, fc.string(), (a, b, path) => {
        const reserved = encodeURI(path.toWellFormed());
        return matches("s://{a}/mid/{b}{?q}", `s://${a}/mid/${b}`) && matches("s://{a}/{+rest}", `s://${a}/${reserved}`);
      }),
    );
  });

  test("a template that makes a backtracking matcher explode is answered at once", () => {
    const template = `x://${"{a}{b}{c}".repeat(10)}!`;
    expect(matches(template, `x://${"a".repeat(8000)}`)).toBe(false);
    expect(matches(template, `x://${"a".repeat(8000)}!`)).toBe(true);
  });

  test("nothing longer than the limit is matched", () => {
    const pattern = patternOf("x://{+a}", "a", 20);
    expect(pattern.matches(`x://${"a".repeat(16)}`)).toBe(true);
    expect(pattern.matches(`x://${"a".repeat(17)}`)).toBe(false);
    expect(patternOf(`x://${"a".repeat(30)}`, "a", 20).matches(`x://${"a".repeat(30)}`)).toBe(false);
  });

  test("the text before its first expression is known, so that others are passed over quickly", () => {
    expect(patternOf("file:///{a}", "a", 99).prefix).toBe("file:///");
    expect(patternOf("{a}", "a", 99).prefix).toBe("");
  });
});
