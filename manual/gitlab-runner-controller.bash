# bash completion for gitlab-runner-controller; made by hack/manual.py
_gitlab_runner_controller() {
	local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=
	if [ "$COMP_CWORD" = 1 ]; then
		COMPREPLY=($(compgen -W 'run render validate import version --help' -- "$now"))
		return
	fi
	case $before in
	--kubeconfig) COMPREPLY=($(compgen -f -- "$now")); return ;;
	--context) COMPREPLY=(); return ;;
	--listen) COMPREPLY=(); return ;;
	--debug-port) COMPREPLY=(); return ;;
	--page-address) COMPREPLY=(); return ;;
	--page-tls-cert) COMPREPLY=($(compgen -f -- "$now")); return ;;
	--page-tls-key) COMPREPLY=($(compgen -f -- "$now")); return ;;
	--manager-image) COMPREPLY=(); return ;;
	--namespace) COMPREPLY=(); return ;;
	--secrets) COMPREPLY=($(compgen -W 'all referenced' -- "$now")); return ;;
	--memory-for-objects) COMPREPLY=(); return ;;
	--leader-elect) COMPREPLY=($(compgen -W 'true false' -- "$now")); return ;;
	--leader-election-namespace) COMPREPLY=(); return ;;
	--leader-election-lease-duration) COMPREPLY=(); return ;;
	--leader-election-renew-deadline) COMPREPLY=(); return ;;
	--leader-election-retry-period) COMPREPLY=(); return ;;
	--log-level) COMPREPLY=($(compgen -W 'error warn info debug' -- "$now")); return ;;
	--gitlab-concurrency) COMPREPLY=(); return ;;
	--allowed-gitlab-hosts) COMPREPLY=(); return ;;
	--gitlab-proxy) COMPREPLY=(); return ;;
	--gitlab-proxy-auth-file) COMPREPLY=($(compgen -f -- "$now")); return ;;
	--gitlab-proxy-ca-file) COMPREPLY=($(compgen -f -- "$now")); return ;;
	--gitlab-no-proxy) COMPREPLY=(); return ;;
	--log-format) COMPREPLY=($(compgen -W 'json text' -- "$now")); return ;;
	-f|--filename) COMPREPLY=($(compgen -f -- "$now")); return ;;
	-o|--output) COMPREPLY=($(compgen -W 'yaml json toml job' -- "$now")); return ;;
	-n|--namespace) COMPREPLY=(); return ;;
	--name) COMPREPLY=(); return ;;
	--takeover) COMPREPLY=(); return ;;
	--timeout) COMPREPLY=(); return ;;
	--cluster) COMPREPLY=(); return ;;
	--user) COMPREPLY=(); return ;;
	--as) COMPREPLY=(); return ;;
	--as-group) COMPREPLY=(); return ;;
	--request-timeout) COMPREPLY=(); return ;;
	esac
	case ${COMP_WORDS[1]} in
	run) words='--kubeconfig --context --listen --debug-port --metrics-auth --page-auth --page-address --page-tls-cert --page-tls-key --metrics-per-runner --manager-image --namespace --secrets --memory-for-objects --leader-elect --leader-election-namespace --leader-election-lease-duration --leader-election-renew-deadline --leader-election-retry-period --log-level --gitlab-concurrency --allowed-gitlab-hosts --gitlab-proxy --gitlab-proxy-auth-file --gitlab-proxy-ca-file --gitlab-no-proxy --require-https --allow-loopback --log-format -h --help' ;;
	render) words='-f --filename -o --output --manager-image --help' ;;
	validate) words='-f --filename --help' ;;
	import) words='-f --filename -n --namespace --name --with-secrets --partial --adopt --takeover --timeout --context --kubeconfig --cluster --user --as --as-group --request-timeout -h --help' ;;
	version) words='' ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$now"))
}
complete -o filenames -F _gitlab_runner_controller gitlab-runner-controller
