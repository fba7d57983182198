# shellcheck shell=bash
# Functions that build programs from Go modules; scripts source this after env.sh.
. "$here/steps.sh"
mkdir -p "$PROGRAMS" "$BIN" "$CACHE/locks"
exec 9> "$CACHE/locks/build"
flock -n 9 || {                # one build at a time: two would do the same work twice
	echo "  waiting for another build to end" >&2 # some write what they build to stdout
	flock 9
}

# go_for makes `go` one that is new enough for a module. A Go of any age can fetch a newer one as the
# module golang.org/toolchain, checksums and all; from Go 1.21 on it would do so by itself, but Debian's
# is older. Files of modules are not executable, hence chmod.
go_for() { # FOLDER-OF-GO.MOD
	local wanted have toolchain
	packages go=golang-go /etc/ssl/certs/ca-certificates.crt=ca-certificates
	wanted=$(awk '/^go / { print $2 }' "$1/go.mod")
	have=$(go version | sed -E 's/^go version go([0-9.]+).*/\1/')
	[ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ] || return 0
	toolchain=golang.org/toolchain@v0.0.1-go$wanted.$(go env GOOS)-$(go env GOARCH)
	step "Go $wanted, as this machine's is $have" go mod download "$toolchain"
	toolchain=$(go env GOMODCACHE)/$toolchain
	chmod +x "$toolchain"/bin/* "$toolchain"/pkg/tool/*/*
	unset GOROOT
	export PATH=$toolchain/bin:$PATH
}

# on_path links a program that this machine has already, if its minor version is the wanted one.
on_path() { # PROGRAM VERSION OPTION...
	local at
	at=$(PATH=$SYSTEM_PATH command -v "${1##*/}") || return
	"$at" "${@:3}" 2> /dev/null | grep -Eq "[ v]${2%.*}\.[0-9]+" || return
	ln -sfn "$at" "$1"
	echo "  ${1##*/}: $at is a ${2%.*}, taken as it is"
}

# program builds one program in the module of the current folder, unless nothing has changed since.
program() { # PROGRAM PACKAGE FLAG...: the flags go to `go build`
	local out=$1 package=$2 stamp
	shift 2
	stamp=$({ cat go.mod go.sum; echo "$package" "$@"; } | sha256sum)
	if [ -x "$out" ] && [ "$(cat "$out.stamp" 2> /dev/null)" = "$stamp" ]; then return; fi
	if [ ${#from_path[@]} = 0 ] || ! on_path "$out" "${from_path[@]}"; then
		go_for .
		step "${out##*/}" env CGO_ENABLED=0 GOFLAGS=-mod=readonly go build "$@" -o "$out.new" "$package"
		mv "$out.new" "$out"
	fi
	echo "$stamp" > "$out.stamp"
}
from_path=()                   # VERSION OPTION...: what to ask a program on PATH; empty: don't look there
