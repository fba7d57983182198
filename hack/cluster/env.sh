# shellcheck shell=bash disable=SC2034
# Settings and functions that the scripts of this folder share; they source it.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

CLUSTER=${CLUSTER:-demo}                                # several clusters live side by side, by name
typed=                                                  # what a person has to type before a command for it
[ "$CLUSTER" = demo ] || typed="CLUSTER=$CLUSTER "
STATES=/tmp/gitlab-runner-controller
STATE=$STATES/$CLUSTER                                  # all a running cluster writes; `down` removes it
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gitlab-runner-controller}
BIN=$CACHE/bin                                          # what `build` made
IMAGES=$CACHE/images                                    # what `images` made; `up` loads every *.tar
if [ "$(id -u)" = 0 ]; then NODE=${NODE:-real}; else NODE=${NODE:-kwok}; fi  # real, kwok or none
export CLUSTER NODE                                     # inside, every user is root
CGROUP=gitlab-runner-controller-$CLUSTER

# Another version of Kubernetes than the one go.mod names has a folder of programs of its own.
pinned_version() { awk '/^require k8s.io\/kubernetes / { print $3 }' "$here/tools/go.mod"; }
PROGRAMS=$BIN
if [ "${KUBERNETES_VERSION:=$(pinned_version)}" != "$(pinned_version)" ]; then
	PROGRAMS=$CACHE/kubernetes-$KUBERNETES_VERSION/bin
fi

# Inside its network namespace every cluster may use the same addresses: nothing outside sees them.
BRIDGE=cni0
HOST_IP=10.244.0.1            # the bridge: gateway of the pods, address of the node and of the API server
POD_CIDR=10.244.0.0/24
SERVICE_CIDR=10.96.0.0/16     # its first address, 10.96.0.1, is Service default/kubernetes
GITLAB_IP=192.168.99.100      # one more address of the node, where a GitLab can listen
NODE_NAME=node-1

SYSTEM_PATH=${SYSTEM_PATH:-$PATH:/usr/sbin:/sbin}       # an ordinary user's PATH lacks iptables and ip
export SYSTEM_PATH PATH=$PROGRAMS:$BIN:$SYSTEM_PATH

existing() { [ "${USE_EXISTING_CLUSTER:-}" = 1 ]; }
existing || export KUBECONFIG=$STATE/kubeconfig/admin KUBECACHEDIR=$STATE/kubecache

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

[[ $CLUSTER =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] || die "CLUSTER=$CLUSTER: letters, digits and dashes only"
if existing && [ -z "${KUBECONFIG:-}" ]; then die "USE_EXISTING_CLUSTER=1 needs KUBECONFIG"; fi

# running tells whether PID 1 of the cluster lives, and leaves its PID in $pid. The number of its PID
# namespace, which no later process can have, is compared too: a PID alone may have been given anew.
running() {
	[ -O "$STATE/init" ] && read -r pid namespace < "$STATE/init" &&
		[ "$(readlink "/proc/$pid/ns/pid")" = "$namespace" ]
}

# cgroup_mounts prints "TYPE OPTIONS MOUNT-POINT" of every cgroup hierarchy: one line on a machine
# with cgroup v2, one a controller with cgroup v1.
cgroup_mounts() {
	awk '{ for (i = 7; $i != "-"; i++); if ($(i+1) ~ /^cgroup2?$/) print $(i+1), $(i+3), $5 }' \
		/proc/self/mountinfo
}
