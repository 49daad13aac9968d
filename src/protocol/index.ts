/** Protocol: JSON-RPC and MCP vocabulary without any revision, pure functions only. */
export type { Answer, Ask, CacheHint, Call, Client, Description, Kind, LogLevel, Notice, Outcome, Principal, Resume, Selection, Serve, Watch } from "./call.ts";
export { logLevels } from "./call.ts";
export type { Failure, Message, Notification, Request, Result, RpcError } from "./message.ts";
export type { Raw, RawMember, RawObject } from "./raw.ts";
