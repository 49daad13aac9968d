/**
 * Every bound of the program in one place, units in the names. There are two kinds: those that the configuration's
 * `limits` may override, and those that hold before a configuration is read or where there is none. The type says
 * which is which, so that no key is offered that nobody would heed.
 */

/** What holds unless the configuration says otherwise; the running proxy asks its configuration, others take these. */
export const defaultLimits = Object.freeze({
  /** Largest request body from a client. */
  bodyBytesMax: 4 * 1024 * 1024,
  /** Largest single message from a backend (one stdio line, one HTTP body, one SSE event). */
  messageBytesMax: 64 * 1024 * 1024,
  /** Deepest nesting of any JSON that is relayed. */
  depthMax: 64,
  /** Members of an object whose members we look at (envelope, params, result, _meta). */
  membersMax: 4096,
  /** Parameter headers of a client that no tool declares and that go on to a server as they are. */
  paramHeadersMax: 32,
  /** Longest JSON-RPC id in bytes of JSON text. */
  idBytesMax: 256,
  /** Messages in one batch (2025-03-26 only). */
  batchMax: 50,
  /** Calls in flight to one link. */
  pendingMax: 1024,
  /** Calls that wait for others to the same server to end, since as many are under way there as may be. */
  queuedMax: 64,
  /** Calls of one principal that servers have or that wait for them, over all servers. */
  callsPerPrincipalMax: 512,
  /** Bytes waiting for a child that does not read its stdin. */
  stdinBytesMax: 64 * 1024 * 1024,
  /** Bytes waiting for a client on stdio that does not read, and from where on nothing more is read of it. */
  stdoutBytesMax: 64 * 1024 * 1024,
  stdoutPauseBytesMax: 1024 * 1024,
  /** Processes or connections that one server may have where callers do not share one. */
  instancesMax: 64,
  /** One of them that nobody uses for so long is ended; the one that gives the lists is not. */
  instanceIdleMsMax: 60 * 60 * 1000,
  /** Sets of client capabilities whose canonical form one server remembers. */
  profilesMax: 256,
  /** Requests at once over the quick HTTP client, which serves 256 in all and then hangs; the others take the slower one. */
  fetchesMax: 192,
  /** A response stream may stay open this long after the response, so that the connection can be used again. */
  trailMsMax: 1_000,
  /** Output that a child wrote before its end is waited for this long. */
  exitDrainMs: 250,
  /** Beginning of a foreign HTTP body that is kept to say what was wrong. */
  excerptMax: 2048,
  /** Lines of the log, and of what it says on stderr, that are kept of each server for `1mcp mcp logs`; and how long who follows them waits for the next at a time. */
  tailLinesMax: 500,
  tailWaitMs: 20_000,
  /** How long the operator may wait for one server to come up. */
  settleMsMax: 10 * 60_000,
  /** Bytes kept of a child's stderr. */
  stderrBytesMax: 16 * 1024,
  /** Lines on a child's stdout that are not JSON, before it is reported as noisy. */
  noiseLinesMax: 100,
  /** What a server may say on one stream in such a time without answering, before it is read no faster than that. */
  noiseBytesMax: 4 * 1024 * 1024,
  noiseWindowMs: 1_000,
  /** 2025 sessions in all, and how long one may be idle. */
  sessionsMax: 1000,
  sessionIdleMsMax: 24 * 60 * 60 * 1000,
  /** 2025 sessions of one grant, and its streams that stand beside calls. The operator's own are not counted. */
  sessionsPerGrantMax: 20,
  streamsPerGrantMax: 10,
  /** Requests of one grant in a minute. The operator's own are not counted. */
  requestsPerMinuteMax: 60_000,
  /** Of one address: tokens that are not valid, requests for tokens, logins begun and codes entered in a minute; clients registered in an hour. */
  badTokensPerMinuteMax: 20,
  tokensPerMinuteMax: 60,
  authorizesPerMinuteMax: 30,
  devicesPerMinuteMax: 5,
  registersPerHourMax: 20,
  /** Looks at how a login stands, of one address in a minute: its page asks by itself. */
  looksPerMinuteMax: 300,
  /** Addresses and grants whose share is remembered. */
  ratesMax: 10_000,
  /** Largest body at an endpoint of the authorization server. */
  oauthBytesMax: 64 * 1024,
  /** Open or resumable streams of one session beside its calls. */
  sessionStreamsMax: 8,
  /** Events kept of one 2025 session for resumption, in number and in bytes; of all sessions together; and how long. */
  replayEventsMax: 256,
  replayBytesMax: 4 * 1024 * 1024,
  replayAllBytesMax: 32 * 1024 * 1024,
  replayMsMax: 10 * 60 * 1000,
  /** Bytes queued for a reader that does not read, beyond the message being written. */
  streamBytesMax: 1024 * 1024,
  /** Bytes of large answers that clients have not taken yet, from which on no further request is read of those who hold an even share of them. */
  unreadBytesMax: 256 * 1024 * 1024,
  /** Standing watches (sessions with a stream or a subscription, subscriptions/listen) in all, and of one principal. */
  watchesMax: 2000,
  watchesPerPrincipalMax: 1000,
  /** Resources subscribed to: by one watch, by all watches together, and different ones at one server. */
  subscriptionsPerWatchMax: 256,
  subscriptionsMax: 10_000,
  subscriptionsPerServerMax: 1000,
  /** Tries to subscribe again at a server that has come back, in growing waits, before that is left to its next start. */
  subscribeTriesMax: 10,
  /** Sets of client abilities for which one newer server is listened to; each is a stream of its own. */
  listensPerServerMax: 64,
  /** How long a server may take to accept a subscription. */
  subscribeMsMax: 10_000,
  /** In lists of all servers: longest title or description of an item; longest and deepest schema of a tool. */
  descriptionCharsMax: 8 * 1024,
  schemaCharsMax: 64 * 1024,
  schemaDepthMax: 32,
  /** With catalog search: how much of a search's words is looked at, how much of a description, what the schemas that are found may come to, and for how many sets of tools the index is kept. */
  searchQueryCharsMax: 1024,
  searchDescriptionCharsMax: 2048,
  searchCharsMax: 128 * 1024,
  searchIndexesMax: 16,
  /** Visible sets remembered for one snapshot. */
  viewsMax: 256,
  /** Servers in one configuration. */
  backendsMax: 256,
  /** Presets of one configuration. */
  presetsMax: 1000,
  /** Selections as clients wrote them that are remembered with what they came to. */
  selectionsMax: 1000,
  /** Pages followed of one list of a backend, and items kept. */
  listPagesMax: 100,
  listItemsMax: 10_000,
  /** Longest resource URI or template that is matched against the other. */
  uriCharsMax: 8192,
  /** Steps in all that one URI may take to be matched with templates; about 20 ms. */
  matchStepsMax: 2_000_000,
  /** Resources that results named, remembered with who named them: for all callers together, and for one. */
  ownersMax: 10_000,
  ownersPerPrincipalMax: 1000,
  /** A result with more characters is not searched for resources that it names. */
  ownersCharsMax: 8 * 1024 * 1024,
  /** Instructions of all servers together, in characters. */
  instructionsCharsMax: 64 * 1024,
  /** How long one page of a list may take. */
  listMsMax: 10_000,
  /** Wait for the answer to the era probe on stdio. */
  probeMsMax: 10_000,
  /** Wait for a server to be ready (start, probe, handshake, lists). */
  readyMsMax: 60_000,
  /** How long one standing subscription to a server's changes is kept before it is opened anew. */
  listenMsMax: 24 * 60 * 60 * 1000,
  /** How long a handshake waits until a server's changes can be heard, before it goes on without. */
  hearMsMax: 1_000,
  /** The same for one more process or connection of a server that said nothing in that time before. */
  hearAgainMsMax: 100,
  /** Default time for one request to a server. */
  requestMsMax: 60_000,
  /** Default for the longest that a call may take however often its server tells of progress. */
  totalMsMax: 60 * 60 * 1000,
  /** How long a call may run before anybody looks whether its client is still there: looking costs as much as relaying. */
  patienceMs: 25,
  /** How long a response head may wait for the first message before SSE is opened. */
  headMsMax: 10_000,
  /** Comment lines on silent SSE streams. */
  heartbeatMs: 15_000,
  /** Quiet time after a change of the configuration file. */
  reloadQuietMs: 100,
  /** Change notices are collected this long. */
  noticeQuietMs: 100,
  /** After a configuration came into place, lists wait at most this long for servers that start for the first time. */
  listWaitMsMax: 5_000,
  /** Who asks what a server that is starting offers waits at most this long: less than clients do, so that they read why. */
  describeMsMax: 30_000,
  /** A changed server gets this long to be ready beside the one that it replaces. */
  swapMsMax: 10_000,
  /** Drain of running calls at shutdown, and of a replaced snapshot. */
  shutdownMsMax: 5_000,
  drainMsMax: 60_000,
  /** A successor listens beside: connections that were on their way here may still come so long, then we drain. */
  giveWayMs: 1_000,
  /** A child gets this long after the end of its stdin, and again after TERM. */
  stdinEndMs: 2_000,
  termMs: 2_000,
  /** Servers of a proxy that was killed may end by themselves no longer than this. */
  killedEndMs: 1_000,
  /** At shutdown a child gets only this long after TERM, and a client only this long to take what is left for it. */
  lastTermMs: 300,
  farewellMs: 500,
  /** When a client on stdio has closed our input, answers that are due may still take so long. */
  lastAnswersMsMax: 500,
  /** Back-off of a failed or crashed server: first wait, longest wait, the same after a fall from readiness, ready time that resets it. */
  backoffMsMin: 250,
  backoffMsMax: 30_000,
  backoffReadyMsMax: 3_000,
  backoffResetMs: 10_000,
  /** So many failures in a row, and a server counts as broken: a list need not wait for it any more. */
  breakerFailuresMax: 5,
  /** A call waits for a server that fell if it is tried again within so long. */
  soonMsMax: 500,
  /** What a server that fell offered stays listed so long; then it leaves the lists until it is back. */
  graceMsMax: 10 * 60 * 1000,
  /** A server that is started on demand is stopped after so long without use. */
  idleStopMsMax: 10 * 60 * 1000,
  /** Calls that may be made again because their server fell: so many at once, and one more for so many calls that went well. */
  retriesMax: 10,
  callsPerRetryMin: 10,
  /** Such a call waits at most this long for its server to be back. */
  againMsMax: 5_000,
  /** A server under whose calls time ran out, and that said nothing since, is asked whether it still answers: so often, each so long. */
  probesMax: 2,
  aliveMsMax: 5_000,
  /** Largest file of what one server offered, and how long changes of it are collected before they are written. */
  inventoryBytesMax: 16 * 1024 * 1024,
  rememberMs: 1_000,
  /** Questions of one server that wait for an answer. */
  questionsMax: 64,
  /** All of them together: what is longer is refused, since it would be kept until a person answers. */
  questionsBytesMax: 32 * 1024 * 1024,
  /** How long a server's question may wait for a person, and how often the server is told meanwhile that it does. */
  askMsMax: 10 * 60 * 1000,
  askProgressMs: 15_000,
  /** A question that may be another call's waits so long for a client that is away, before it goes elsewhere. */
  rideMsMax: 60_000,
  /** A call that nobody waits for any more may still run at an older server: so long it counts when a cause is looked for. */
  lingerMsMax: 60_000,
  /** The same where only a log line of one and the same principal is concerned. */
  lingerOwnMsMax: 2_000,
  /** Visits to web pages of one server whose end may still be told to whoever was sent there. */
  visitsMax: 256,
  /** A call made again after such a visit waits so long for word that it is over; visits in all remembered for that. */
  visitMsMax: 30_000,
  pageVisitsMax: 256,
  /** Longest id of a visit that is remembered. */
  visitIdCharsMax: 1024,
  /** Log lines of one call, or of one server beside its calls, in such a time; what is more is dropped. */
  logLinesMax: 200,
  logWindowMs: 1_000,
  /** Calls that wait inside for their client to come back with answers, in all and of one principal, and how long each may. */
  parkedMax: 1000,
  parkedPerPrincipalMax: 32,
  parkedMsMax: 5 * 60 * 1000,
  /** What is kept for such calls, their questions and answers, in all and of one principal. */
  parkedBytesMax: 128 * 1024 * 1024,
  parkedBytesPerPrincipalMax: 64 * 1024 * 1024,
  /** What a server may still do with a question that was answered for a client that did not come back. */
  parkedGraceMs: 5_000,
  /** What such a call says while its client is away: the newest messages are kept for the client's return. */
  parkedLinesMax: 100,
  parkedLineBytesMax: 32 * 1024,
  /** Questions that come within such a time are asked together. */
  collectMs: 30,
  /** An answer is kept so long for a client that lost it and asks again in the same words. */
  redeliverMsMax: 10_000,
  redeliverBytesMax: 256 * 1024,
  /** How often a call of an older client is made again for a server that wants more, and the pause where it only wants time. */
  roundsMax: 8,
  paceMs: 250,
  /** Visits to web pages that one session was sent to and may still hear the end of. */
  elicitationsMax: 64,
  /** How often an older server is asked after a task where it does not say itself. */
  taskPollMs: 1_000,
  /** Lifetime of a sealed request state. */
  stateMsMax: 5 * 60 * 1000,
  /** Tasks that one process is at work on and is therefore not ended, remembered in number. */
  openTasksMax: 1000,
  /** How long a client may ask for a task that it was given; the server may forget it earlier. */
  taskMsMax: 30 * 24 * 60 * 60 * 1000,
  /** Series of one metric, each for one set of label values; what comes after counts as "other". And the longest such value. */
  metricSeriesMax: 2000,
  labelCharsMax: 128,
  /** Servers named in one line of the log; the rest is counted. */
  namesShownMax: 20,
  /** Finished spans that wait for their collector, how many go at once, how often, and how long that may take. */
  spansMax: 2048,
  spansPerExportMax: 512,
  exportEveryMs: 5_000,
  exportMsMax: 10_000,
  /** Longest trace context of one kind that travels on. */
  traceCharsMax: 8192,
  /** Characters of one text in a log line, or in a span. */
  logTextMax: 2048,
  /** Secret values kept for scrubbing, those that were written down and those that come and go apart. */
  secretsMax: 4096,
  /** Lines of the console, where libraries speak, that get into the log within a minute. */
  consoleLinesMax: 60,
  /** Lines of the audit log that wait to be written; how soon they are, how many at once, and when it is tried again after a failure. */
  auditQueueMax: 10_000,
  auditFlushMs: 100,
  auditBatchMax: 512,
  auditRetryMs: 5_000,
  /** So many lines about one sender's same attempts, or one caller's same calls, are written for one moment; what is more is counted in one. */
  auditSameMax: 20,
  /** The audit log: size at which a file is put aside, and how many are kept. */
  auditBytesMax: 16 * 1024 * 1024,
  auditFilesMax: 8,
  /** A server that wants a login is tried again after so long, though nobody has logged in. */
  loginWaitMsMax: 60 * 60 * 1000,
  /** A token is renewed so long before it ends, and up to so much earlier. */
  renewMs: 60_000,
  renewJitterMs: 15_000,
  /** After a renewal that failed for a passing reason the next is not tried before so long. */
  renewPauseMs: 10_000,
  /** Logins that were begun, and how long one may take, as long as a link that begins one is good. */
  loginsBegunMax: 100,
  loginMsMax: 10 * 60 * 1000,
  /** A login by a code that is entered elsewhere is waited for so long at most, however long the code is said to be good. */
  deviceLoginMsMax: 30 * 60 * 1000,
  /** Logins that are kept, of all servers and owners; and clients that we registered, kept for one of them. */
  loginsMax: 1000,
  loginClientsMax: 4,
  /** Largest answer of an authorization server, and how long it may take. */
  loginAnswerBytesMax: 64 * 1024,
  loginAnswerMsMax: 10_000,
  /** A caller who was sent to our login page for a server is waited for so long. */
  connectMsMax: 5 * 60 * 1000,
  /** Grants of clients that people approved; the one that was used least recently makes room. Static tokens, and tokens of all kinds that live at once. */
  grantsMax: 50,
  staticTokensMax: 1000,
  liveTokensMax: 10_000,
  /** Ranges of addresses that one static token can be bound to. */
  tokenSourcesMax: 64,
  /** Longest life of a static token, and how long the one before stays valid when it is replaced. */
  staticTokenMsMax: 366 * 24 * 60 * 60 * 1000,
  rotationMsMax: 24 * 60 * 60 * 1000,
  /** Tokens whose grant is remembered, and for how long before the store is asked again. */
  tokenMemoMax: 10_000,
  tokenMemoMs: 5_000,
  /** How often it is looked for grants that have ended, and when it is written that one was used. */
  grantSweepMs: 2_000,
  grantUsedMs: 60_000,
  /** Requests for a grant that wait for the operator, and how long each may. */
  approvalsMax: 100,
  approvalMsMax: 10 * 60 * 1000,
  /** Life of an authorization code. */
  codeMs: 60_000,
  /** A refresh token may be used again so long after its use, where the reply to that was lost; and what counts as at the same time. */
  refreshGraceMs: 10_000,
  refreshSettleMs: 100,
  /** A device may ask so often whether it was approved; wrong codes that one address may type before it is locked out. */
  devicePollMs: 5_000,
  deviceTriesMax: 5,
  /** Wrong passwords of one address before it is locked out, and for how long that holds, here and for device codes. */
  passwordTriesMax: 5,
  lockoutMs: 10 * 60 * 1000,
  /** Addresses that are remembered for such counts. */
  countedAddressesMax: 10_000,
  /** How long a browser stays the operator's, in all and without use; and the life of a link that makes it so. */
  operatorBrowserMs: 12 * 60 * 60 * 1000,
  operatorBrowserIdleMs: 60 * 60 * 1000,
  operatorBrowsersMax: 100,
  openLinkMs: 2 * 60 * 1000,
  /** Keys that access tokens are signed with: how long one signs, and how long it is published before it does. */
  signingKeyMs: 30 * 24 * 60 * 60 * 1000,
  signingAheadMs: 60 * 60 * 1000,
  /** How long a browser is known as that of somebody of a company, and how many are; sign-ins under way; and grants of such people in all, beside grantsMax of each. */
  personBrowserMs: 60 * 60 * 1000,
  personBrowsersMax: 10_000,
  signInsMax: 1000,
  personGrantsMax: 10_000,
  /** Clients that are remembered; registrations of one address in an hour; how long one is kept that was never used, and after its last use. */
  clientsMax: 1000,
  registrationsMax: 20,
  clientUnusedMs: 24 * 60 * 60 * 1000,
  clientIdleMs: 90 * 24 * 60 * 60 * 1000,
  /** Redirect URIs of one client, and the longest. */
  redirectsMax: 16,
  redirectCharsMax: 2048,
  /** Largest metadata document of a client, how long fetching may take, how many fetches a minute, and how long it is kept. */
  clientDocumentBytesMax: 5 * 1024,
  clientDocumentMsMax: 5_000,
  clientFetchesMax: 10,
  clientDocumentMsMin: 5 * 60 * 1000,
  clientDocumentAgeMsMax: 24 * 60 * 60 * 1000,
  clientErrorMs: 60_000,
  /** Clients' signed assertions: longest life, and how many are remembered so that none serves twice. */
  assertionMsMax: 5 * 60 * 1000,
  assertionsMax: 10_000,
  /** Keys of another issuer: largest document and most keys, how long fetching may take, how soon it may be tried again, when they are looked at anew, and how long they count while that fails. */
  issuerBytesMax: 64 * 1024,
  issuerKeysMax: 100,
  issuerMsMax: 5_000,
  issuerPauseMs: 30_000,
  issuerKeysAgeMs: 10 * 60 * 1000,
  issuerKeysMsMax: 24 * 60 * 60 * 1000,
  /** Requests that wait for the keys of one issuer. */
  issuerWaitersMax: 100,
  /** How far the clock of another issuer may be off. */
  issuerSkewMs: 30_000,
  /** Tokens of other issuers that are remembered as good, and for how long. */
  issuedMemoMax: 1000,
  issuedMemoMs: 60_000,
  /** Longest life of an identity assertion (ID-JAG). */
  idJagMsMax: 5 * 60 * 1000,
});

