/** The pipe to one backend as this room sees it: the era room's wire, and what it takes to open, watch and end it. */
import type { RemoteLogin } from "../auth/index.ts";
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
  /** The login that it is used with. */
  readonly login?: RemoteLogin | null;
  /** It has fallen since somebody must log in first. */
  readonly needsLogin?: boolean;
  /** Counts up with everything that the server says. */
  readonly heard: number;
  /** Called when a request ran out of time, and nothing was heard since it was made. */
  onLate: () => void;
  /** Called when the link is of no more use though nobody closed it; `reason` is one scrubbed sentence. */
  onDown: (reason: string) => void;
  /** It is of no use any more, though it does not know it: all that waits fails now, and `onDown` is called. */
  giveUp(reason: string): void;
  /** Ends everything that was opened, a process with all its descendants. Closing twice is fine. */
  close(): Promise<void>;
}
