// Command toml-json turns the TOML of stdin into JSON, read by the library that gitlab-runner reads config.toml with: tests
// compare what they wrote with what it sees.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/BurntSushi/toml"
)

func main() {
	var tree map[string]any
	if _, err := toml.NewDecoder(os.Stdin).Decode(&tree); err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(tree); err != nil {
		log.Fatal(err)
	}
}
