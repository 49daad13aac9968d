/**
 * The pages that a person sees: made here from plain data, without any script, and with everything that came from
 * elsewhere escaped. Each response may load nothing, send forms to ourselves alone (and, where a login leads back to its
 * client, to that one origin: browsers hold the redirect after a form to the same rule), and stand in no frame.
 */
import { html } from "hono/html";
import type { OAuthOut, Page, ShownRequest, ShownScope } from "../auth/index.ts";
import { escapeControls } from "../base/index.ts";
import { lowerNames } from "./reply.ts";
import { style, styleSource } from "./style.ts";

type Markup = ReturnType<typeof html>;
type Headers = Readonly<Record<string, string>>;

/** How often a page that waits asks whether it still does. */
const lookSeconds = 1;

/** A page as a response. */
export function pageOut({ status, headers, page }: Extract<OAuthOut, { kind: "page" }>): Response {
  const { title, body, refresh = null, sendsTo = null } = drawn(page);
  const policy = `default-src 'none'; style-src ${styleSource()}; form-action 'self'${sendsTo === null ? "" : ` ${sendsTo}`}; frame-ancestors 'none'; base-uri 'none'`;
  return new Response(String(whole(title, body, refresh)), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
      ...lowerNames(headers),
    },
  });
}

/** A page of a few words, for what did not go as it should. */
export const noticeOut = (status: number, title: string, text: string, headers: Headers = {}): Response => pageOut({ kind: "page", status, headers, page: { name: "notice", title, text } });

/** What a page is made of. */
interface Drawn {
  readonly title: string;
  readonly body: Markup;
  /** Where it goes by itself after a moment. */
  readonly refresh?: string;
  /** The origin beside ours that its form may lead to. */
  readonly sendsTo?: string | null;
}

type Named<Name extends Page["name"]> = Extract<Page, { name: Name }>;

const pages: { readonly [Name in Page["name"]]: (page: Named<Name>) => Drawn } = Object.freeze({ waiting, consent, device, login, connect, leaving, notice });

const drawn = (page: Page): Drawn => (pages[page.name] as (page: Page) => Drawn)(page);

const whole = (title: string, body: Markup, refresh: string | null): Markup => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh === null ? "" : html`<meta http-equiv="refresh" content="${lookSeconds}; url=${refresh}">`}
<title>${title} – 1mcp</title>
${style}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;

// ---- What came from elsewhere --------------------------------------------------------------------------------------

const textMax = 200;

// Marks that turn text around or have no width would make one name look like another: they are shown for what they are.
function shown(text: string): string {
  const plain = escapeControls(text);
  return plain.length <= textMax ? plain : `${plain.slice(0, textMax)}…`;
}

