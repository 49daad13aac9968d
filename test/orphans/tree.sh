#!/bin/sh
# A server as they are started in the wild, by how it is laid out ($1): `plain`; `shell`, below a shell that waits for it,
# as npx and uvx have it; `escaped`, with a grandchild in a session of its own; `deaf`, which takes no notice of the end
# of its stdin nor of TERM; `forked`, with a deaf grandchild that has forked twice and is nobody's any more. `idle` is
# such a grandchild.

say() { printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$1"; }

serve() {
  while IFS= read -r line; do
    id=${line#*\"id\":}
    id=${id%%[,\}]*}
    case $line in
      *'"server/discover"'*) say '"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}' ;;
      *'"tools/list"'*) say '"result":{"resultType":"complete","tools":[{"name":"one","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private"}' ;;
      *'"id":'*) say '"error":{"code":-32601,"message":"Method not found"}' ;;
    esac
  done
}

stay() { while :; do sleep 2; done; }

case $1 in
  plain) serve ;;
  shell) sh "$0" plain; exit $? ;;
  escaped) setsid sh "$0" idle </dev/null >/dev/null 2>&1 & serve ;;
  deaf) trap '' TERM; serve; stay ;;
  forked) (setsid sh "$0" fork </dev/null >/dev/null 2>&1 &); serve ;;
  fork) trap '' TERM HUP; (setsid sh "$0" idle &); exit ;;
  idle) stay ;;
esac
