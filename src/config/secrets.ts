/**
 * Which values of a server's entry must be taken out of logs and errors: peers send back what they were given, and
 * print their environment when they fail. By what they came from and what they are called, never by how they look.
 */
import { Secret } from "../base/index.ts";
import type { Variables } from "./dotEnv.ts";

/** One string of an entry, as written and as it is used. */
export interface Part {
  /** The name of the header or variable; "" for an argument. */
  readonly name: string;
  /** Variables it was made from. */
  readonly from: readonly string[];
  readonly value: string;
}

const sensitiveName = /token|secret|passw|passphrase|api_?-?key|access_?-?key|private_?-?key|authorization|credential|cookie/i;

// Tokens of common makers, and keys in their usual wrapping.
const secretShape = /^(Bearer |Basic )|^(sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abps]|AKIA|AIza|eyJ|npm)[-_A-Za-z0-9]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Whether a value of this name, written plainly, is likely to be a secret. For advice only. */
export const looksSecret = (name: string, value: string): boolean => value !== "" && !/^\$\{[^}]*\}$/.test(value) && (sensitiveName.test(name) || secretShape.test(value));

// What everybody may know about this computer: masking a home folder would garble every path in the log.
const plainVariables: readonly string[] = Object.freeze(
  ["HOME", "USER", "LOGNAME", "USERNAME", "USERPROFILE", "PATH", "PWD", "SHELL", "TERM", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "HOSTNAME", "APPDATA", "LOCALAPPDATA"],
);

/** The secrets among the strings of an entry, and those in its URL. */
export function secretsOf(parts: readonly Part[], url: string | null, variables: Variables): readonly Secret[] {
  const values = new Set([...parts.flatMap((part) => partValues(part, variables)), ...(url === null ? [] : urlValues(url))]);
  return Object.freeze(Array.from(values, (value) => new Secret(value)));
}

function partValues({ name, from, value }: Part, variables: Variables): string[] {
  const telling = from.filter((variable) => !plainVariables.includes(variable));
  if (telling.length > 0) return [value, ...telling.map((variable) => variables.get(variable) ?? "")].filter(Boolean);
  return sensitiveName.test(name) ? [value, withoutScheme(value)] : [];
}

// A peer may repeat the credential without the word before it.
const withoutScheme = (value: string): string => value.replace(/^(Bearer|Basic|Token)\s+/i, "");

function urlValues(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return [];
  const named = Array.from(url.searchParams).filter(([name]) => sensitiveName.test(name) || /^key$/i.test(name));
  return [...named.map(([, value]) => value), url.password, lenientlyDecoded(url.password)].filter(Boolean);
}

// Unlike decodeURIComponent this takes a stray percent sign as it is.
const lenientlyDecoded = (text: string): string => new URLSearchParams(`text=${text.replaceAll("+", "%2B")}`).get("text") ?? "";
