/** What `doctor` finds: what is wrong or odd, and the command that mends it. */

export interface Finding {
  /** What was looked at. */
  readonly check: "config" | "programs" | "path" | "port" | "permissions" | "logins" | "servers" | "clock" | "orphans" | "supervisor";
  /** "error": something does not work. "warning": it will not, somewhere or some day. */
  readonly level: "error" | "warning";
  readonly message: string;
  /** A command line. */
  readonly mend: string;
  /** Does the same, and gives what was done in a sentence; null: that is for a person to do. */
  readonly fix: (() => Promise<string>) | null;
}

/** A word of a command line as shells read it. */
export const wordOf = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
