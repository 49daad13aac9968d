/** What the front counts, and what can be read off it, the eras and the process whenever somebody looks. */
import type { Counter, FaultCode, Meter } from "../base/index.ts";
import type { Eras } from "../era/index.ts";

/** What goes through the door. */
export interface Traffic {
  /** Bytes of MCP messages that came from clients, and that went to them. */
  readonly received: Counter;
  readonly sent: Counter;
  /** A request was refused before anybody read it. */
  refused(code: FaultCode): void;
}

export interface NumbersOptions {
  readonly meter: Meter;
  readonly eras: Pick<Eras, "status">;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Describes them to the meter; once for each meter. */
export function trafficOf({ meter, eras, version, startedAt }: NumbersOptions): Traffic {
  const bytes = meter.counter({ name: "onemcp_client_bytes", help: "Bytes of MCP messages exchanged with HTTP clients.", labels: ["direction"] });
  const refusals = meter.counter({ name: "onemcp_refusals", help: "HTTP requests refused before they were read, by code.", labels: ["code"] });
  const read = (name: string, help: string, value: () => number): void => meter.observed("gauge", { name, help }, () => [[[], value()]]);
  read("onemcp_sessions", "Sessions of clients of the 2025 revisions.", () => eras.status().sessions);
  read("onemcp_streams", "Streams open to clients.", () => eras.status().streams);
  read("onemcp_parked_calls", "Calls that wait for their clients to come back with answers.", () => eras.status().parked);
  read("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  read("onemcp_heap_used_bytes", "Memory in use by objects.", () => process.memoryUsage().heapUsed);
  read("process_start_time_seconds", "When the process started.", () => startedAt / 1000);
  meter.observed("counter", { name: "process_cpu_seconds", help: "CPU time used." }, () => [[[], cpuSeconds()]]);
  meter.observed("info", { name: "onemcp_build", help: "What runs here.", labels: ["version", "runtime", "platform"] }, () => [[[version, `bun ${Bun.version}`, `${process.platform} ${process.arch}`], 1]]);
  return { received: bytes.of("in"), sent: bytes.of("out"), refused: (code) => refusals.of(code).add() };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}
