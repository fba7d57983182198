// Command config-keys prints controller/runner/config_keys.c: every key that the real gitlab-runner knows in
// config.toml, with its type, as the TOML reader sees them in the runner's own structs. With the argument `go` it prints
// controller/runner/go_tables.c.
package main

import (
	"encoding"
	"fmt"
	"log"
	"os"
	"path"
	"reflect"
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"

	"gitlab.com/gitlab-org/gitlab-runner/common"
	"gitlab.com/gitlab-org/gitlab-runner/helpers/featureflags"
)

// What is of another executor than kubernetes; extra_config.c refuses it by name.
var otherExecutors = map[string]bool{
	"Config.machine": true, "RunnerConfig.machine": true, "RunnerConfig.docker": true, "RunnerConfig.ssh": true,
	"RunnerConfig.custom": true, "RunnerConfig.instance": true, "RunnerConfig.autoscaler": true,
	"RunnerConfig.parallels": true, "RunnerConfig.virtualbox": true,
}

var (
	unmarshaler     = reflect.TypeFor[toml.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	duration        = reflect.TypeFor[time.Duration]()
	moment          = reflect.TypeFor[time.Time]()
	textOrTexts     = reflect.TypeFor[common.StringOrArray]()
)

const macros = `#define SHAPE(type_)      &(const struct shape){.type = SHAPE_##type_}
#define LIST(of)          &(const struct shape){.type = SHAPE_LIST, .each = of}
#define ONE_OR_LIST(of)   &(const struct shape){.type = SHAPE_ONE_OR_LIST, .each = of}
#define MAP(of)           &(const struct shape){.type = SHAPE_MAP, .each = of}
#define MEMBERS(...)      .members = (const struct shape_member[]){__VA_ARGS__ {0}}
#define KEY(name, shape)  {name, shape, NULL}
`

type generator struct {
	done   map[string]reflect.Type // the tables that are written, or being written, by their names in C
	tables strings.Builder
}

// keyType says what a value of a Go type is in TOML: how many, of which type, and the table's name if it is one.
func (g *generator) keyType(t reflect.Type, where string) (many, of, table string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == textOrTexts {
		return "ONE_OR_LIST", "TEXT", ""
	}
	if many, of, table = "ONE", g.scalar(t), ""; of != "" {
		return many, of, ""
	}
	switch t.Kind() {
	case reflect.Struct:
		return "ONE", "TABLE", g.table(t)
	case reflect.Slice:
		many = "LIST"
	case reflect.Map:
		many = "MAP"
	default:
		log.Fatalf("%s: no rule for the Go type %s", where, t)
	}
	inner, of, table := g.keyType(t.Elem(), where)
	if inner != "ONE" {
		log.Fatalf("%s: no rule for the Go type %s", where, t)
	}
	return many, of, table
}

// scalar is the type of a value that is no table, "" for anything else. A struct that reads itself (a volume of NFS)
// is a table like any other.
func (g *generator) scalar(t reflect.Type) string {
	reads := func(i reflect.Type) bool { return t.Implements(i) || reflect.PointerTo(t).Implements(i) }
	switch {
	case t == duration:
		return "DURATION"
	case t == moment:
		return "ANY"
	case reads(textUnmarshaler), t.Kind() == reflect.String:
		return "TEXT"
	case reads(unmarshaler) && t.Kind() != reflect.Struct, t.Kind() == reflect.Interface:
		return "ANY"
	case t.Kind() == reflect.Bool:
		return "FLAG"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "WHOLE"
	case t.Kind() == reflect.Int32:
		return "WHOLE32"
	case t.Kind() == reflect.Float64:
		return "NUMBER"
	}
	return ""
}

// fields lists a struct's keys, those of embedded structs among them.
func fields(t reflect.Type) map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case name == "-" || (!f.IsExported() && !f.Anonymous):
		case f.Anonymous && name == "":
			for k, v := range fields(f.Type) {
				found[k] = v
			}
		case name == "":
			found[f.Name] = f.Type
		default:
			found[name] = f.Type
		}
	}
	return found
}

// table writes the table of a struct once, after those that it refers to, and returns its name in C.
func (g *generator) table(t reflect.Type) string {
	name := snake(t.Name())
	if t.Name() == "Config" && t != reflect.TypeFor[common.Config]() {
		name = path.Base(t.PkgPath()) // packages cacheconfig and referees have one, too
	}
	if former := g.done[name]; former == t {
		return name
	} else if former != nil {
		log.Fatalf("%v and %v would both be %s", former, t, name)
	}
	g.done[name] = t
	of := fields(t)
	keys := make([]string, 0, len(of))
	for key := range of {
		if !otherExecutors[t.Name()+"."+key] {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	lines := ""
	for _, key := range keys {
		lines += g.line(t, key, of[key])
	}
	if name == "config" {
		fmt.Fprintf(&g.tables, "const struct shape config_shape = {.type = SHAPE_TABLE, MEMBERS(\n%s)};\n", lines)
	} else {
		fmt.Fprintf(&g.tables, "static const struct shape %s = {.type = SHAPE_TABLE, MEMBERS(\n%s)};\n\n", name, lines)
	}
	return name
}

func (g *generator) line(t reflect.Type, key string, of reflect.Type) string {
	many, kind, table := g.keyType(of, t.Name()+"."+key)
	shape := "SHAPE(" + kind + ")"
	if table != "" {
		shape = "&" + table
	}
	switch t.Name() + "." + key {
	case "Config.runners": // spec.config has one runner only
		many = "ONE"
	case "RunnerConfig.feature_flags": // a map, of which gitlab-runner passes over the names that it does not know
		many, shape = "ONE", "&"+g.featureFlags()
	}
	if many != "ONE" {
		shape = many + "(" + shape + ")"
	}
	return fmt.Sprintf("    KEY(%q, %s),\n", key, shape)
}

func (g *generator) featureFlags() string {
	names := []string{}
	for _, flag := range featureflags.GetAll() {
		names = append(names, flag.Name)
	}
	sort.Strings(names)
	g.tables.WriteString("static const struct shape feature_flags = {.type = SHAPE_MAP, .each = SHAPE(FLAG), MEMBERS(\n")
	for _, name := range names {
		fmt.Fprintf(&g.tables, "    KEY(%q, SHAPE(FLAG)),\n", name)
	}
	g.tables.WriteString(")};\n\n")
	return "feature_flags"
}

// snake turns KubernetesDNSConfig into kubernetes_dns_config.
func snake(name string) string {
	runes, out := []rune(name), ""
	for i, r := range runes {
		lower := i > 0 && unicode.IsLower(runes[i-1])
		next := i > 0 && i+1 < len(runes) && unicode.IsUpper(r) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && (lower || next) {
			out += "_"
		}
		out += string(unicode.ToLower(r))
	}
	return out
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == "go" {
		printGoTables()
		return
	}
	g := generator{done: map[string]reflect.Type{}}
	g.table(reflect.TypeFor[common.Config]())
	fmt.Print("/* What gitlab-runner knows in config.toml. Generated from its source by hack/gitlab-runner/config-keys;\n" +
		" * hack/generate writes it anew. */\n#include \"runner/config_keys.h\"\n\n" +
		"/* clang-format off */\n" + macros + "\n")
	fmt.Printf("const char config_keys_version[] = %q;\n\n", common.AppVersion.Version)
	fmt.Print(g.tables.String(), "/* clang-format on */\n")
}
