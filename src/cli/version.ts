/** The version of this program. */
import { version as packageVersion } from "../../package.json";

// Set when the program is built, so that a binary says what it was built as.
declare const VERSION: string | undefined;

export const version: string = typeof VERSION === "string" ? VERSION : packageVersion;
