module gitlab-runners.dev/hack/dashlint

go 1.26.5

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
