// Command toml-verdict tells what gitlab-runner makes of texts in TOML: tests compare it with what they wrote. stdin is a JSON
// list of texts, stdout a JSON list of {tree, error}: what its TOML library reads, and why it would refuse the text as
// config.toml.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/BurntSushi/toml"

	"gitlab.com/gitlab-org/gitlab-runner/common"
)

type verdict struct {
	Tree  map[string]any `json:"tree"`
	Error string         `json:"error"`
}

func judge(text string) (v verdict) {
	var config common.Config
	if _, err := toml.Decode(text, &v.Tree); err != nil {
		v.Error = err.Error()
	} else if _, err := toml.Decode(text, &config); err != nil {
		v.Error = err.Error()
	} else if err := config.Validate(); err != nil {
		v.Error = err.Error()
	}
	return v
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	verdicts := []verdict{}
	for _, text := range texts {
		verdicts = append(verdicts, judge(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}
