/**
 * The link to a child process over its stdin and stdout, and the only file that starts servers. It hides lines,
 * process groups, and what is left of a child that died: output still in the pipe, descendants, unanswered calls.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Clock, ensurePrivateDir, type Fault, fault, fingerprint, type KnownSecrets, type Limits, type Log, reveal } from "../base/index.ts";
import type { StdioSpec } from "../config/index.ts";
import type { WireReply, WireRequest } from "../era/index.ts";
import type { Message } from "../protocol/index.ts";
import { environmentOf } from "./environment.ts";
import { goneFault } from "./gone.ts";
import type { Groups, Leader } from "./group.ts";
import type { Misfit } from "./incoming.ts";
import type { Link } from "./link.ts";
import { Pending } from "./pending.ts";
import { type Command, launcherOf, shortfall, supportOf, temporaryOf } from "./sandbox.ts";
import { StderrRing } from "./stderr.ts";
import { type Sink, StdinWriter } from "./stdin.ts";
import { type ByteReader, readStderr, readStdout } from "./stdout.ts";

export interface StdioOptions {
  readonly spec: StdioSpec;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** Taken out of what the child says on stderr. */
  readonly secrets: KnownSecrets;
  /** Our own environment, of which a child inherits a part. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where children without a folder of their own get a private one. */
  readonly stateDir: string;
  /** How this program is started, to be a child's launcher; absent or null: children are started as they are. */
  readonly selfArgv?: readonly string[] | null;
  /** Knows of each child from its start until its group is empty. */
  readonly groups: Groups;
}

/** One life of the child. */
interface Child extends Leader {
  readonly stdin: StdinWriter;
  /** Resolves when stdout and stderr have ended. */
  readonly drained: Promise<unknown>;
  /** Listens no more, whoever may still hold the other ends. */
  deafen(): void;
  /** Nothing is expected of it any more. */
  over: boolean;
}

/** Makes the link; nothing is started before `open`. */
export const createStdioLink = (options: StdioOptions): Link => new StdioLink(options);

const noHeader = (): null => null;
const ignore = (): void => undefined;
const yes = (): boolean => true;

class StdioLink implements Link {
  readonly transport = "stdio";
  onMessage: (message: Message) => void = ignore;
  onDown: (reason: string) => void = ignore;
  onLate: () => void = ignore;
  readonly #options: StdioOptions;
  readonly #pending: Pending<WireReply>;
  readonly #stderr: StderrRing;
  #child: Child | null = null;
  #fallen: string | null = null;
  #closed = false;
  #ending: Promise<void> = Promise.resolve();
  #noise = 0;

