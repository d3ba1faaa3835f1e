// Package conformance_test holds that the steps call every method that is built, that packages say what they are, and what can be
// held of a language whose tools cannot be had here.
package conformance_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// project is the part of an MSBuild project that names files.
type project struct {
	Items []struct {
		Files []struct {
			XMLName xml.Name
			Include string `xml:"Include,attr"`
			Exclude string `xml:"Exclude,attr"`
			Roots   string `xml:"ProtoRoot,attr"`
			Imports string `xml:"AdditionalImportDirs,attr"`
		} `xml:",any"`
	} `xml:"ItemGroup"`
}

// Nothing here can build the C# projects. They are XML, every file that they name exists, and every file of the contract, with the
// rules that it imports, is compiled once.
func TestTheCSharpProjectsNameFilesThatExist(t *testing.T) {
	t.Parallel()
	var compiled []string
	for _, file := range []string{"../gen/csharp/Spinegate.Client.csproj", "../examples/csharp/Journey.csproj"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var p project
		if err := xml.Unmarshal(text, &p); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, group := range p.Items {
			for _, item := range group.Files {
				if item.XMLName.Local == "PackageReference" {
					continue
				}
				excluded := named(t, file, item.Exclude)
				included := slices.DeleteFunc(named(t, file, item.Include), func(name string) bool {
					return slices.Contains(excluded, name)
				})
				named(t, file, item.Imports)
				if item.XMLName.Local != "Protobuf" {
					continue
				}
				compiled = append(compiled, included...)
				for _, name := range included {
					if root := named(t, file, item.Roots); !strings.HasPrefix(name, strings.Join(root, "")+"/") {
						t.Errorf("%s: %s is not below its ProtoRoot", file, name)
					}
				}
			}
		}
	}
	// What is google's comes with the packages that .NET has of it.
	contract := append(named(t, "../x", "proto/api/*/*/*.proto"), named(t, "../x", "proto/deps/buf/*/*.proto")...)
	slices.Sort(contract)
	slices.Sort(compiled)
	if !slices.Equal(contract, compiled) {
		t.Errorf("compiled: %v\nthe contract: %v", compiled, contract)
	}
}

// named are the files of a project's attribute: patterns with semicolons between them, each of at least one file.
func named(t *testing.T, from, patterns string) []string {
	t.Helper()
	var all []string
	for pattern := range strings.SplitSeq(patterns, ";") {
		if pattern == "" {
			continue
		}
		found, err := filepath.Glob(filepath.Join(filepath.Dir(from), pattern))
		if err != nil || len(found) == 0 {
			t.Errorf("%s names %s: %v, %v", from, pattern, found, err)
		}
		all = append(all, found...)
	}
	return all
}
