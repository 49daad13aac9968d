/**
 * The listener's certificate: read from files, and put in place anew when they change. The runtime cannot give a listener
 * another certificate, so another listener takes its port; connections that stand keep the one they have. Files that do
 * not fit together (one was written, the other not yet) change nothing.
 */
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Clock, fault, faultOf, type Log, nodeCrypto, sleep, type Timer } from "../base/index.ts";

/** The files, by absolute path. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Who may issue clients' certificates; null: nobody. */
  readonly ca: string | null;
  /** Clients without a certificate are not let in. */
  readonly requestCert: boolean;
}

/** What a listener is opened with. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/** As much of a listener as is needed here. */
export interface Listener {
  readonly port: number | undefined;
  stop(force?: boolean): Promise<void>;
}

export interface RenewingOptions<T extends Listener> {
  /** null: plain HTTP, and nothing is watched. */
  readonly files: TlsFiles | null;
  /** Opens a listener; null: with the port that is configured. Throws LISTEN_FAILED. */
  readonly open: (tls: Tls | null, port: number | null) => T;
  readonly quietMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A listener whose certificate follows its files. */
export interface Renewing<T extends Listener> {
  /** The one that listens now. */
  readonly current: T;
  /** Lets nobody in any more, and resolves when the last connection has ended; by force, they are ended. */
  stop(force?: boolean): Promise<void>;
}

/** Reads the files. Throws LISTEN_FAILED where one cannot be read, or they do not fit together. */
export async function readTls({ cert, key, ca, requestCert }: TlsFiles): Promise<Tls> {
  // One after the other: where several are missing it is always the same one that is told of first.
  const certificate = await read(cert);
  const secret = await read(key);
  const issuers = ca === null ? {} : { ca: await read(ca) };
  const tls = { cert: certificate, key: secret, ...issuers, requestCert, rejectUnauthorized: requestCert };
  if (!fits(tls)) throw fault("LISTEN_FAILED", { detail: `the certificate ${cert} and the key ${key} do not fit together`, hint: "write both in PEM, the key of the first certificate" });
  return tls;
}

const read = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((cause: unknown) => {
    throw fault("LISTEN_FAILED", { detail: `${path} cannot be read`, hint: "check the files of tls in the configuration", cause });
  });

function fits({ cert, key, ca }: Tls): boolean {
  try {
    const { createPrivateKey, X509Certificate } = nodeCrypto();
    if (ca !== undefined) void new X509Certificate(ca);
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Opens the listener, and follows the files. Throws LISTEN_FAILED. */
export async function openRenewing<T extends Listener>(options: RenewingOptions<T>): Promise<Renewing<T>> {
  const { files, open } = options;
  if (files === null) {
    const only = open(null, null);
    return { current: only, stop: (force) => only.stop(force) };
  }
  const tls = await readTls(files);
  return new FollowingFiles(options, files, tls, open(tls, null));
}

class FollowingFiles<T extends Listener> implements Renewing<T> {
  current: T;
  readonly #options: RenewingOptions<T>;
  readonly #files: TlsFiles;
  readonly #watchers: readonly FSWatcher[];
  #tls: Tls;
  #quiet: Timer | null = null;
  #closed = false;
  #renewing: Promise<void> = Promise.resolve();
  // Those before, while connections of theirs stand.
  readonly #older = new Set<T>();

  constructor(options: RenewingOptions<T>, files: TlsFiles, tls: Tls, first: T) {
    this.#options = options;
    this.#files = files;
    this.#tls = tls;
    this.current = first;
    // Folders, for a file that is put in the place of another is not the one that was watched.
    const folders = new Set([files.cert, files.key, files.ca ?? files.cert].map((path) => dirname(path)));
    this.#watchers = Array.from(folders, (folder) => watch(folder, { persistent: false }, () => this.#stirred()).on("error", () => undefined));
  }

  async stop(force = false): Promise<void> {
    this.#closed = true;
    this.#quiet?.cancel();
    for (const watcher of this.#watchers) watcher.close();
    await Promise.all([this.current, ...this.#older].map((one) => one.stop(force)));
  }

  #stirred(): void {
    const { clock, quietMs } = this.#options;
    this.#quiet?.cancel();
    this.#quiet = this.#closed ? null : clock.timer(quietMs, () => {
      this.#renewing = this.#renewing.then(() => this.#renew());
    });
  }

  async #renew(): Promise<void> {
    const { log } = this.#options;
    try {
      const tls = await readTls(this.#files);
      if (this.#closed || JSON.stringify(tls) === JSON.stringify(this.#tls)) return;
      await this.#replace(tls);
      log.info("the certificate has been renewed");
    } catch (thrown) {
      log.error("the certificate could not be renewed, the old one stays", { reason: faultOf(thrown).message });
    }
  }

  // The port is free for a moment, which nobody who connects sees unless he comes just then.
  async #replace(tls: Tls): Promise<void> {
    const { port = 0 } = this.current;
    const before = this.current;
    this.#older.add(before);
    void before.stop().then(() => this.#older.delete(before));
    this.current = await this.#opened(tls, port);
    this.#tls = tls;
  }

  // Somebody else may have taken the port in that moment; it is ours, so it is asked for until it is free again.
  async #opened(tls: Tls, port: number): Promise<T> {
    const { open, clock, log, quietMs } = this.#options;
    for (;;) {
      try {
        return open(tls, port);
      } catch (thrown) {
        if (this.#closed) throw thrown;
        log.error("the port could not be taken again, it is tried once more", { reason: faultOf(thrown).message });
        await sleep(clock, quietMs);
      }
    }
  }
}
