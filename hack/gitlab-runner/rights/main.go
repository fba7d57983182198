// Command rights writes what a manager may do in the namespace of its jobs, from what gitlab-runner's own source says
// of each of its calls to the API server: a comment above the call, from which GitLab's table of permissions is made, too.
//
//	// kubeAPI: policy/poddisruptionbudgets, create, pod_disruption_budget=true
//
// rights SOURCE TO writes into the folder TO:
//
//	manifests/base/executor.yaml        a ClusterRole of what is always needed, and one for each feature
//	controller/runner/features.{h,c}    the features, and the settings that ask for them
//	tests/data/rights.json              the rows themselves, for the tests
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gitlab.com/gitlab-org/gitlab-runner/common"
	"gitlab.com/gitlab-org/gitlab-runner/helpers/featureflags"
)

// A right of one call. Setting is the path of what asks for it in config.toml, "" when every job needs it.
type right struct {
	Group    string `json:"group"`
	Resource string `json:"resource"`
	Verb     string `json:"verb"`
	Setting  string `json:"setting"`
	Role     string `json:"role"` // "base", "none", or the feature's name
}

// In what a role of one namespace can give rights; false: nothing but a role of the whole cluster can.
var namespaced = map[string]bool{
	"pods": true, "pods/attach": true, "pods/exec": true, "pods/log": true, "events": true, "secrets": true,
	"services": true, "serviceaccounts": true, "configmaps": true, "persistentvolumeclaims": true,
	"apps/deployments": true, "policy/poddisruptionbudgets": true, "scheduling.k8s.io/priorityclasses": false,
	// Of the namespace itself, which a role in it can let read.
	"namespaces get": true, "namespaces create": false, "namespaces delete": false,
}

// What a job may switch on by a variable of its own: nobody's spec tells of that, and who may enter all pods learns
// nothing new by it.
var watching = regexp.MustCompile(`^(pods|pods/log|events) (get|list|watch)$`)

var (
	annotation = regexp.MustCompile(`^\s*//\s*kubeAPI:\s*(.+?)\s*$`)
	word       = regexp.MustCompile(`^[a-z][a-z./0-9]*$`)
)

func lines(source string) (all []string) {
	err := filepath.WalkDir(filepath.Join(source, "executors/kubernetes"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if found := annotation.FindStringSubmatch(line); found != nil && found[1] != "ignore" {
				all = append(all, found[1])
			}
		}
		return err
	})
	if err != nil || len(all) < 30 {
		log.Fatalf("%d annotations below %s: %v", len(all), source, err)
	}
	return all
}

// key finds the key of config.toml by which a comment calls a setting: itself, or the field in Go.
func key(name string) (string, reflect.StructField) {
	t := reflect.TypeFor[common.KubernetesConfig]()
	name = strings.TrimPrefix(name, "kubernetes.")
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("toml"), ",")
		if tag != "" && tag != "-" && (t.Field(i).Name == name || tag == name) {
			return tag, t.Field(i)
		}
	}
	log.Fatalf("no key of config.toml is %s", name)
	return "", reflect.StructField{}
}

// isOn is what a setting of the executor is when nobody says anything.
func isOn(field reflect.StructField) bool {
	get := reflect.ValueOf(&common.KubernetesConfig{}).MethodByName("Get" + field.Name)
	return get.IsValid() && get.Type().NumOut() == 1 && get.Type().Out(0).Kind() == reflect.Bool && get.Call(nil)[0].Bool()
}

// condition reads "FF_X=true", "some_key=true", "kubernetes.some_key": the setting's path, and whether it is so anyway.
func condition(text string) (setting string, anyway bool) {
	name, value, _ := strings.Cut(text, "=")
	if strings.HasPrefix(value, "http") { // a page about what is done in any case
		return "", true
	}
	if strings.HasPrefix(name, "FF_") {
		all := featureflags.GetAll()
		i := slices.IndexFunc(all, func(flag featureflags.FeatureFlag) bool { return flag.Name == name })
		if i < 0 {
			log.Fatalf("there is no feature flag %s", name)
		}
		return "runners.feature_flags." + name, (value == "true") == all[i].DefaultValue
	}
	if value == "false" {
		log.Fatalf("%s: no rule for what a setting that is false needs", text)
	}
	name, field := key(name)
	return "runners.kubernetes." + name, isOn(field)
}

