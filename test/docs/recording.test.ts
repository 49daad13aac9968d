import { expect, test } from "bun:test";
import { drawn, picturePath, recorded } from "./recording.ts";

/** What the picture says, without when it says it. */
const wordsOf = (picture: string): string => picture.replace(/animation-delay:[\d.]+s/gu, "");

test("the picture of the first minute shows what the program says on a terminal (`bun test/docs/recording.ts` draws it anew)", async () => {
  expect(wordsOf(await Bun.file(picturePath).text())).toBe(wordsOf(drawn(await recorded())));
}, 30_000);
