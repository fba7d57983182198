// promlint reads metrics in Prometheus' text format and prints what `promtool check metrics` would complain of.
package main

import (
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func main() {
	problems, err := promlint.New(os.Stdin).Lint()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the metrics cannot be read:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Println(p.Metric, p.Text)
	}
	if len(problems) > 0 {
		os.Exit(3)
	}
}
