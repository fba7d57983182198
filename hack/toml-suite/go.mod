module gitlab-runners.dev/hack/toml-suite

go 1.24

require github.com/toml-lang/toml-test v1.6.0
