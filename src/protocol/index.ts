/** Protocol: JSON-RPC and MCP vocabulary without any revision, pure functions only. */
export type { Answer, Ask, Beside, CacheHint, Call, Client, Description, Kind, LogLevel, Notice, Outcome, Person, Principal, Resume, Selection, Serve, SessionTie, Subscribed, TaskAt, Watch, Watching } from "./call.ts";
export { logLevels } from "./call.ts";
export { decodeHeader, encodeHeader, type Mirrored, type MirroredArgument, mirroredArguments, mirrorHeaders } from "./header.ts";
export { createLines, type Edges, type LineProblem, type LinesOptions, type Reader } from "./lines.ts";
export type { Failure, Message, Notification, Parsed, Request, Result, RpcError } from "./message.ts";
export { errorText, notificationText, parseMessage, requestText, resultText, rpcErrorOf, ServerError, withData } from "./message.ts";
export { type MethodName, type MethodRow, methods } from "./method.ts";
export { publicName } from "./names.ts";
export { editObject, emptyObject, memberOf, objectOf, quote, rawOf, stringOf } from "./object.ts";
export type { Raw, RawMember, RawObject } from "./raw.ts";
export { elementsOf, parseObject } from "./raw.ts";
export { createSseReader, type SseEvent, type SseReaderOptions, sseComment, sseEvent } from "./sse.ts";
export { decodeText } from "./text.ts";
export { taskIn, taskTopic } from "./topic.ts";
export { answeredIn } from "./wreck.ts";
