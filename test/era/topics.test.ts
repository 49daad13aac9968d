import { describe, expect, test } from "bun:test";
import { resourceWords, taskWords, uriParams } from "../../src/era/topics.ts";
import { rawOf, taskTopic } from "../../src/protocol/index.ts";
import { benchOf } from "../fixtures/wire.ts";

describe("the words for what is listened to", () => {
  test("name a resource by its URI, unless that is no URI but somebody's task", () => {
    const updates: string[] = [];
    const { south } = benchOf("http", () => "silent", { updated: (uri, params, abilities) => updates.push(`${uri} ${rawOf(params)} ${abilities}`) });
    const words = resourceWords(south);
    expect([words.topicOf("a://1"), words.idOf("a://1"), words.topicOf(taskTopic("t"))]).toEqual(["a://1", "a://1", null]);
    words.missed("a://1", "{}");
    expect(updates).toEqual(['a://1 {"uri":"a://1"} {}']);
    expect(rawOf(uriParams('a://"', south))).toBe('{"uri":"a://\\""}');
  });

  test("name a task by its id", () => {
    const missed: string[] = [];
    const words = taskWords((topic) => missed.push(topic));
    expect([words.topicOf("t-1"), words.idOf(taskTopic("t-1"))]).toEqual([taskTopic("t-1"), "t-1"]);
    words.missed(taskTopic("t-1"), "{}");
    expect(missed).toEqual([taskTopic("t-1")]);
  });
});
