/** Config: from one JSON file to one frozen Config. */
export { type AccessConfig, accessOf, type PreregisteredClient } from "./access.ts";
export { processEnv } from "./env.ts";
export { type ConfigEdit, type Edited, editConfig } from "./edit.ts";
export { bothOf, type Cap, caretText, type FilterMistake, missingPreset, type ParsedFilter, parseFilter, parseTagList, printFilter, type TagQuery } from "./filter.ts";
export type { ConfigChange } from "./jsonc.ts";
export { pathText } from "./issues.ts";
export { bridgeConfig, bridgedName, demoConfig, emptyConfig, loadConfig } from "./load.ts";
export { defaultConfigPath, defaultListen, defaultStateDir } from "./paths.ts";
export { type Claim, type ClaimOptions, claimState, type Owner, readOwner } from "./owner.ts";
export { announcePresence, type Announced, type FollowedPresence, followPresence, type Presence, presencePath, reachable, processLives, readPresence } from "./presence.ts";
export type { RemoteOAuth } from "./login.ts";
export { unknownIn } from "./presets.ts";
export { configJsonSchema } from "./schema.ts";
export { type ConfigWatch, type WatchOptions, watchConfig } from "./watch.ts";
export type { BackendSpec, Config, Issue, Loaded, Preset, RemoteSpec, StdioSpec } from "./types.ts";
export type { ClaimRule, TrustedIssuer } from "./trusted.ts";
