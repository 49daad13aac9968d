/** Era: the only room that knows that MCP has two eras. */
export { createEras } from "./eras.ts";
export { abilitiesOf, type Profile, profileOf, relayableCapabilities } from "./profile.ts";
export type { ChunkStream, ConnectOptions, EraOptions, Eras, EraStatus, HttpIn, HttpOut, Listed, OwnRequest, Pipe, PipeIn, Target, Upstream, UpstreamFacts, Wire, WireReply, WireRequest } from "./types.ts";
