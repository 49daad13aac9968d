import { expect, test } from "bun:test";
import { helpText } from "../../src/cli/help.ts";
import { flags } from "../../src/cli/flags.ts";
import { shownCommands } from "../../src/cli/commands.ts";

test("help as people see it", () => {
  expect(helpText([], false).replace(/^1mcp \S+:/, "1mcp VERSION:")).toMatchInlineSnapshot(`
    "1mcp VERSION: one executable between AI clients and their MCP servers

    Usage: 1mcp [command] [flags]

    Commands:
      serve                    start the proxy (also without a command)
      proxy                    bridge a client on stdin and stdout to a running
                               server
      status [SERVER]          say how the running server and its servers are
      audit                    what was decided about whom, from the audit log
      audit verify             say whether any line of the audit log was changed,
                               added or taken away
      mcp pins [SERVER]        what a server defines now that is not what was
                               trusted
      mcp trust [SERVER]       show the same, and trust it from now on
      approve                  who asks for a grant, and your decision
      open                     have your browser be the operator's
      token create             make a token, and print it this once
      token list               the tokens there are
      token rotate [ID]        another token in its place; the old one is valid for
                               a while yet
      token revoke [ID]        end a token at once
      auth grants              who was granted what
      auth revoke [ID]         end a grant at once, with its open streams
      auth password            set the password of the operator's pages
      auth login [SERVER]      log in at a remote server, for the running proxy
      auth logout [SERVER]     forget the login at a remote server
      auth status              say at which remote servers somebody is logged in
      config check             say everything that is wrong with the configuration
      config schema            print the JSON Schema of a configuration
      config reload            have the running server look at its configuration
                               now
      service print [MANAGER]  print what a service manager needs: systemd or
                               launchd
      version                  print the version; with --verify say whether this
                               executable is the one that was released

    Flags of serve:
      -H, --host ADDRESS                 address to listen on; default 127.0.0.1
                                         [ONE_MCP_HOST]
      -P, --port PORT                    port to listen on; 0 takes a free one;
                                         default 3050 [ONE_MCP_PORT]
          --insecure-no-auth             ask for no bearer token; on loopback only
                                         [ONE_MCP_INSECURE_NO_AUTH]
          --graceful-restart             on SIGUSR2 let a new process take over and
                                         refuse nobody; lets every program of this
                                         user share the port
                                         [ONE_MCP_GRACEFUL_RESTART]
          --stdio                        serve one client on stdin and stdout, and
                                         listen nowhere [ONE_MCP_STDIO]
          --token-file FILE              the token that opens everything; with
                                         proxy, the token itself may be in
                                         ONE_MCP_TOKEN instead; default the one in
                                         the state folder [ONE_MCP_TOKEN_FILE]
          --operator-password-file FILE  the password of the operator's pages;
                                         default what the configuration says
                                         [ONE_MCP_OPERATOR_PASSWORD_FILE]

    Flags of proxy:
      -u, --url URL          the server to bridge to; default the running one of
                             the state folder [ONE_MCP_URL]
          --token-file FILE  the token that opens everything; with proxy, the token
                             itself may be in ONE_MCP_TOKEN instead; default the
                             one in the state folder [ONE_MCP_TOKEN_FILE]
      -t, --timeout MS       how long the server may take to answer for the first
                             time; default 10000 [ONE_MCP_TIMEOUT]
          --start            start the server in the background if none runs
                             [ONE_MCP_START]

    Flags of status:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of audit:
          --json        print everything as JSON [ONE_MCP_JSON]
          --since TIME  only what happened from then on: a time
                        (2027-01-31T12:00Z), or how long ago (90s, 15m, 12h, 7d);
                        default all there is [ONE_MCP_SINCE]

    Flags of approve:
          --yes CODE     approve the request with this code (or id) without asking
                         [ONE_MCP_YES]
          --deny CODE    deny it without asking [ONE_MCP_DENY]
          --wait         wait until somebody asks [ONE_MCP_WAIT]
          --scope SCOPE  what is granted: tag:NAME, server:NAME, admin:read,
                         admin:write, or all; may be given several times; default
                         of a request what it asked for; of a token everything
                         [ONE_MCP_SCOPE]
          --json         print everything as JSON [ONE_MCP_JSON]

    Flags of open:
          --print  print the link instead of opening it [ONE_MCP_PRINT]

    Flags of token create:
          --name NAME    what the token is for [ONE_MCP_NAME]
          --scope SCOPE  what is granted: tag:NAME, server:NAME, admin:read,
                         admin:write, or all; may be given several times; default
                         of a request what it asked for; of a token everything
                         [ONE_MCP_SCOPE]
          --ttl TIME     how long it is valid: 12h, 90d; a year at most; default
                         90d [ONE_MCP_TTL]
          --json         print everything as JSON [ONE_MCP_JSON]

    Flags of token list:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of token rotate:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of auth grants:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of auth revoke:
          --all  end all grants, the token in the state folder included
                 [ONE_MCP_ALL]

    Flags of auth password:
          --password-file FILE  take it from the first line of this file; default
                                it is asked for [ONE_MCP_PASSWORD_FILE]
          --remove              have no password [ONE_MCP_REMOVE]

    Flags of auth login:
          --paste  with login: end it by the address that the browser was sent to,
                   on standard input [ONE_MCP_PASTE]

    Flags of auth status:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of service print:
          --user  for one user's own service, not the machine's [ONE_MCP_USER]

    Flags of version:
          --verify FILE  the SHA256SUMS of the release; files that lie beside it
                         are verified too [ONE_MCP_VERIFY]

    Flags:
      -c, --config FILE      the configuration file; default
                             ~/.config/1mcp/mcp.json [ONE_MCP_CONFIG]
          --state-dir DIR    the folder for the token and other state; default
                             ~/.local/state/1mcp [ONE_MCP_STATE_DIR]
          --strict-secrets   refuse a configuration that holds secrets and that
                             others can read [ONE_MCP_STRICT_SECRETS]
          --log-level LEVEL  how much to log: debug, info, warn, error; default
                             info [ONE_MCP_LOG_LEVEL]
      -h, --help             this text
          --version          the version

    Flags stand before or after the command. Each can be set by the environment
    variable in brackets; the command line wins.

    Exit codes: 0 done, 1 failed, 2 wrong command line, 78 wrong configuration
    "
  `);
});

test("help of a command shows what belongs to it", () => {
  const text = helpText(["config", "check"], false);
  expect(text).toContain("Usage: 1mcp config check [flags]");
  expect(text).toContain("--config FILE");
  expect(text).not.toContain("--port");
  expect(helpText(["config"], false)).toContain("config schema");
  expect(helpText(["serve"], false)).toContain("--port");
});

test("every line fits 79 columns and names every flag and command", () => {
  for (const words of [[], ["serve"], ["config"], ["config", "schema"]]) {
    for (const line of helpText(words, false).split("\n")) expect(line.length).toBeLessThanOrEqual(79);
  }
  for (const { name } of flags) expect(helpText([], false)).toContain(`--${name}`);
  for (const { words } of shownCommands) expect(helpText([], false)).toContain(words.join(" "));
  expect(helpText([], false)).not.toContain("demo");
});

test("colour only adds to the text", () => {
  const coloured = helpText([], true);
  expect(coloured).toContain("\u001b[1mUsage:\u001b[0m");
  expect(Bun.stripANSI(coloured)).toBe(helpText([], false));
});