/** Nothing that a browser would run: a page of ours must not be what takes somebody there. */
const isSafeLink = (to: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(to) && !/^(javascript|data|vbscript|file|blob|filesystem|about|view-source):/i.test(to);

// ---- The pages -----------------------------------------------------------------------------------------------------

function waiting({ handle, code, request, canUsePassword, signIn }: Named<"waiting">): Drawn {
  const again = `/authorize?handle=${encodeURIComponent(handle)}`;
  return {
    title: "Approve on this computer",
    refresh: again,
    body: html`<h1>${signIn === null ? "Approve on this computer" : "Approve"}</h1>
${signIn === null ? "" : html`<p><strong>${shown(request.client.name)}</strong> asks for access to MCP servers. Sign in to decide what it may use for you.</p>
<p class="buttons"><a class="main" href="/sign-in?next=${encodeURIComponent(again)}">Sign in with ${shown(signIn)}</a></p>`}
<p>${signIn === null ? html`<strong>${shown(request.client.name)}</strong> asks for access to your MCP servers. Only whoever` : "Or whoever"} runs 1mcp can allow that: in a terminal on the computer where it runs, enter</p>
<pre><code>1mcp approve</code></pre>
<p>and compare the code:</p>
<p class="code" aria-label="Code">${shown(code)}</p>
<p role="status" class="quiet">This page goes on by itself as soon as you have decided.</p>
${facts(request)}
<ul class="ways">
<li><a href="${again}">Look now</a></li>
${canUsePassword ? html`<li><a href="/login?next=${encodeURIComponent(again)}">Use the operator's password instead</a></li>` : ""}
</ul>`,
  };
}

function consent({ handle, request, person }: Named<"consent">): Drawn {
  const again = `/authorize?handle=${encodeURIComponent(handle)}`;
  return {
    title: `Allow ${shown(request.client.name)}?`,
    sendsTo: sendsTo(request),
    body: html`<h1>Allow <span class="name">${shown(request.client.name)}</span> to use your MCP servers?</h1>
${person === null ? "" : html`<p>You are signed in as <strong>${shown(person)}</strong>, and decide for yourself. <a href="/sign-in?again=yes&amp;next=${encodeURIComponent(again)}">Sign in as somebody else</a></p>`}
${facts(request)}
<form method="post" action="/authorize">
<input type="hidden" name="handle" value="${handle}">
<fieldset>
<legend>What it may use</legend>
${request.scopes.length === 0 ? html`<p class="quiet">There is nothing that could be granted${person === null ? ": no server is configured" : " by you"}.</p>` : request.scopes.map(tickBox)}
</fieldset>
${person === null && canBeRemembered(request) ? html`<div class="scope"><label><input type="checkbox" name="remember" value="yes"> <span>Do not ask again when this program wants the same</span></label></div>` : ""}
<p class="quiet">What is not ticked is not granted. ${person === null ? html`You can take it back at any time with <code>1mcp auth revoke</code>.` : "To take it back, ask whoever runs 1mcp."}</p>
<p class="buttons"><button name="decision" value="approve" class="main">Allow</button> <button name="decision" value="deny">Deny</button></p>
</form>`,
  };
}

/** Any local program can pose as one whose answer comes to this computer; and a name is only a claim. */
const canBeRemembered = ({ client, redirectHost, isLoopback }: ShownRequest): boolean => client.domain !== null && redirectHost !== null && !isLoopback;

/** What a person has to know before deciding, on the page as in the terminal. */
function facts(request: ShownRequest): Markup {
  const { client, redirectHost, isLoopback } = request;
  return html`<dl>
<dt>Program</dt><dd>${shown(client.name)}${client.domain === null ? html` <span class="warning">not verified</span>` : html`, vouched for by <strong>${shown(client.domain)}</strong>`}</dd>
${client.id === client.name ? "" : html`<dt>Known as</dt><dd class="id">${shown(client.id)}</dd>`}
<dt>Answer goes to</dt><dd>${redirectHost === null ? "the device that shows the code" : html`<strong>${shown(redirectHost)}</strong>`}</dd>
<dt>For</dt><dd class="id">${shown(request.resource)}</dd>
<dt>Lasts</dt><dd>at most ${durationText(request.lifeMs)}${request.refresh ? ", renewed by the program itself" : ", then it must ask again"}</dd>
</dl>
${isLoopback ? html`<p class="warning" role="note">The answer goes to a program on this computer. Any program that runs here could be listening there: go on only if you have just started this login yourself.</p>` : ""}`;
}

function tickBox({ scope, servers, asked }: ShownScope): Markup {
  return html`<div class="scope">
<label><input type="checkbox" name="scope" value="${scope}"${asked ? html` checked` : ""}> <span>${meaningOf(scope)}</span></label>
${servers.length === 0 ? "" : html`<ul>${servers.map(({ name, tools }) => html`<li><strong>${shown(name)}</strong>${tools.length === 0 ? "" : html`: ${tools.slice(0, toolsShown).map((tool, index) => html`${index === 0 ? "" : ", "}<code>${shown(tool)}</code>`)}${tools.length > toolsShown ? ` and ${tools.length - toolsShown} more` : ""}`}</li>`)}</ul>`}
</div>`;
}

const toolsShown = 40;

function meaningOf(scope: string): Markup {
  const [kind = "", name = ""] = [scope.slice(0, scope.indexOf(":")), scope.slice(scope.indexOf(":") + 1)];
  if (kind === "server") return html`The server <strong>${decoded(name)}</strong>`;
  if (kind === "tag") return html`All servers tagged <strong>${decoded(name)}</strong>, those that are added later too`;
  if (kind === "preset") return html`The servers of the preset <strong>${decoded(name)}</strong>`;
  return html`${managing[scope] ?? shown(scope)}`;
}

const managing: Readonly<Record<string, string>> = Object.freeze({ "admin:read": "See how 1mcp and its servers are", "admin:write": "Manage 1mcp and its servers", offline_access: "Stay logged in" });

function decoded(name: string): string {
  try {
    return shown(decodeURIComponent(name));
  } catch {
    return shown(name); // it was no encoding of ours: as it came
  }
}

function device({ handle, problem }: Named<"device">): Drawn {
  return {
    title: "Connect a device",
    body: html`<h1>Connect a device</h1>
<p>Enter the code that the device shows. Go on only if you have that device before you.</p>
${trouble(problem)}
<form method="post" action="/device">
<input type="hidden" name="handle" value="${handle}">
<p><label for="user_code">Code</label>
<input id="user_code" name="user_code" class="code" required autofocus autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="16" placeholder="XXXX-XXXX"${problem === null ? "" : html` aria-invalid="true" aria-describedby="problem"`}></p>
<p class="buttons"><button class="main">Go on</button></p>
</form>`,
  };
}

function login({ handle, problem, next }: Named<"login">): Drawn {
  return {
    title: "Operator's password",
    body: html`<h1>Operator's password</h1>
${trouble(problem)}
<form method="post" action="/login">
<input type="hidden" name="handle" value="${handle}">
<input type="hidden" name="next" value="${next}">
<p><label for="password">Password</label>
<input id="password" name="password" type="password" required autofocus autocomplete="current-password"${problem === null ? "" : html` aria-invalid="true" aria-describedby="problem"`}></p>
<p class="buttons"><button class="main">Log in</button></p>
</form>`,
  };
}

const trouble = (problem: string | null): Markup => (problem === null ? html`` : html`<p id="problem" class="warning" role="alert">${shown(problem)}</p>`);

function connect({ handle, server, principal }: Named<"connect">): Drawn {
  return {
    title: `Log in at ${shown(server)}?`,
    // The way goes on to the server's own login, wherever that is.
    sendsTo: "https: http:",
    body: html`<h1>Log in at <span class="name">${shown(server)}</span>?</h1>
<p>You will log in at this server yourself. What you may do there can then be done through 1mcp by</p>
<p class="id">${shown(principal)}</p>
<p class="quiet">and by nobody else. Go on only if you have just been asked to by a program of yours.</p>
<form method="post" action="/connect/${encodeURIComponent(server)}">
<input type="hidden" name="handle" value="${handle}">
<p class="buttons"><button name="decision" value="approve" class="main">Log in</button> <button name="decision" value="deny">Not now</button></p>
</form>`,
  };
}

function notice({ title, text }: Named<"notice">): Drawn {
  return { title: shown(title), body: html`<h1>${shown(title)}</h1><p>${shown(text)}</p>` };
}

function leaving({ to }: Named<"leaving">): Drawn {
  return {
    title: "Back to the program",
    body: html`<h1>Back to the program</h1>
<p>The answer is ready for the program that asked.</p>
${isSafeLink(to) ? html`<p class="buttons"><a class="main" href="${to}" rel="noreferrer">Open the program</a></p>` : html`<p class="warning">Its address is none that can be opened: ${shown(to)}</p>`}`,
  };
}

/** Where the form's answer leads the browser, as far as a policy can say it: no policy knows the IPv6 form of an address. */
function sendsTo({ redirectHost, isLoopback }: ShownRequest): string | null {
  if (redirectHost === null) return null;
  const scheme = isLoopback ? "http" : "https";
  return /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(redirectHost) ? `${scheme}://${redirectHost}` : `${scheme}:`;
}

const minuteMs = 60_000;
const units = Object.freeze([
  ["day", 24 * 60 * minuteMs],
  ["hour", 60 * minuteMs],
  ["minute", minuteMs],
] as const);

/** A length of time for people, in the largest unit that fits. */
function durationText(ms: number): string {
  const [name, lengthMs] = units.find(([, length]) => ms >= length) ?? ["minute", minuteMs];
  const count = Math.max(1, Math.round(ms / lengthMs));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
