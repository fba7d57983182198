// dashlint reads a dashboard for Grafana and prints what does not fit Grafana's own schema of it: members that it does not
// know, those that it misses, values of another type.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// complaints: an error that complains of nothing is none.
func complaints(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	plugins.RegisterDefaultPlugins()
	board := dashboard.Dashboard{}
	found := complaints(board.UnmarshalJSONStrict(text))
	if found == "" {
		found = complaints(board.Validate())
	}
	if found != "" {
		fmt.Println(found)
		os.Exit(3)
	}
}
