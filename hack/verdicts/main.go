// verdicts tells what the tools that deploy from Git would say of objects: kubectl and all users of kstatus, Argo CD and Flux.
//
//	verdicts HEALTH.LUA KUSTOMIZATION.YAML < OBJECTS
//
// OBJECTS is a row of JSON documents; for each of them a line of JSON is printed.
//
// kstatus and Flux's evaluation of expressions are their own code. Argo CD's is not a package that could be imported, so
// argo.go follows it with the same Lua.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type verdicts struct {
	Kstatus string `json:"kstatus"`
	Message string `json:"message"` // of kstatus
	Flux    string `json:"flux"`
	Argo    health `json:"argo"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "verdicts:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return errors.New("give health.lua and a Kustomization with healthCheckExprs")
	}
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	flux, err := readExpressions(os.Args[2])
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for in := json.NewDecoder(os.Stdin); ; {
		var raw json.RawMessage
		if err := in.Decode(&raw); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		found, err := judge(raw, string(script), flux)
		if err != nil {
			return err
		}
		if err := out.Encode(found); err != nil {
			return err
		}
	}
}

// readExpressions takes those of spec.healthCheckExprs that are about GitLabRunners.
func readExpressions(path string) (*cel.StatusEvaluator, error) {
	var kustomization struct {
		Spec struct {
			HealthCheckExprs []kustomize.CustomHealthCheck `json:"healthCheckExprs"`
		} `json:"spec"`
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, &kustomization); err != nil && len(kustomization.Spec.HealthCheckExprs) == 0 {
		return nil, err
	}
	for _, check := range kustomization.Spec.HealthCheckExprs {
		if check.APIVersion == "gitlab-runners.dev/v1beta1" && check.Kind == "GitLabRunner" {
			return cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		}
	}
	return nil, fmt.Errorf("%s has no healthCheckExprs for GitLabRunner", path)
}

func judge(raw []byte, script string, flux *cel.StatusEvaluator) (*verdicts, error) {
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	byKstatus, err := status.Compute(&object)
	if err != nil {
		return nil, fmt.Errorf("kstatus: %w", err)
	}
	byFlux, err := flux.Evaluate(context.Background(), &object)
	if err != nil {
		return nil, fmt.Errorf("Flux: %w", err)
	}
	byArgo, err := argo(&object, script)
	if err != nil {
		return nil, fmt.Errorf("Argo CD: %w", err)
	}
	return &verdicts{string(byKstatus.Status), byKstatus.Message, string(byFlux.Status), *byArgo}, nil
}
