#!/bin/sh
# Installs 1mcp @VERSION@ for one user, without root: sh install.sh
# Takes it away again:                            sh install.sh --uninstall
#
# Below PREFIX (--prefix, else ONE_MCP_PREFIX, else ~/.local) it puts bin/1mcp, the manual and the completions, and
# notes them in share/1mcp/installed. What is fetched is checked against the SHA-256 sums written here before it is
# unpacked, and nothing of it is run before that.
set -eu

version='@VERSION@'
url='@URL@'
# Platform and sum.
sums='@SUMS@'

main() {
  prefix=${ONE_MCP_PREFIX:-${HOME:?is not set}/.local}
  uninstalling=no
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix) [ $# -gt 1 ] || die 2 "--prefix needs a folder"; prefix=$2; shift ;;
      --from) [ $# -gt 1 ] || die 2 "--from needs an address"; url=$2; shift ;;
      --uninstall) uninstalling=yes ;;
      -h | --help) usage; return 0 ;;
      *) die 2 "there is no $1; see --help" ;;
    esac
    shift
  done
  case $prefix in /*) ;; *) die 2 "the prefix has to begin with /" ;; esac
  list=$prefix/share/1mcp/installed
  if [ "$uninstalling" = yes ]; then uninstall; else install_it; fi
}

usage() {
  echo "sh install.sh [--prefix DIR] [--from URL] [--uninstall]"
  echo "  --prefix DIR   where to: DIR/bin/1mcp; the default is ~/.local [ONE_MCP_PREFIX]"
  echo "  --from URL     where the archives are; the default is $url"
  echo "  --uninstall    takes away what was installed there; configuration and state stay"
}

die() {
  code=$1
  shift
  echo "install.sh: $*" >&2
  exit "$code"
}

platform() {
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    *) die 1 "there is no 1mcp for $(uname -s) here; on Windows take the zip archive" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) processor=x64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) die 1 "there is no 1mcp for the processor $(uname -m)" ;;
  esac
  # A program for Intel that runs translated says x86_64 of a computer that is none.
  if [ "$system-$processor" = darwin-x64 ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || echo 0)" = 1 ]; then processor=arm64; fi
  variant=
  if [ "$system" = linux ]; then
    if is_musl; then
      variant=-musl
    elif [ "$processor" = x64 ] && ! grep -q -w avx2 /proc/cpuinfo 2>/dev/null; then
      variant=-baseline
    fi
  fi
  echo "$system-$processor$variant"
}

is_musl() {
  for loader in /lib/ld-musl-*.so.1; do
    # A computer can have both; then its own tools say which one is its own.
    if [ -e "$loader" ]; then ldd /bin/sh 2>/dev/null | grep -q musl; return; fi
  done
  return 1
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --output "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1"
  else
    die 1 "neither curl nor wget is here to fetch with"
  fi
}

sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1" | cut -d ' ' -f 1
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  else
    die 1 "none of sha256sum, shasum and openssl is here to check with, so nothing is installed"
  fi
}

install_it() {
  chosen=$(platform)
  wanted=$(printf '%s\n' "$sums" | while read -r name sum; do if [ "$name" = "$chosen" ]; then echo "$sum"; fi; done)
  [ -n "$wanted" ] || die 1 "there is no 1mcp for $chosen"
  folder=1mcp-$version-$chosen
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  fetch "$url/$folder.tar.gz" "$work/archive.tar.gz" || die 1 "$url/$folder.tar.gz could not be fetched"
  found=$(sum_of "$work/archive.tar.gz")
  [ "$found" = "$wanted" ] || die 1 "the checksum of $folder.tar.gz is $found and not $wanted: it was damaged or changed on its way, and nothing is installed"
  tar -xzf "$work/archive.tar.gz" -C "$work"
  put_all "$work/$folder"
  echo "1mcp $version is now $prefix/bin/1mcp"
  case :${PATH:-}: in
    *:"$prefix/bin":*) ;;
    *) echo "$prefix/bin is not in your PATH; add it:  export PATH=\"$prefix/bin:\$PATH\"" ;;
  esac
  echo "To undo:  xargs rm -f < '$list'; rm -f '$list'"
}

put_all() {
  mkdir -p "$prefix/share/1mcp"
  : >"$list.new"
  put "$1/1mcp" bin/1mcp 755
  put "$1/1mcp.1" share/man/man1/1mcp.1 644
  if [ -d "$1/completions" ]; then
    (cd "$1/completions" && find . -type f) | while read -r path; do put "$1/completions/$path" "share/${path#./}" 644; done
  fi
  mv -f "$list.new" "$list"
}

# Beside its place first: a program that runs is replaced, not written over.
put() {
  mkdir -p "$(dirname "$prefix/$2")"
  cp "$1" "$prefix/$2.new"
  chmod "$3" "$prefix/$2.new"
  mv -f "$prefix/$2.new" "$prefix/$2"
  # xargs reads quoted lines, whatever is in the prefix but a quote and a line's end.
  printf '"%s"\n' "$prefix/$2" >>"$list.new"
}

uninstall() {
  [ -f "$list" ] || die 1 "nothing was installed below $prefix by this script"
  xargs rm -f <"$list"
  rm -f "$list"
  rmdir "$prefix/share/1mcp" 2>/dev/null || true
  echo "1mcp is no longer below $prefix; its configuration (~/.config/1mcp) and state (~/.local/state/1mcp) are still there"
}

# Last, so that a script that was cut off on its way does nothing.
main "$@"
