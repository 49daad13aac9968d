/** Characters that drive terminals or hide words, made visible: apart from the log, since every command that shows a text needs it. */

// C0, DEL, C1, the Unicode line separators, the marks that reorder text, and what has no width (the second alternative is
// the block of tags, in two code units): what drives terminals or hides words.
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|\udb40[\udc00-\udc7f]/g;

/** The text with every control character as `\uXXXX`: fit for one line of a terminal, still valid inside a JSON string. */
export const escapeControls = (text: string): string =>
  text.replace(controls, (found) => found.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""));
