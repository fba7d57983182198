package main

import (
	"archive/zip"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"unicode"
)

// printGoTables prints controller/runner/go_tables.c: names that Go's libraries know, of the Go that gitlab-runner is
// built with here.
func printGoTables() {
	fmt.Print("/* Names that Go's libraries know. Generated from Go's sources by hack/gitlab-runner/config-keys;\n" +
		" * hack/generate writes it anew. */\n#include \"runner/go_syntax.h\"\n\n#include <stddef.h>\n\n" +
		"/* clang-format off */\n")
	printNames("go_time_zones", timeZones())
	printNames("go_unicode_groups", unicodeGroups())
	fmt.Print("/* clang-format on */\n")
}

func printNames(table string, names []string) {
	sort.Strings(names)
	fmt.Printf("const char *const %s[] = {\n", table)
	for _, name := range names {
		fmt.Printf("    %q,\n", name)
	}
	fmt.Print("    NULL,\n};\n\n")
}

// timeZones are those of the database that comes with Go.
func timeZones() []string {
	database, err := zip.OpenReader(filepath.Join(os.Getenv("GOROOT"), "lib/time/zoneinfo.zip"))
	if err != nil {
		log.Fatal(err)
	}
	defer database.Close()
	var names []string
	for _, file := range database.File {
		if !strings.HasSuffix(file.Name, "/") {
			names = append(names, file.Name)
		}
	}
	return names
}

// unicodeGroups are the names that \p{…} takes, as regexp/syntax compares them.
func unicodeGroups() []string {
	found := map[string]bool{"Any": true, "Assigned": true, "Ascii": true}
	add := func(name string) {
		plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
		found[strings.ToUpper(plain[:1])+plain[1:]] = true
	}
	for name := range unicode.Categories {
		add(name)
	}
	for name := range unicode.Scripts {
		add(name)
	}
	for name := range unicode.CategoryAliases {
		add(name)
	}
	var names []string
	for name := range found {
		if _, err := regexp.Compile(`\p{` + name + `}`); err == nil { // it forgets scripts of two words
			names = append(names, name)
		}
	}
	return names
}
