/** Which servers a command line asks for: `--preset`, `--tags`, `--tag-filter` or `--filter`, as one canonical expression. */
import { fault } from "../base/index.ts";
import { caretText, type ParsedFilter, parseFilter, parseTagList, printFilter, type TagQuery } from "../config/index.ts";
import type { Occasion } from "./occasion.ts";

/** The expression; null: none was asked for. What is typed wins over what is in the environment. `allowsPresets: false`: it cannot name one; `file`: it is not from the command line, but from there. What is wrong with it is shown where it is wrong; throws USAGE, and of a file CONFIG_INVALID. */
export function filterOf({ settings, given: typed, stderr }: Pick<Occasion, "settings" | "given" | "stderr">, options: { readonly allowsPresets?: boolean; readonly file?: string | null } = {}): string | null {
  const { preset, tags, tagFilter, filter } = settings;
  const parse = (text: string): ParsedFilter => parseFilter(text, options);
  const all = [
    { flag: "preset", text: preset === null ? null : `preset:${preset}`, parse },
    { flag: "tags", text: tags, parse: parseTagList },
    { flag: "tag-filter", text: tagFilter, parse },
    { flag: "filter", text: filter, parse },
  ];
  const isTyped = all.some(({ flag }) => typed.has(flag));
  const given = all.flatMap(({ text, ...rest }) => (text === null || (isTyped && !typed.has(rest.flag)) ? [] : [{ text, ...rest }]));
  const [first, another] = given;
  if (first === undefined) return null;
  if (another !== undefined) throw fault("USAGE", { detail: `--${first.flag} and --${another.flag} are given`, hint: "give only one of them" });
  const { file = null } = options;
  const [what, code] = file === null ? [`--${first.flag}`, "USAGE" as const] : [`${file}: “${first.flag}”`, "CONFIG_INVALID" as const];
  return printFilter(queryOf(first.parse(first.text), first.text, stderr, what, code));
}

/** The query of an expression that was typed. Throws USAGE, or `code`, after it has shown what is wrong. */
export function queryOf(parsed: ParsedFilter, text: string, stderr: Occasion["stderr"], what: string, code: "USAGE" | "CONFIG_INVALID" = "USAGE"): TagQuery {
  if (parsed.ok) return parsed.query;
  stderr.write(caretText(text, parsed));
  throw fault(code, { detail: `${what}, character ${parsed.at + 1}: ${parsed.problem}`, hint: "as in: web && !(legacy || server:old)" });
}
