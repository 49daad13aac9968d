/** What a descriptor of this process is, as far as that is cheap to tell: asked before anything is loaded that knows for certain. */
import { fstatSync, statSync } from "node:fs";

/** A file, a pipe or nothing at all, and so no terminal. False where it may be one; Windows does not tell. */
export function isNoTerminal(descriptor: number): boolean {
  if (process.platform === "win32") return false;
  try {
    const found = fstatSync(descriptor);
    return !found.isCharacterDevice() || found.rdev === statSync("/dev/null").rdev;
  } catch {
    // It is closed, or the system shows no devices.
    return false;
  }
}
