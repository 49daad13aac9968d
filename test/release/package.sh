#!/bin/sh
# The life of the Debian package, from installation to purge, inside house.sh. Each line that it prints is a fact for the
# test that reads it: a name, and what was seen.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
fact() { printf '%s: %s\n' "$1" "$2"; }
health() { curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:3050/health; }
# With the token alone it says of one server whether it serves.
serves() { curl --silent --output /dev/null --write-out '%{http_code}' -H "Authorization: Bearer $token" http://127.0.0.1:3050/health/mcp/demo; }
tools() {
  curl --silent http://127.0.0.1:3050/mcp -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
    -H "MCP-Protocol-Version: $2" -H 'Mcp-Method: tools/list' \
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"'"$2"'","io.modelcontextprotocol/clientCapabilities":{}}}}'
}
left() { find / -xdev -path /proc -prune -o -path /house -prune -o -path /var/log -prune -o \( -name '*1mcp*' -o -name '*onemcp*' \) -print 2>/dev/null | grep -v -e '/\.git' -e '^/var/cache' -e '^/usr/local' | sort | tr '\n' ' '; }

fact before "$(left)"
dpkg -i /house/1mcp.deb >/house/dpkg.log 2>&1
fact install $?
fact status "$(dpkg-query -W -f '${Status} ${Version}' 1mcp)"
systemd-analyze verify /usr/lib/systemd/system/1mcp.service >/house/verify.log 2>&1
fact verify "$? $(cat /house/verify.log)"
fact exposure "$(systemd-analyze security --offline=yes --no-pager 1mcp.service 2>&1 | tail -n 1)"
fact user "$(getent passwd onemcp | cut -d : -f 1,6,7)"
fact group "$(id -Gn onemcp)"
fact state "$(stat -c '%U:%G %a' /var/lib/1mcp)"
fact config "$(stat -c '%U:%G %a' /etc/1mcp/mcp.json)"
fact conffiles "$(dpkg-query -W -f '${Conffiles}' 1mcp | awk '{ print $1 }' | tr '\n' ' ')"
fact manual "$(zcat /usr/share/man/man1/1mcp.1.gz | head -n 1 | cut -c 1-9)"
fact integrity "$(dpkg --verify 1mcp)"

fact enabled "$(systemctl is-enabled 1mcp.service)"
fact active "$(systemctl is-active 1mcp.service)"
fact runs-as "$(ps -o user= -p "$(systemctl show -P MainPID 1mcp.service)")"
fact health "$(health)"
fact stranger "$(curl --silent --output /dev/null --write-out '%{http_code}' -X POST http://127.0.0.1:3050/mcp -d '{}')"
fact token "$(stat -c '%U %a' /var/lib/1mcp/token)"
fact audited "$(stat -c '%U %a' /var/lib/1mcp/audit.log)"

# A server, of this very program, in the sandbox of the service.
cp -p /etc/1mcp/mcp.json /house/mcp.json.before
printf '{"mcpServers":{"demo":{"command":"/usr/bin/1mcp","args":["demo"]}}}' >/etc/1mcp/mcp.json
systemctl reload 1mcp.service
fact reload $?
token=$(cat /var/lib/1mcp/token)
for _ in $(seq 100); do
  if [ "$(serves)" = 200 ]; then break; fi
  sleep 0.1
done
fact serves "$(serves)"
fact tools "$(tools "$token" 2026-07-28 | grep -o '"name":"[a-z_]*"' | head -n 3 | tr '\n' ' ')"
fact server-runs-as "$(ps -o user= -C 1mcp | sort | uniq -c | tr -s ' ' | tr '\n' ' ')"

systemctl stop 1mcp.service
fact stop "$? $(systemctl is-active 1mcp.service) $(systemctl show -P Result 1mcp.service)"
fact left-processes "$(pgrep -c -u onemcp)"
systemctl start 1mcp.service
fact start "$? $(systemctl is-active 1mcp.service)"
fact same-token "$([ "$token" = "$(cat /var/lib/1mcp/token)" ] && echo yes)"
kill -KILL "$(systemctl show -P MainPID 1mcp.service)"
for _ in $(seq 100); do
  if [ "$(systemctl show -P NRestarts 1mcp.service)" = 1 ] && [ "$(systemctl is-active 1mcp.service)" = active ]; then break; fi
  sleep 0.1
done
fact killed "$(systemctl is-active 1mcp.service) $(health)"

# Once more over itself, as an upgrade is: what the administrator wrote stays, and the service is the new one.
chmod 0600 /etc/1mcp/mcp.json
chown onemcp:onemcp /etc/1mcp/mcp.json
before=$(systemctl show -P MainPID 1mcp.service)
dpkg -i /house/1mcp.deb >>/house/dpkg.log 2>&1
fact upgrade "$? $([ "$before" != "$(systemctl show -P MainPID 1mcp.service)" ] && echo restarted) $(systemctl is-active 1mcp.service)"
fact kept-config "$(stat -c '%U:%G %a' /etc/1mcp/mcp.json) $(grep -c demo /etc/1mcp/mcp.json)"

# A wrong configuration stops the service and not the package.
printf '{' >/etc/1mcp/mcp.json
dpkg -i /house/1mcp.deb >>/house/dpkg.log 2>&1
fact upgrade-of-a-broken-one "$? $(dpkg-query -W -f '${Status}' 1mcp)"
fact broken "$(systemctl is-active 1mcp.service) $(systemctl show -P ExecMainStatus 1mcp.service)"

dpkg -r 1mcp >>/house/dpkg.log 2>&1
fact remove "$? $(systemctl is-active 1mcp.service)"
fact removed "$(ls -d /usr/bin/1mcp /usr/lib/systemd/system/1mcp.service 2>/dev/null) $(ls -d /etc/1mcp/mcp.json /var/lib/1mcp/token | tr '\n' ' ')"
dpkg -P 1mcp >>/house/dpkg.log 2>&1
fact purge $?
fact user-after "$(getent passwd onemcp)$(getent group onemcp)"
fact after "$(left)"