// parse reads one comment: what, verbs, and the conditions that must all hold.
func parse(line string) []right {
	parts := strings.Split(line, ",")
	resource, verbs, settings := strings.TrimSpace(parts[0]), []string{}, []string{}
	for _, part := range parts[1:] {
		part = strings.TrimSpace(part)
		if !strings.ContainsAny(part, "=.") && !strings.HasPrefix(part, "FF_") {
			verbs = append(verbs, part)
		} else if setting, anyway := condition(part); !anyway {
			settings = append(settings, setting)
		}
	}
	if !word.MatchString(resource) || len(verbs) == 0 || len(settings) > 1 {
		log.Fatalf("no rule for %q", line)
	}
	group, what, _ := strings.Cut(resource, "/")
	if group == "pods" || what == "" {
		group, what = "", resource
	}
	rights := []right{}
	for _, verb := range verbs {
		rights = append(rights, right{Group: group, Resource: what, Verb: verb, Setting: strings.Join(settings, "")})
	}
	return rights
}

func (r right) can() bool {
	name := strings.TrimPrefix(r.Group+"/"+r.Resource, "/")
	for _, known := range []string{name + " " + r.Verb, name} {
		if can, ok := namespaced[known]; ok {
			return can
		}
	}
	log.Fatalf("is %s of a namespace, or of the cluster? Say so in this program", name)
	return false
}

func (r right) role() string {
	flag := strings.HasPrefix(r.Setting, "runners.feature_flags.")
	switch {
	case !r.can():
		return "none"
	case r.Setting == "", flag && r.Group == "" && watching.MatchString(r.Resource+" "+r.Verb):
		return "base"
	}
	name := r.Setting[strings.LastIndex(r.Setting, ".")+1:]
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "FF_")), "_", "-")
}

// rows are all rights, each once: one that every job needs is not that of a feature as well.
func rows(source string) []right {
	all := []right{}
	for _, line := range lines(source) {
		for _, r := range parse(line) {
			r.Role = r.role()
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b right) int {
		return strings.Compare(fmt.Sprint(a.Group, " ", a.Resource, " ", a.Verb, a.Setting), fmt.Sprint(b.Group, " ", b.Resource, " ", b.Verb, b.Setting))
	})
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(r right) bool {
		return r.Setting != "" && r.Role != "none" && slices.ContainsFunc(all, func(other right) bool {
			return other.Role == "base" && other.Setting == "" && other.Group == r.Group && other.Resource == r.Resource && other.Verb == r.Verb
		})
	})
}

// page is what GitLab's page about the executor grants: the role of which it says that it has all rights.
func page(source string) (all []string) {
	text, err := os.ReadFile(filepath.Join(source, "docs/executors/kubernetes/_index.md"))
	_, role, found := strings.Cut(string(text), "<!-- k8s_api_permissions_role_yaml_start -->")
	role, _, ends := strings.Cut(role, "<!-- k8s_api_permissions_role_yaml_end -->")
	if err != nil || !found || !ends {
		log.Fatalf("no role in GitLab's page about the executor: %v", err)
	}
	quoted, group, resource := regexp.MustCompile(`"(.*?)"`), "", ""
	for line := range strings.Lines(role) {
		value := quoted.FindStringSubmatch(line)
		switch {
		case value == nil:
		case strings.Contains(line, "apiGroups"):
			group = value[1]
		case strings.Contains(line, "resources"):
			resource = value[1]
		default:
			all = append(all, group+" "+resource+" "+value[1])
		}
	}
	return all
}

// compare makes sure that nothing is missed: GitLab makes the page's role of the same comments.
func compare(all []right, page []string) {
	mine := []string{}
	for _, r := range all {
		mine = append(mine, r.Group+" "+r.Resource+" "+r.Verb)
	}
	slices.Sort(mine)
	slices.Sort(page)
	if mine = slices.Compact(mine); !slices.Equal(mine, page) {
		log.Fatalf("the comments ask for\n%q\nGitLab's page grants\n%q", mine, page)
	}
}

// names are the features, and the settings that ask for them, in their order.
func names(all []right) (features []string, settings map[string]string) {
	settings = map[string]string{}
	for _, r := range all {
		if r.Role != "base" && r.Role != "none" {
			settings[r.Role] = r.Setting
			features = append(features, r.Role)
		}
	}
	slices.Sort(features)
	return slices.Compact(features), settings
}

