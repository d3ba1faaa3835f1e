package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// targeting says which target is meant, of which file.
type targeting struct {
	Target     string `env:"SPINEGATE_TARGET" placeholder:"NAME" help:"Call the gateway of this name: \"spinegate targets\" lists them."`
	ConfigFile string `type:"path" env:"SPINEGATE_CONFIG_FILE" placeholder:"FILE" help:"Where the targets are. Default: spinegate/config.yaml below the user's own directory of settings."`
}

// choice is which gateway is called, and where each setting is from: flags first, then the environment, then a target of the
// file, then what is compiled in. The gateway that the environment describes and each target stand for themselves: of what
// says where and as whom, nothing of one goes to another. A token that did would be a token in the wrong hands.
type choice struct {
	file *targetFile
	// target is the one that was chosen; nil is the gateway of flags and environment.
	target *target
	// away is that --address names another gateway than the target, or than SPINEGATE_ADDRESS.
	away bool
	// named is that the user named the file; byDefault is that the file alone chose the target.
	named, byDefault bool
	// given are the flags of the command line.
	given map[string]string
	// origin is where a setting is from; what is missing is compiled in.
	origin map[string]string
}

// Where a gateway is, by flag and by variable. Whoever says one of them says which gateway, so no target is taken by default.
var whereabouts = map[string]string{"address": "SPINEGATE_ADDRESS", "admin": "SPINEGATE_ADMIN", "dir": "SPINEGATE_DIR"}

// A flag that may come from elsewhere says so by tags:
//
//	setting    the key under which it stands in a target
//	variable   the environment variable
//	mixed      the variable also goes before a target, as it is no matter which gateway is called
const (
	settingTag  = "setting"
	variableTag = "variable"
	mixedTag    = "mixed"
)

// BeforeResolve chooses the gateway, before flags that were not given get their values.
func (c *cli) BeforeResolve(k *kong.Context) error {
	var err error
	if c.choice, err = choose(k, c.targeting); err != nil {
		return err
	}
	k.AddResolver(c.choice)
	return nil
}

// choose finds out which gateway is meant. So early, flags are not yet in their fields, and the environment is.
func choose(k *kong.Context, t targeting) (*choice, error) {
	given := map[string]string{}
	c := &choice{origin: map[string]string{}, given: given}
	for _, p := range k.Path {
		if p.Flag != nil {
			given[p.Flag.Name] = fmt.Sprint(k.FlagValue(p.Flag))
			c.origin[p.Flag.Tag.Get(settingTag)] = "--" + p.Flag.Name
		}
	}
	name, isGiven := given["target"]
	if !isGiven {
		name = t.Target
	}
	if !slices.ContainsFunc(k.Flags(), func(f *kong.Flag) bool { return f.Tag.Get(settingTag) != "" }) {
		if isGiven {
			return nil, fmt.Errorf("--target: \"%s\" calls no gateway of yours", k.Command())
		}
		return c, nil
	}
	address := os.Getenv("SPINEGATE_ADDRESS")
	if name != "" && !isGiven && address != "" {
		return nil, fmt.Errorf("SPINEGATE_TARGET and SPINEGATE_ADDRESS each name a gateway: unset one, or choose by --target")
	}
	path := given["config-file"]
	if path == "" {
		path = t.ConfigFile
	}
	c.named = path != ""
	if name != "" || c.named || !placed(given) {
		if err := c.read(path, name, placed(given)); err != nil {
			return nil, err
		}
	}
	if c.target != nil {
		address = c.target.settings["address"]
	}
	c.away = address != "" && given["address"] != "" && given["address"] != address
	return c, nil
}

// placed reports whether flags or the environment say where the gateway is.
func placed(given map[string]string) bool {
	for flag, variable := range whereabouts {
		if given[flag] != "" || os.Getenv(variable) != "" {
			return true
		}
	}
	return false
}

// read finds the target in the file: that of the name, or without one the default, where nothing else says where the gateway is.
func (c *choice) read(path, name string, placed bool) error {
	file, err := loadTargets(path)
	if err != nil {
		return err
	}
	c.file = file
	if name == "" && !placed {
		name, c.byDefault = file.preferred, true
	}
	if name != "" {
		c.target, err = file.find(name)
	}
	return err
}

// loadTargets reads the file at a path, or the one that every user has. Only the latter need not be there.
func loadTargets(path string) (*targetFile, error) {
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("--config-file: %w", err)
		}
		return readTargets(path)
	}
	path, err := usualTargets()
	if err != nil { // then there is no such file either
		return &targetFile{path: "the user's directory of settings, which there is not"}, nil //nolint:nilerr // said in the path
	}
	return readTargets(path)
}

// usualTargets is where the file of every user is.
func usualTargets() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "spinegate", "config.yaml"), err
}

// Validate has nothing to check: the file has been.
func (*choice) Validate(*kong.Application) error { return nil }

// Resolve gives a flag that was not given the value that it has elsewhere.
func (c *choice) Resolve(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	key, variable := f.Tag.Get(settingTag), f.Tag.Get(variableTag)
	value := os.Getenv(variable)
	switch {
	case key == "":
		return nil, nil
	case c.away && key == "admin": // the sandbox of one gateway gives no token for another
		return "", nil
	case variable != "" && value != "" && (c.target == nil || f.Tag.Has(mixedTag)):
		c.origin[key] = variable
		return value, nil
	case c.target == nil:
		return nil, nil
	}
	value = c.target.settings[key]
	switch {
	case c.away && slices.Contains([]string{"cert", "key", "persona"}, key):
	case value != "":
		c.origin[key] = "target " + c.target.name
		return value, nil
	case key == "admin": // a target is a sandbox if it says so
		return "", nil
	}
	return nil, nil
}

// from is where a setting is from, in words.
func (c *choice) from(key string) string {
	if from := c.origin[key]; from != "" {
		return from
	}
	return "default"
}

// repeated are the flags that choose the same gateway again. A token is not among them.
func (c *choice) repeated(address string) []string {
	var flags []string
	if c.target != nil {
		flags = append(flags, "--target", c.target.name)
		if c.named {
			flags = append(flags, "--config-file", quoted(c.file.path))
		}
	}
	if (c.target == nil || c.away) && address != "127.0.0.1:50051" {
		flags = append(flags, "--address", quoted(address))
	}
	for _, name := range []string{"tls", "ca", "cert", "key", "admin", "persona"} {
		if value, isGiven := c.given[name]; isGiven {
			flags = append(flags, "--"+name+"="+quoted(value))
		}
	}
	return flags
}

// helpValue is the help of a flag with the variable that it also comes from.
func helpValue(v *kong.Value) string {
	if name := v.Tag.Get(variableTag); name != "" && !strings.Contains(v.Help, name) {
		return strings.TrimSuffix(v.Help, ".") + " ($" + name + ")."
	}
	return kong.DefaultHelpValueFormatter(v)
}
