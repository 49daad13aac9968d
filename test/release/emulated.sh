#!/bin/sh
# Runs a command where this computer's kernel starts programs for arm64 by an emulator, in a namespace of its own: nothing
# is registered outside of it, and nobody needs to be root.
#
# usage: emulated.sh QEMU ROOT COMMAND... — QEMU is a static qemu-aarch64, ROOT the folder with that platform's C library
set -eu
qemu=$1 root=$2
shift 2
lib=$(readlink -f /lib)
exec unshare --user --map-root-user --mount --fork sh -c '
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  printf %s ":arm64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$0:F" >/proc/sys/fs/binfmt_misc/register
  # No variable says where its libraries are: the program hands none on that is not meant for whom it starts.
  mount -t overlay -o "lowerdir=$1/lib:$2" libraries "$2"
  shift 2
  exec "$@"
' "$qemu" "$root" "$lib" "$@"
