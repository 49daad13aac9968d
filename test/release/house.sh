#!/bin/sh
# A Debian of its own, with systemd as its first process, made of this one: the root file system is the lower layer of an
# overlay whose upper layer is in memory, so that nothing written in there reaches this computer. It has its own /tmp,
# /run, /home, /root, network, processes and control groups, and no capability that reaches the kernel's own settings.
#
# usage (as root): house.sh FOLDER SCRIPT — the folder is /house inside; SCRIPT, in it, is run as a service, and what
# it prints is FOLDER/output.
set -eu

if [ "${IN_HOUSE:-}" = "" ]; then
  groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  group=${groups:?there are no control groups of version 2}/1mcp-house-$$
  mkdir "$group"
  status=0
  # The last line ends whoever is left and takes the groups away.
  IN_HOUSE=1 sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc --net --propagation private sh "$@"' sh "$group" "$0" "$@" || status=$?
  echo 1 >"$group/cgroup.kill" 2>/dev/null || true
  # A group can be removed once its last process has been waited for.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [ -d "$group" ] || break
    sleep 0.2
  done
  exit "$status"
fi

folder=$1
script=$2
layers=$folder/layers
mkdir -p "$layers"
mount -t tmpfs -o size=2g,mode=755 house "$layers"
mkdir "$layers/upper" "$layers/work" "$layers/root"
mount -t overlay house -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" "$layers/root"
cd "$layers/root"
mkdir -p house
mount --bind "$folder" house
for own in tmp run root home work mnt media srv opt var/tmp; do
  if [ -d "$own" ]; then mount -t tmpfs -o mode=755 own "$own"; fi
done
chmod 1777 tmp var/tmp
mount -t proc proc proc
mount --bind -o ro proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up 2>/dev/null || true

# Of what this computer starts, nothing is started in there.
for unit in etc/systemd/system/*.wants/* usr/lib/systemd/system/*.wants/*; do
  name=${unit##*/}
  case $name in *.target | 1mcp.service | '*') ;; *) ln -sfn /dev/null "etc/systemd/system/$name" ;; esac
done
cat >etc/systemd/system/journey.service <<UNIT
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh /house/$script
ExecStopPost=/bin/sh -c 'echo "ended \$EXIT_STATUS"; systemctl --no-block exit'
StandardOutput=append:/house/output
StandardError=append:/house/output
UNIT
printf '[Unit]\nDefaultDependencies=no\nWants=journey.service\n' >etc/systemd/system/journey.target
: >etc/machine-id
# Images for containers come with a policy that no service is ever started.
rm -f usr/sbin/policy-rc.d

mkdir -p mnt/old
pivot_root . mnt/old
umount -l /mnt/old
cd /
unset IN_HOUSE
export container=house
exec setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog,-mac_admin,-mac_override,-bpf,-perfmon,-wake_alarm /usr/lib/systemd/systemd --system --unit=journey.target --log-target=console --show-status=no </dev/null
