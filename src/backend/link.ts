/** The pipe to one backend as this room sees it: the era room's wire, and what it takes to open, watch and end it. */
import type { Wire } from "../era/index.ts";

export interface Link extends Wire {
  /** Starts the process or gets ready to connect. Throws BACKEND_COMMAND, BACKEND_DOWN, BACKEND_REFUSED. */
  open(): Promise<void>;
  /** The child's process id while it runs. */
  readonly pid: number | null;
  /** Requests without an answer so far. */
  readonly inFlight: number;
  /** The last lines of the child's stderr, scrubbed. */
  stderr(): readonly string[];
  /** Why the link is of no use now, closing included; null while it is of use. */
  readonly fallen: string | null;
  /** Called when the link is of no more use though nobody closed it; `reason` is one scrubbed sentence. */
  onDown: (reason: string) => void;
  /** Ends everything that was opened, a process with all its descendants. Closing twice is fine. */
  close(): Promise<void>;
}
