/**
 * The configuration file as bytes and text, for those who go on writing it, or only look at what is there. Read by the
 * runtime itself: its modules for files cost more to load than the file to read.
 */
import { fault, fixedBounds } from "../base/index.ts";

/** Byte order mark, which editors on Windows write. */
export const mark = "\uFEFF";

/** The file as it is. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly marked: boolean;
  readonly mode: number;
}

/** What is in the file; null where there is none. Throws CONFIG_UNREADABLE: no file, too large, no UTF-8, not ours to read. */
export async function contentOf(path: string): Promise<Content | null> {
  try {
    const file = Bun.file(path);
    const found = await file.stat();
    const { mode, size } = found;
    // Pipes and devices may say nothing for ever, or never end.
    if (!found.isFile()) throw new Error("no file");
    if (size > fixedBounds.configBytesMax) throw new Error(`larger than ${fixedBounds.configBytesMax} bytes`);
    const bytes = await file.bytes();
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const marked = text.startsWith(mark);
    return { bytes, text: marked ? text.slice(1) : text, marked, mode };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw fault("CONFIG_UNREADABLE", { detail: path, cause });
  }
}

/** The text of the file; null where there is none. Throws CONFIG_UNREADABLE. */
export const configText = async (path: string): Promise<string | null> => (await contentOf(path))?.text ?? null;
