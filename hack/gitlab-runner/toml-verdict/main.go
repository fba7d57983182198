// Command toml-verdict tells what gitlab-runner makes of texts in TOML: tests compare it with what they wrote. stdin is a JSON
// list of texts, stdout a JSON list of {tree, error, lint}: what its TOML library reads, why it would refuse to load the text as
// config.toml, and, when the argument is `lint`, what `gitlab-runner lint` says against it.
package main

import (
	"encoding/json"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/BurntSushi/toml"
	"github.com/sirupsen/logrus"

	"gitlab.com/gitlab-org/gitlab-runner/commands"
	"gitlab.com/gitlab-org/gitlab-runner/common"
)

type verdict struct {
	Tree  map[string]any `json:"tree"`
	Error string         `json:"error"`
	Lint  string         `json:"lint"`
}

func judge(file, text string, lint bool) (v verdict) {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	if _, err := toml.Decode(text, &v.Tree); err != nil {
		v.Error = err.Error()
	} else if err := common.NewConfig().LoadConfig(file); err != nil {
		v.Error = err.Error()
	}
	if !lint {
		return v
	}
	if err := commands.LintConfigFile(file); err != nil {
		v.Lint = err.Error()
	}
	return v
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("/dev/shm", "verdict")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	logrus.SetOutput(io.Discard)
	verdicts := []verdict{}
	for _, text := range texts {
		verdicts = append(verdicts, judge(filepath.Join(folder, "config.toml"), text, slices.Contains(os.Args, "lint")))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}
