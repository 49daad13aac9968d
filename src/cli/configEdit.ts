/**
 * `config edit`: a copy of the configuration in the person's own editor. What comes out is checked before it is put in
 * place; where it cannot be used, its mistakes are shown, and one goes back to the editor or leaves everything as it was.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createPrivateFile, ensurePrivateDir, fault, removeFile, runEditor } from "../base/index.ts";
import { configText, issuesOf, rewriteConfig } from "../config/index.ts";
import { tellEdited } from "./change.ts";
import { configPathOf, stateDirOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { issueText } from "./print.ts";
import { hasPerson, Lines } from "./typed.ts";

const start = '{\n  "mcpServers": {\n  }\n}\n';

/** Gives 0 when it is in place or nothing was changed, 1 where the editor failed. Throws CONFIG_INVALID where it was left with mistakes, CONFIG_UNREADABLE, STATE_UNWRITABLE. */
export const edit: Run = async (occasion) => {
  const { settings, clock, stdout } = occasion;
  const path = configPathOf(occasion);
  const before = await configText(path);
  const folder = stateDirOf(occasion);
  await ensurePrivateDir(folder);
  // The name tells editors what it is; in a folder of our own, nobody else sees it.
  const draft = join(folder, `edit-${crypto.randomUUID()}.jsonc`);
  await createPrivateFile(draft, before ?? start);
  let isKept = false;
  const unlessChanged = (now: string | null, text: string): string => {
    if (now === before) return text;
    // Hours may be in it.
    isKept = true;
    throw fault("LIMIT_REACHED", { op: "edit", detail: "somebody else has changed the file meanwhile", hint: `do it again with what is there now; what you wrote is kept in ${draft}` });
  };
  try {
    const text = await edited(occasion, draft, path);
    if (text === null || text === (before ?? start)) {
      stdout.write("nothing is changed\n");
      return 0;
    }
    return await tellEdited(occasion, await rewriteConfig({ path, clock, dryRun: settings.dryRun, text: (now) => unlessChanged(now, text) }), { done: "the configuration is changed" });
  } finally {
    if (!isKept) await removeFile(draft);
  }
};

/** The text that can be put in place; null: it is to stay as it was. */
async function edited(occasion: Occasion, draft: string, path: string): Promise<string | null> {
  // One reader for all questions: the input can be taken once.
  let lines: Lines | null = null;
  for (;;) {
    await openEditor(occasion, draft);
    const text = await textIn(draft);
    const issues = issuesOf(text, path);
    if (issues.length === 0) return text;
    for (const issue of issues) occasion.stderr.write(issueText(path, issue));
    if (!(await hasPerson(occasion))) throw fault("CONFIG_INVALID", { detail: `${path}; it is as it was` });
    lines ??= new Lines(occasion.pipes().input);
    if (!(await goesBack(occasion, lines))) return null;
  }
}

async function openEditor({ env }: Occasion, draft: string): Promise<void> {
  const code = await runEditor(editorOf(env), draft, env);
  if (code !== 0) throw fault("CALL_CANCELLED", { detail: `the editor ended with ${code}`, hint: "set VISUAL or EDITOR to an editor that stays until you are done" });
}

async function textIn(draft: string): Promise<string> {
  return readFile(draft, "utf8").catch((cause: unknown) => {
    throw fault("CALL_CANCELLED", { detail: "the editor left no file that can be read", hint: "set VISUAL or EDITOR to an editor that writes the file it was given", cause });
  });
}

async function goesBack({ stdout }: Occasion, lines: Lines): Promise<boolean> {
  stdout.write("It cannot be used so. Go back to the editor? [Y/n] ");
  const answer = await lines.next();
  return answer !== null && !/^n(o)?$/i.test(answer.trim());
}

const editorOf = ({ VISUAL, EDITOR }: Occasion["env"]): string => VISUAL || EDITOR || (process.platform === "win32" ? "notepad" : "vi");
