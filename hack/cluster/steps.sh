# shellcheck shell=bash
# Functions that show progress; scripts source this after env.sh.
mkdir -p "$CACHE/log"

# step runs a command and tells in one line what it was and how long it took; its output goes to a file.
step() { # WHAT COMMAND...
	local what=$1 start=$SECONDS log job
	shift
	log=$CACHE/log/${what//[^a-zA-Z0-9.-]/-}.log
	"$@" > "$log" 2>&1 &
	job=$!
	while [ -t 1 ] && kill -0 $job 2> /dev/null; do
		printf '\r  %-50s %4d s' "$what" $((SECONDS - start))
		sleep 0.2
	done
	if wait $job; then
		[ ! -t 1 ] || printf '\r'
		printf '  %-50s %4d s\n' "$what" $((SECONDS - start))
	else
		[ ! -t 1 ] || echo
		tail -n 40 "$log" >&2
		die "$what failed; all of its output is in $log"
	fi
}

# packages installs the Debian package of each program or file that is not there.
packages() { # PROGRAM-OR-FILE=PACKAGE...
	local missing=() pair
	for pair; do
		[ -e "${pair%%=*}" ] || command -v "${pair%%=*}" > /dev/null || missing+=("${pair#*=}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "packages are missing; as root: apt-get install -y --no-install-recommends ${missing[*]}"
	step "apt-get update" apt-get update -q
	step "apt-get install ${missing[*]}" \
		env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${missing[@]}"
}
