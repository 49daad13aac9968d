/** Which argument of a program is likely to be a secret: apart, for those who only show arguments. */
import { looksSecret } from "../config/index.ts";

/** Whether an argument is likely to be a secret: by its own name, that of the flag before it, or how it looks. */
export function isSecretArgument(arg: string, before: string): boolean {
  const [, name = "", value = arg] = /^(-[^=]*)=([^]*)$/.exec(arg) ?? [];
  if (name !== "") return looksSecret(name, value);
  return looksSecret(before.startsWith("-") && !before.includes("=") && !arg.startsWith("-") ? before : "", arg);
}