// ---------------------------------------------------------------------------------------------------------------------
// Manifests

func rules(all []right, role string) (text string) {
	verbs, order := map[string][]string{}, []string{}
	for _, r := range all {
		if r.Role != role {
			continue
		}
		of := fmt.Sprintf("- apiGroups: [%s]\n  resources: [%s]\n", map[bool]string{true: `""`, false: r.Group}[r.Group == ""], r.Resource)
		if verbs[of] == nil {
			order = append(order, of)
		}
		if !slices.Contains(verbs[of], r.Verb) {
			verbs[of] = append(verbs[of], r.Verb)
		}
	}
	for _, of := range order {
		text += fmt.Sprintf("%s  verbs: [%s]\n", of, strings.Join(verbs[of], ", "))
	}
	return text
}

func clusterRole(name, about, rules string) string {
	return about + "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: gitlab-runner-executor" + name + "\nrules:\n" + rules
}

func manifest(all []right) string {
	features, settings := names(all)
	roles := []string{clusterRole("",
		"# What a runner's manager may do in the namespace of its jobs. The operator binds it there with a RoleBinding, so it\n"+
			"# holds in no other namespace. Generated from gitlab-runner's source by hack/gitlab-runner/rights: hack/generate writes\n"+
			"# it anew. This is what every job needs, or may ask for by a variable of its own.\n", rules(all, "base"))}
	for _, feature := range features {
		roles = append(roles, clusterRole("-"+feature, fmt.Sprintf("# Bound beside it where spec.config has %s.\n", settings[feature]), rules(all, feature)))
	}
	return strings.Join(roles, "---\n")
}

// ---------------------------------------------------------------------------------------------------------------------
// C

const generated = "Generated from its source by hack/gitlab-runner/rights;\n" +
	" * hack/generate writes it anew. */\n"

func constant(feature string) string {
	return "FEATURE_" + strings.ToUpper(strings.ReplaceAll(feature, "-", "_"))
}

func header(features []string) string {
	text := "/* The features of gitlab-runner that need rights of their own. " + generated +
		"#ifndef RUNNER_FEATURES_H\n#define RUNNER_FEATURES_H\n\nenum feature {\n"
	for _, feature := range features {
		text += "    " + constant(feature) + ",\n"
	}
	return text + "    FEATURE_COUNT,\n};\n\nstruct feature_facts {\n" +
		"    const char *name;    /* the role is EXECUTOR_CLUSTER_ROLE \"-\" and this  */\n" +
		"    const char *setting; /* in config.toml, that asks for it                */\n};\n\n" +
		"extern const struct feature_facts feature_facts[FEATURE_COUNT];\n" +
		"/* Settings that need rights which no role in a namespace can give; ends with NULL. */\n" +
		"extern const char *const settings_beyond[];\n\n#endif\n"
}

func table(all []right) string {
	features, settings := names(all)
	text := "/* The features of gitlab-runner that need rights of their own. " + generated +
		"#include \"runner/features.h\"\n\n#include <stddef.h>\n\n/* clang-format off */\nconst struct feature_facts feature_facts[FEATURE_COUNT] = {\n"
	for _, feature := range features {
		text += fmt.Sprintf("    [%s] = {%q, %q},\n", constant(feature), feature, settings[feature])
	}
	text += "};\n\nconst char *const settings_beyond[] = {\n"
	beyond := []string{}
	for _, r := range all {
		if r.Role == "none" {
			beyond = append(beyond, r.Setting)
		}
	}
	slices.Sort(beyond)
	for _, setting := range slices.Compact(beyond) {
		text += fmt.Sprintf("    %q,\n", setting)
	}
	return text + "    NULL,\n};\n/* clang-format on */\n"
}

func write(folder, name, text string) {
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	all := rows(os.Args[1])
	features, _ := names(all)
	compare(all, page(os.Args[1]))
	text := ""
	for _, r := range all {
		line, _ := json.Marshal(r)
		text += ",\n  " + string(line)
	}
	write(os.Args[2], "tests/data/rights.json", "["+strings.TrimPrefix(text, ",")+"\n]\n")
	write(os.Args[2], "manifests/base/executor.yaml", manifest(all))
	write(os.Args[2], "controller/runner/features.h", header(features))
	write(os.Args[2], "controller/runner/features.c", table(all))
}