/** What no configuration changes: it bounds how one is read, what commands do without one, and what files must be like for whoever reads them. */
export const fixedBounds = Object.freeze({
  /** Largest configuration file. */
  configBytesMax: 4 * 1024 * 1024,
  /** Copies of it that are kept beside it when it is changed by a command, and for how long. */
  configBackupsMax: 10,
  configBackupMsMax: 30 * 24 * 60 * 60 * 1000,
  /** Largest `.1mcprc` of a project. */
  projectBytesMax: 64 * 1024,
  /** Largest file of another application that is read: some keep their whole history in it. */
  appFileBytesMax: 32 * 1024 * 1024,
  /** A command that changes the configuration takes no longer than that; how often another one looks whether it is done. */
  configLockMsMax: 10_000,
  configLockLookMs: 20,
  /** Longest tag expression, and how deep it may be nested. */
  filterCharsMax: 4096,
  filterDepthMax: 32,
  /** A file that holds one secret. */
  secretFileBytesMax: 64 * 1024,
  /** How long the system's keychain may take to give a secret; it may have to ask a person. */
  keychainMsMax: 20_000,
  /** A secret of so many characters is taken out of texts; a shorter one would be found in any. */
  secretLengthMin: 6,
  /** A client of `1mcp proxy` waits at most this long for a running proxy that is away. */
  awayMsMax: 500,
  /** How long the start of a proxy in the background may take. */
  launchMsMax: 20_000,
  /** A proxy in the background that falls is started again so often, after a wait that doubles each time; running so long makes that be forgotten. */
  superviseRestartsMax: 5,
  superviseWaitMsMin: 1_000,
  superviseStableMs: 5 * 60 * 1000,
  /** Log of a proxy that was started in the background; as much is kept of what it said before. */
  launchLogBytesMax: 4 * 1024 * 1024,
  /** How long the running proxy may take to answer its operator; a reload waits for servers. */
  operatorMsMax: 60_000,
  /** Characters of one text in a line of the audit log, and entries of one list: the end of its file is read in a piece that must hold a whole line. */
  auditTextMax: 256,
  auditListMax: 32,
  /** Largest file that is read from the state folder. */
  stateBytesMax: 64 * 1024 * 1024,
});

export type FixedBounds = { readonly [name in keyof typeof fixedBounds]: number };
export type Limits = { readonly [name in keyof typeof defaultLimits]: number };
