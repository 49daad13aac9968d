import { expect, test } from "bun:test";
import { helpText } from "../../src/cli/help.ts";
import { flags } from "../../src/cli/flags.ts";
import { shownCommands } from "../../src/cli/commands.ts";

test("help as people see it", () => {
  expect(helpText([], false).replace(/^1mcp \S+:/, "1mcp VERSION:")).toMatchInlineSnapshot(`
    "1mcp VERSION: one executable between AI clients and their MCP servers

    Usage: 1mcp [command] [flags]

    Commands:
      serve                                   start the proxy (also without a
                                              command)
      proxy                                   bridge a client on stdin and stdout
                                              to a running server
      status [SERVER]                         say how the running server and its
                                              servers are
      audit                                   what was decided about whom, from the
                                              audit log
      audit verify                            say whether any line of the audit log
                                              was changed, added or taken away
      mcp add [NAME] [-- COMMAND...]          write a server into the
                                              configuration, and have the running
                                              one take it
      mcp update [SERVER] [-- COMMAND...]     change a server's entry
      mcp remove [SERVER]                     take a server away
      mcp enable [SERVER]                     switch a server on
      mcp disable [SERVER]                    switch a server off, and keep its
                                              entry
      mcp list                                the servers in the configuration
      mcp status [SERVER]                     say how the servers are, as “status”
                                              does
      mcp restart [SERVER]                    begin a server anew; calls that run
                                              there come to their end
      mcp logs [SERVER]                       the last lines of the log, and of
                                              what servers say
      mcp tools [SERVER]                      the tools of a server, and which of
                                              them are shown
      mcp tools enable [SERVER] [TOOL...]     show these tools again
      mcp tools disable [SERVER] [TOOL...]    neither show nor call these tools
      mcp tools allow [SERVER] [PATTERN...]   only tools with names like these
      mcp tools deny [SERVER] [PATTERN...]    no tools with names like these
      mcp tools forget [SERVER] [PATTERN...]  take such rules back
      mcp pins [SERVER]                       what a server defines now that is not
                                              what was trusted
      mcp trust [SERVER]                      show the same, and trust it from now
                                              on
      preset list                             the presets there are
      preset show [PRESET]                    one preset, and which servers it
                                              selects
      preset create [NAME]                    a name for a selection of servers
      preset edit [PRESET]                    change what a preset selects, or its
                                              description
      preset delete [PRESET]                  take a preset away
      preset test [PRESET]                    which servers a preset or an
                                              expression selects
      preset url [PRESET]                     the address for clients that are to
                                              see its servers alone
      app list                                the applications that are known, and
                                              which of them are here
      app discover                            the servers that applications here
                                              have, and what could move
      app consolidate [APP]                   take an application's servers in, or
                                              all of them, and give it one entry
                                              for all
      app restore [APP]                       give an application its file back,
                                              byte for byte
      app backups                             what applications' files were before
                                              they were changed
      app connect [APP]                       write one entry that leads to us, and
                                              change nothing else
      app disconnect [APP]                    take that entry back
      explain [TOOL]                          which rules show or hide a tool; what
                                              an error's code means
      mcp tokens [SERVER]                     what the tools of each server cost a
                                              model, and what searching them would
                                              save
      instructions                            what an agent at the shell has to
                                              know of the servers
      inspect [TARGET]                        the servers; the tools of SERVER;
                                              what SERVER/TOOL takes
      run [TOOL]                              call SERVER/TOOL, and print what it
                                              gives
      wait [SERVER]                           wait until the servers, or one of
                                              them, can be called
      approve                                 who asks for a grant, and your
                                              decision
      open                                    have your browser be the operator's
      token create                            make a token, and print it this once
      token list                              the tokens there are
      token rotate [ID]                       another token in its place; the old
                                              one is valid for a while yet
      token revoke [ID]                       end a token at once
      auth grants                             who was granted what
      auth revoke [ID]                        end a grant at once, with its open
                                              streams
      auth pins                               the clients that are pinned by their
                                              metadata documents
      auth pin [URL]                          show a client's metadata document,
                                              and pin it as it is
      auth unpin [URL]                        let that client in no more
      auth password                           set the password of the operator's
                                              pages
      auth login [SERVER]                     log in at a remote server, for the
                                              running proxy
      auth logout [SERVER]                    forget the login at a remote server
      auth status                             say at which remote servers somebody
                                              is logged in
      config check                            say everything that is wrong with the
                                              configuration
      config schema                           print the JSON Schema of a
                                              configuration
      config reload                           have the running server look at its
                                              configuration now
      config backup                           keep a copy of the configuration
      config backups                          the copies there are
      config restore [COPY]                   put a copy back; the newest, if none
                                              is named
      config diff [COPY]                      what has changed since a copy
      config edit                             change the configuration in your
                                              editor; it is checked before it
                                              counts
      doctor                                  look for what is wrong, and say what
                                              mends it
      completion [SHELL]                      what your shell needs to complete
                                              these commands: bash, zsh or fish
      service print [MANAGER]                 print what a service manager needs:
                                              systemd or launchd
      version                                 print the version; with --verify say
                                              whether this executable is the one
                                              that was released

    Flags of serve:
      -H, --host ADDRESS                 address to listen on; default 127.0.0.1
                                         [ONE_MCP_HOST]
      -P, --port PORT                    port to listen on; 0 takes a free one;
                                         default 3050 [ONE_MCP_PORT]
          --insecure-no-auth             ask for no bearer token; on loopback only
                                         [ONE_MCP_INSECURE_NO_AUTH]
          --trust-terminal               ask at this terminal about each client
                                         that wants a grant
                                         [ONE_MCP_TRUST_TERMINAL]
          --graceful-restart             on SIGUSR2 let a new process take over and
                                         refuse nobody; lets every program of this
                                         user share the port
                                         [ONE_MCP_GRACEFUL_RESTART]
          --stdio                        serve one client on stdin and stdout, and
                                         listen nowhere [ONE_MCP_STDIO]
          --background                   start it as a process of its own that is
                                         started again when it falls, and come back
                                         when it listens
          --status                       say how it is: 0 ready, 3 not running, 4
                                         not ready, 5 restarting, 6 given up, 7
                                         without its supervisor
          --stop                         end it
          --restart                      end it if it runs, and start it in the
                                         background, with the same flags if none
                                         are given
          --token-file FILE              the token that opens everything; but with
                                         serve, the token itself may be in
                                         ONE_MCP_TOKEN instead; default the one in
                                         the state folder [ONE_MCP_TOKEN_FILE]
          --operator-password-file FILE  the password of the operator's pages;
                                         default what the configuration says
                                         [ONE_MCP_OPERATOR_PASSWORD_FILE]
      -p, --preset NAME                  only the servers that this preset selects
                                         [ONE_MCP_PRESET]
          --tags LIST                    only servers with any of these tags:
                                         web,search; with mcp add and update, the
                                         tags of the entry [ONE_MCP_TAGS]
          --tag-filter EXPRESSION        only servers that it selects: web &&
                                         !(legacy || server:old)
                                         [ONE_MCP_TAG_FILTER]
      -f, --filter EXPRESSION            the same [ONE_MCP_FILTER]
          --json                         print everything as JSON [ONE_MCP_JSON]

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

    \`1mcp COMMAND --help\` shows the flags of a command.

    Flags stand before or after the command. The environment variable in brackets
    sets the same; the command line wins.

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
  const all = shownCommands.map(({ words }) => helpText(words, false)).join("");
  for (const { name } of flags) expect(all).toContain(`--${name}`);
  for (const { words } of shownCommands) expect(helpText([], false)).toContain(words.join(" "));
  expect(helpText([], false)).not.toContain("demo");
});

test("the flags are those of the one command that is meant; of several the names are enough", () => {
  expect(helpText([], false).match(/^Flags.*$/gmu)).toEqual(["Flags of serve:", "Flags:", "Flags stand before or after the command. The environment variable in brackets"]);
  expect(helpText([], false)).toContain("`1mcp COMMAND --help` shows the flags of a command.\n");
  const group = helpText(["mcp"], false);
  expect([group.includes("Usage: 1mcp mcp [command] [flags]"), group.includes("Flags of"), group.includes("`1mcp mcp COMMAND --help`")]).toEqual([true, false, true]);
  // A command that is the beginning of others is one all the same.
  const both = helpText(["audit"], false);
  expect([both.includes("Flags of audit:"), both.includes("audit verify"), both.includes("`1mcp audit COMMAND --help`")]).toEqual([true, true, true]);
  expect(helpText(["audit", "verify"], false)).not.toContain("COMMAND --help");
});

test("colour only adds to the text", () => {
  const coloured = helpText([], true);
  expect(coloured).toContain("\u001b[1mUsage:\u001b[0m");
  expect(Bun.stripANSI(coloured)).toBe(helpText([], false));
});
