/** Places of a configuration in words: apart from what finds something wrong there, since every command may have to print one. */
import type { Path } from "./document.ts";

/** A place in words: `mcpServers.github.args[2]`. */
export const pathText = (path: Path): string =>
  path.map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${step}`)).join("");
