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
      mcp update [NAME] [-- COMMAND...]       change a server's entry
      mcp remove [NAME]                       take a server away
      mcp enable [NAME]                       switch a server on
      mcp disable [NAME]                      switch a server off, and keep its
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
      preset show [NAME]                      one preset, and which servers it
                                              selects
      preset create [NAME]                    a name for a selection of servers
      preset edit [NAME]                      change what a preset selects, or its
                                              description
      preset delete [NAME]                    take a preset away
      preset test [NAME]                      which servers a preset or an
                                              expression selects
      preset url [NAME]                       the address for clients that are to
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

    Flags of proxy:
      -u, --url URL                the server to bridge to, or to ask; with mcp,
                                   the address of the one in the entry; with app,
                                   the address that the application is to call
                                   itself; default the running one of the state
                                   folder [ONE_MCP_URL]
          --token-file FILE        the token that opens everything; but with serve,
                                   the token itself may be in ONE_MCP_TOKEN
                                   instead; default the one in the state folder
                                   [ONE_MCP_TOKEN_FILE]
      -t, --timeout MS             how long the server may take to answer for the
                                   first time; with wait, to have its servers
                                   ready; with mcp, to answer any request
                                   (requestTimeout); default 10000, with wait 30000
                                   [ONE_MCP_TIMEOUT]
          --start                  start the server in the background if none runs
                                   [ONE_MCP_START]
          --project DIR            the folder whose project counts, with its
                                   .1mcprc; default the one that the client starts
                                   it in [ONE_MCP_PROJECT]
      -p, --preset NAME            only the servers that this preset selects
                                   [ONE_MCP_PRESET]
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
                                   [ONE_MCP_TAGS]
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old) [ONE_MCP_TAG_FILTER]
      -f, --filter EXPRESSION      the same [ONE_MCP_FILTER]

    Flags of status:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of audit:
          --json        print everything as JSON [ONE_MCP_JSON]
          --since TIME  only what happened from then on: a time
                        (2027-01-31T12:00Z), or how long ago (90s, 15m, 12h, 7d);
                        default all there is [ONE_MCP_SINCE]

    Flags of mcp add:
      -u, --url URL            the server to bridge to, or to ask; with mcp, the
                               address of the one in the entry; with app, the
                               address that the application is to call itself;
                               default the running one of the state folder
      -t, --timeout MS         how long the server may take to answer for the first
                               time; with wait, to have its servers ready; with
                               mcp, to answer any request (requestTimeout); default
                               10000, with wait 30000
          --tags LIST          only servers with any of these tags: web,search;
                               with mcp add and update, the tags of the entry
          --dry-run            show what would change, and change nothing
                               [ONE_MCP_DRY_RUN]
          --json               print everything as JSON [ONE_MCP_JSON]
          --type TYPE          how the server is reached: stdio, http or sse;
                               default stdio with a command; with an address it is
                               found out
          --command PROGRAM    the program to start; easier: everything behind --
          --args ARGUMENT      an argument of it; may be given several times; with
                               run, all arguments as one JSON object; default with
                               run, what is on standard input
      -e, --env NAME=VALUE     a variable for it; NAME alone takes the value from
                               the environment of 1mcp, '$file:PATH',
                               '$keychain:SERVICE/NAME' and '$env:NAME' from there;
                               may be given several times
          --header NAME=VALUE  a header for an address, with values like those of
                               --env; may be given several times
      -g, --tag TAG            a tag; may be given several times
          --cwd DIR            the folder it runs in; default a folder of its own;
                               this one, where the command names files from here
          --prefix TEXT        what its tools' names begin with; default its name
          --disabled           write it, but switched off
          --wait-ms MS         how long to wait until it is up; 0: do not; default
                               30000 for what is new, else 5000

    Flags of mcp update:
      -u, --url URL            the server to bridge to, or to ask; with mcp, the
                               address of the one in the entry; with app, the
                               address that the application is to call itself;
                               default the running one of the state folder
      -t, --timeout MS         how long the server may take to answer for the first
                               time; with wait, to have its servers ready; with
                               mcp, to answer any request (requestTimeout); default
                               10000, with wait 30000
          --tags LIST          only servers with any of these tags: web,search;
                               with mcp add and update, the tags of the entry
          --dry-run            show what would change, and change nothing
                               [ONE_MCP_DRY_RUN]
          --json               print everything as JSON [ONE_MCP_JSON]
          --type TYPE          how the server is reached: stdio, http or sse;
                               default stdio with a command; with an address it is
                               found out
          --command PROGRAM    the program to start; easier: everything behind --
          --args ARGUMENT      an argument of it; may be given several times; with
                               run, all arguments as one JSON object; default with
                               run, what is on standard input
      -e, --env NAME=VALUE     a variable for it; NAME alone takes the value from
                               the environment of 1mcp, '$file:PATH',
                               '$keychain:SERVICE/NAME' and '$env:NAME' from there;
                               may be given several times
          --header NAME=VALUE  a header for an address, with values like those of
                               --env; may be given several times
      -g, --tag TAG            a tag; may be given several times
          --cwd DIR            the folder it runs in; default a folder of its own;
                               this one, where the command names files from here
          --prefix TEXT        what its tools' names begin with; default its name
          --disabled           write it, but switched off
          --unset KEY          take this away: cwd, tags, env.NAME, headers.NAME;
                               may be given several times
          --wait-ms MS         how long to wait until it is up; 0: do not; default
                               30000 for what is new, else 5000

    Flags of mcp remove:
          --dry-run     show what would change, and change nothing
                        [ONE_MCP_DRY_RUN]
          --json        print everything as JSON [ONE_MCP_JSON]
      -y, --assume-yes  do it without asking

    Flags of mcp enable:
          --dry-run     show what would change, and change nothing
                        [ONE_MCP_DRY_RUN]
          --json        print everything as JSON [ONE_MCP_JSON]
          --wait-ms MS  how long to wait until it is up; 0: do not; default 30000
                        for what is new, else 5000

    Flags of mcp disable:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of mcp list:
          --tags LIST      only servers with any of these tags: web,search; with
                           mcp add and update, the tags of the entry
          --json           print everything as JSON [ONE_MCP_JSON]
          --show-disabled  also those that are switched off
          --verbose        everything about each

    Flags of mcp status:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of mcp restart:
          --json        print everything as JSON [ONE_MCP_JSON]
          --wait-ms MS  how long to wait until it is up; 0: do not; default 30000
                        for what is new, else 5000

    Flags of mcp logs:
          --json         print everything as JSON [ONE_MCP_JSON]
      -F, --follow       go on with what comes; also -f
      -n, --lines COUNT  so many of the last lines; default 50

    Flags of mcp tools:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of mcp tools enable:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of mcp tools disable:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of mcp tools allow:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of mcp tools deny:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of mcp tools forget:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of preset list:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of preset show:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of preset create:
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old)
      -f, --filter EXPRESSION      the same
          --description TEXT       what the preset is for [ONE_MCP_DESCRIPTION]
          --dry-run                show what would change, and change nothing
                                   [ONE_MCP_DRY_RUN]
          --json                   print everything as JSON [ONE_MCP_JSON]

    Flags of preset edit:
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old)
      -f, --filter EXPRESSION      the same
          --description TEXT       what the preset is for [ONE_MCP_DESCRIPTION]
          --dry-run                show what would change, and change nothing
                                   [ONE_MCP_DRY_RUN]
          --json                   print everything as JSON [ONE_MCP_JSON]

    Flags of preset delete:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of preset test:
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old)
      -f, --filter EXPRESSION      the same
          --json                   print everything as JSON [ONE_MCP_JSON]

    Flags of preset url:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of app list:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of app discover:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of app consolidate:
      -u, --url URL     the server to bridge to, or to ask; with mcp, the address
                        of the one in the entry; with app, the address that the
                        application is to call itself; default the running one of
                        the state folder
          --dry-run     show what would change, and change nothing
                        [ONE_MCP_DRY_RUN]
          --json        print everything as JSON [ONE_MCP_JSON]
      -y, --assume-yes  do it without asking

    Flags of app restore:
          --dry-run       show what would change, and change nothing
                          [ONE_MCP_DRY_RUN]
      -b, --backup ID     what to go back to; default the newest from before a
                          server moved, or an entry was written
          --keep-in-1mcp  leave the servers in our configuration too
      -a, --all           end all grants, the token in the state folder included;
                          with inspect, show all tools at once; with app, all
                          applications [ONE_MCP_ALL]
          --json          print everything as JSON [ONE_MCP_JSON]
      -y, --assume-yes    do it without asking

    Flags of app backups:
          --verify-backups  say whether each is what was kept
          --cleanup DAYS    take away those that are older
          --json            print everything as JSON [ONE_MCP_JSON]

    Flags of app connect:
      -u, --url URL                the server to bridge to, or to ask; with mcp,
                                   the address of the one in the entry; with app,
                                   the address that the application is to call
                                   itself; default the running one of the state
                                   folder
      -p, --preset NAME            only the servers that this preset selects
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old)
      -f, --filter EXPRESSION      the same
          --dry-run                show what would change, and change nothing
                                   [ONE_MCP_DRY_RUN]
          --json                   print everything as JSON [ONE_MCP_JSON]
      -y, --assume-yes             do it without asking

    Flags of app disconnect:
          --dry-run     show what would change, and change nothing
                        [ONE_MCP_DRY_RUN]
          --json        print everything as JSON [ONE_MCP_JSON]
      -y, --assume-yes  do it without asking

    Flags of explain:
      -p, --preset NAME            only the servers that this preset selects
                                   [ONE_MCP_PRESET]
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
                                   [ONE_MCP_TAGS]
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old) [ONE_MCP_TAG_FILTER]
      -f, --filter EXPRESSION      the same [ONE_MCP_FILTER]
          --grant ID               as the client or token with this grant sees it,
                                   by id or name; default as somebody who may see
                                   everything [ONE_MCP_GRANT]
          --json                   print everything as JSON [ONE_MCP_JSON]

    Flags of mcp tokens:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of instructions:
      -u, --url URL                the server to bridge to, or to ask; with mcp,
                                   the address of the one in the entry; with app,
                                   the address that the application is to call
                                   itself; default the running one of the state
                                   folder [ONE_MCP_URL]
          --token-file FILE        the token that opens everything; but with serve,
                                   the token itself may be in ONE_MCP_TOKEN
                                   instead; default the one in the state folder
                                   [ONE_MCP_TOKEN_FILE]
      -t, --timeout MS             how long the server may take to answer for the
                                   first time; with wait, to have its servers
                                   ready; with mcp, to answer any request
                                   (requestTimeout); default 10000, with wait 30000
                                   [ONE_MCP_TIMEOUT]
      -p, --preset NAME            only the servers that this preset selects
                                   [ONE_MCP_PRESET]
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
                                   [ONE_MCP_TAGS]
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old) [ONE_MCP_TAG_FILTER]
      -f, --filter EXPRESSION      the same [ONE_MCP_FILTER]

    Flags of inspect:
      -u, --url URL                the server to bridge to, or to ask; with mcp,
                                   the address of the one in the entry; with app,
                                   the address that the application is to call
                                   itself; default the running one of the state
                                   folder [ONE_MCP_URL]
          --token-file FILE        the token that opens everything; but with serve,
                                   the token itself may be in ONE_MCP_TOKEN
                                   instead; default the one in the state folder
                                   [ONE_MCP_TOKEN_FILE]
      -t, --timeout MS             how long the server may take to answer for the
                                   first time; with wait, to have its servers
                                   ready; with mcp, to answer any request
                                   (requestTimeout); default 10000, with wait 30000
                                   [ONE_MCP_TIMEOUT]
      -p, --preset NAME            only the servers that this preset selects
                                   [ONE_MCP_PRESET]
          --tags LIST              only servers with any of these tags: web,search;
                                   with mcp add and update, the tags of the entry
                                   [ONE_MCP_TAGS]
          --tag-filter EXPRESSION  only servers that it selects: web && !(legacy ||
                                   server:old) [ONE_MCP_TAG_FILTER]
      -f, --filter EXPRESSION      the same [ONE_MCP_FILTER]
          --format FORMAT          toon, json or text; with run also compact;
                                   default text on a terminal, else toon
          --limit COUNT            so many tools at once; default 20
          --cursor CURSOR          go on where the last page ended
      -a, --all                    end all grants, the token in the state folder
                                   included; with inspect, show all tools at once;
                                   with app, all applications [ONE_MCP_ALL]

    Flags of run:
      -u, --url URL          the server to bridge to, or to ask; with mcp, the
                             address of the one in the entry; with app, the address
                             that the application is to call itself; default the
                             running one of the state folder [ONE_MCP_URL]
          --token-file FILE  the token that opens everything; but with serve, the
                             token itself may be in ONE_MCP_TOKEN instead; default
                             the one in the state folder [ONE_MCP_TOKEN_FILE]
      -t, --timeout MS       how long the server may take to answer for the first
                             time; with wait, to have its servers ready; with mcp,
                             to answer any request (requestTimeout); default 10000,
                             with wait 30000 [ONE_MCP_TIMEOUT]
          --format FORMAT    toon, json or text; with run also compact; default
                             text on a terminal, else toon
          --raw              the same as --format json: exactly what came
          --max-chars COUNT  so much of the result at most, unless as JSON; 0: all
                             of it; default 2000
          --args ARGUMENT    an argument of it; may be given several times; with
                             run, all arguments as one JSON object; default with
                             run, what is on standard input

    Flags of wait:
      -u, --url URL          the server to bridge to, or to ask; with mcp, the
                             address of the one in the entry; with app, the address
                             that the application is to call itself; default the
                             running one of the state folder [ONE_MCP_URL]
          --token-file FILE  the token that opens everything; but with serve, the
                             token itself may be in ONE_MCP_TOKEN instead; default
                             the one in the state folder [ONE_MCP_TOKEN_FILE]
      -t, --timeout MS       how long the server may take to answer for the first
                             time; with wait, to have its servers ready; with mcp,
                             to answer any request (requestTimeout); default 10000,
                             with wait 30000 [ONE_MCP_TIMEOUT]
          --format FORMAT    toon, json or text; with run also compact; default
                             text on a terminal, else toon

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
          --name NAME       what the token is for [ONE_MCP_NAME]
          --scope SCOPE     what is granted: tag:NAME, server:NAME, admin:read,
                            admin:write, or all; may be given several times;
                            default of a request what it asked for; of a token
                            everything [ONE_MCP_SCOPE]
          --server NAME     short for the scope server:NAME; may be given several
                            times [ONE_MCP_SERVER]
          --from-cidr CIDR  the token opens something for these addresses alone:
                            10.0.0.0/8, 2001:db8::/32; may be given several times;
                            default for all [ONE_MCP_FROM_CIDR]
          --ttl TIME        how long it is valid: 12h, 90d; a year at most; default
                            90d [ONE_MCP_TTL]
          --json            print everything as JSON [ONE_MCP_JSON]

    Flags of token list:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of token rotate:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of auth grants:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of auth revoke:
      -a, --all  end all grants, the token in the state folder included; with
                 inspect, show all tools at once; with app, all applications
                 [ONE_MCP_ALL]

    Flags of auth pins:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of auth password:
          --password-file FILE  take it from the first line of this file; default
                                it is asked for [ONE_MCP_PASSWORD_FILE]
          --remove              have no password [ONE_MCP_REMOVE]

    Flags of auth login:
          --paste   with login: end it by the address that the browser was sent to,
                    on standard input [ONE_MCP_PASTE]
          --device  log in by a code that is entered in a browser elsewhere, where
                    the server offers that [ONE_MCP_DEVICE]

    Flags of auth status:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of config backup:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of config backups:
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of config restore:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]
          --json     print everything as JSON [ONE_MCP_JSON]

    Flags of config edit:
          --dry-run  show what would change, and change nothing [ONE_MCP_DRY_RUN]

    Flags of doctor:
          --fix   mend what can be mended without asking
          --json  print everything as JSON [ONE_MCP_JSON]

    Flags of service print:
          --user  for one user's own service, not the machine's [ONE_MCP_USER]

    Flags of version:
          --verify FILE  the SHA256SUMS of the release; files that lie beside it
                         are verified too

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
  for (const { name } of flags) expect(helpText([], false)).toContain(`--${name}`);
  for (const { words } of shownCommands) expect(helpText([], false)).toContain(words.join(" "));
  expect(helpText([], false)).not.toContain("demo");
});

test("colour only adds to the text", () => {
  const coloured = helpText([], true);
  expect(coloured).toContain("\u001b[1mUsage:\u001b[0m");
  expect(Bun.stripANSI(coloured)).toBe(helpText([], false));
});