  constructor(options: StdioOptions) {
    const { spec, clock, limits, log } = options;
    this.#options = options;
    this.#pending = new Pending({ clock, pendingMax: limits.pendingMax + spec.maxInFlight, backend: spec.name, late: () => this.onLate() });
    this.#stderr = new StderrRing(limits.stderrBytesMax, options.secrets, (line) => log.debug("stderr", { server: spec.name, line }));
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get fallen(): string | null {
    return this.#fallen;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  get heard(): number {
    return this.#pending.heard;
  }

  stderr(): readonly string[] {
    return this.#stderr.lines();
  }

  async open(): Promise<void> {
    const command = await this.#command();
    if (this.#closed) throw this.#gone("it is being stopped", false);
    this.#fallen = null;
    this.#child = this.#start(command);
  }

  nextId(): number {
    return this.#pending.nextId();
  }

  request(request: WireRequest): Promise<WireReply> {
    try {
      const child = this.#alive();
      const answer = this.#pending.open(request.id, request.timeoutMs, null, request.standing);
      if (!child.stdin.write(request.text, request.id, this.#pending.size === 1)) this.#pending.fail(request.id, this.#refused(child));
      return answer;
    } catch (thrown) {
      return Promise.reject(thrown as Fault);
    }
  }

  async send(text: string): Promise<void> {
    const child = this.#alive();
    if (!child.stdin.write(text, 0)) throw this.#refused(child);
  }

  abandon(id: number): void {
    this.#pending.abandon(id);
  }

  postpone(id: number, ms: number): void {
    this.#pending.postpone(id, ms);
  }

  async respawn(): Promise<void> {
    await this.#end("it is started again");
    await this.open();
  }

  giveUp(reason: string): void {
    if (this.#child !== null) this.#down(this.#child, reason);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end("it is being stopped");
  }

  // ---- the child's life ----------------------------------------------------------------------------------------

  /** What starts it, for a given mark. Throws BACKEND_COMMAND where it is to be confined and cannot be. */
  async #command(): Promise<(mark: string) => Command> {
    const { spec, env: parent, selfArgv = null } = this.#options;
    const { level } = spec.sandbox;
    const args = spec.args.map(reveal);
    const cwd = spec.cwd ?? (await this.#privateFolder());
    const isConfined = selfArgv !== null && level !== "off" && (await this.#confinable());
    if (!isConfined) return (mark) => ({ argv: [spec.command, ...args], cwd, env: environmentOf(spec, parent, mark) });
    const folder = await this.#privateFolder();
    if (level !== "basic") await ensurePrivateDir(temporaryOf(folder));
    return (mark) => launcherOf({ spec, args, cwd, folder, env: environmentOf(spec, parent, mark), selfArgv });
  }

  /** Whether this system can confine it at all; less than it should be is told, or refused where it must not be. */
  async #confinable(): Promise<boolean> {
    const { sandbox, name } = this.#options.spec;
    const support = await supportOf(sandbox.level);
    const lacking = shortfall(sandbox, support);
    if (lacking !== null && sandbox.required) throw fault("BACKEND_COMMAND", { backend: name, op: "start", detail: lacking, hint: "leave sandbox.required out, or choose another level" });
    if (lacking !== null) this.#options.log.warn("the server is less confined than it should be", { server: name, sandbox: sandbox.level, reason: lacking });
    return support !== null;
  }

  #start(commandOf: (mark: string) => Command): Child {
    const { spec, limits, log, groups } = this.#options;
    const mark = groups.expect();
    try {
      const { argv, cwd, env } = commandOf(mark);
      const process = Bun.spawn([...argv], {
        cwd,
        env,
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
        // A group of its own, so that its descendants can be ended with it.
        detached: true,
      });
      const stdin = new StdinWriter(process.stdin as Sink, limits.stdinBytesMax, () => void this.#partly(child, "it closed its stdin"));
      const [stdout, stderr] = [process.stdout.getReader(), process.stderr.getReader()];
      const output = this.#read(stdout);
      const errors = readStderr(stderr, this.#stderr, this.#options);
      const child: Child = {
        pid: process.pid,
        exited: process.exited,
        kill: (signal) => process.kill(signal),
        stdin,
        drained: Promise.allSettled([output, errors]),
        deafen: () => void Promise.allSettled([stdout.cancel(), stderr.cancel()]),
        over: false,
      };
      groups.add(child, mark, spec.name);
      void process.exited.then(() => this.#exited(child, exitOf(process.exitCode, process.signalCode)));
      const unreadable = (thrown: unknown): void => this.#unreadable(child, thrown);
      output.then(() => this.#partly(child, "it closed its stdout"), unreadable);
      errors.catch(unreadable);
      log.info("starting", { server: spec.name, pid: process.pid });
      return child;
    } catch (thrown) {
      throw commandFault(spec, thrown);
    }
  }

  // The folder that we were started in is nobody's business.
  async #privateFolder(): Promise<string> {
    const { spec, stateDir } = this.#options;
    const plain = /^[A-Za-z0-9_-]{1,64}$/.test(spec.name) ? spec.name : `server-${fingerprint(spec.name).slice(0, 16)}`;
    const folder = join(stateDir, "servers", plain);
    await ensurePrivateDir(folder);
    return folder;
  }

  // Its last words may still be in the pipe; a descendant that holds the pipe open must not make callers wait for long.
  async #exited(child: Child, how: string): Promise<void> {
    if (child.over) return;
    await this.#soon(child.drained);
    const last = this.#stderr.last();
    this.#down(child, last === null ? how : `${how}: ${last}`);
  }

  // It hears or says nothing any more. Mostly it is about to exit, and the reason of that says more.
  async #partly(child: Child, how: string): Promise<void> {
    if (!(await this.#soon(child.exited))) this.#down(child, how);
  }

  #unreadable(child: Child, thrown: unknown): void {
    this.#options.log.error("the output could not be handled", { server: this.#options.spec.name, reason: String(thrown) });
    this.#down(child, "its output could not be handled");
  }

  async #soon(happens: Promise<unknown>): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = this.#options.clock.timer(this.#options.limits.exitDrainMs, () => late.resolve(false));
    const inTime = await Promise.race([happens.then(yes, yes), late.promise]);
    timer.cancel();
    return inTime;
  }

  #down(child: Child, reason: string): void {
    if (child.over) return;
    // What has ended its service by itself is not asked politely first: callers wait for the next one.
    this.#finish(child, reason, this.#options.limits.exitDrainMs);
    this.onDown(reason);
  }

  #end(reason: string): Promise<void> {
    if (this.#child !== null) this.#finish(this.#child, reason, this.#options.limits.stdinEndMs);
    return this.#ending;
  }

  #finish(child: Child, reason: string, stdinEndMs: number): void {
    child.over = true;
    this.#child = null;
    this.#fallen = reason;
    child.stdin.end();
    const { clock, limits, groups } = this.#options;
    const buried = groups.end(child, clock, { stdinEndMs, termMs: limits.termMs }).then(() => child.deafen());
    this.#ending = Promise.all([this.#ending, buried]).then(ignore);
    this.#pending.failAll((id) => this.#gone(reason, child.stdin.left(id)));
  }

  // ---- what comes ----------------------------------------------------------------------------------------------

  #read(stdout: ByteReader): Promise<void> {
    return readStdout(stdout, this.#options, { heard: () => this.#pending.hear(), message: this.#take, misfit: this.#misfit });
  }

  /** Whether somebody waited for it. */
  readonly #take = (message: Message): boolean => {
    if (message.kind === "request" || message.kind === "notification") {
      this.onMessage(message);
      return false;
    }
    // An answer that nobody waits for (any more) was abandoned or came too late: both are normal.
    const id = message.id ?? "0";
    return this.#pending.settle(Number(id), { status: 200, header: noHeader, message, text: "" }) || this.#pending.misdirected(id);
  };

  readonly #misfit = (misfit: Misfit): void => {
    if (misfit.id === null || !this.#pending.garbled(Number(misfit.id), misfit.detail)) this.#noisy(misfit.what ?? "a line that is not a message");
  };

  // Servers print banners on stdout; the first one is worth a word, and so is a server that does nothing else.
  #noisy(what: string): void {
    this.#noise += 1;
    const { log, spec, limits } = this.#options;
    if (this.#noise === 1) log.info(`stdout holds ${what}, which is skipped`, { server: spec.name });
    if (this.#noise === limits.noiseLinesMax) log.warn("stdout holds many lines that are not messages", { server: spec.name, lines: this.#noise });
  }

  // ---- faults --------------------------------------------------------------------------------------------------

  #alive(): Child {
    if (this.#child === null) throw this.#gone("it is not running", false);
    return this.#child;
  }

  #gone(detail: string, sent: boolean): Fault {
    return goneFault(this.#options.spec.name, detail, sent);
  }

  #refused(child: Child): Fault {
    if (child.stdin.closed) return this.#gone("it closed its stdin", false);
    return fault("BACKEND_BUSY", { backend: this.#options.spec.name, detail: "it does not read its input", data: { sent: false } });
  }
}

const exitOf = (code: number | null, signal: string | number | null): string =>
  signal === null ? `it ended with exit code ${code ?? "unknown"}` : `it was ended by ${signal}`;

function commandFault({ name, command, cwd }: StdioSpec, thrown: unknown): Fault {
  const code = (thrown as { readonly code?: unknown } | null)?.code;
  const why = code === "ENOENT" ? "no such command or folder" : code === "EACCES" ? "no permission to run it" : String(code ?? "it cannot be run");
  // The system does not say which of the two is missing, and who is told of the command looks there in vain.
  const isLost = code === "ENOENT" && cwd !== null && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true;
  return fault("BACKEND_COMMAND", { backend: name, op: "start", detail: isLost ? `cwd ${cwd}: no such folder` : `${command}: ${why}`, cause: thrown });
}
