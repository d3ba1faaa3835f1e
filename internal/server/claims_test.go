package server_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/identity"
)

// The manual tells the names that package identity falls back to.
func TestTheManualNamesTheDefaultClaims(t *testing.T) {
	var manual bytes.Buffer
	if err := config.Manual(&manual); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(manual.String(), "`identity.issuers[].claims`")
	for field, value := range reflect.ValueOf(identity.DefaultClaims()).Fields() {
		key, _ := reflect.TypeFor[config.Claims]().FieldByName(field.Name)
		_, entry, found := strings.Cut(section, "**`"+key.Tag.Get("yaml")+"`**")
		if entry, _, _ = strings.Cut(entry, "- **`"); !found || !strings.Contains(entry, "Default: "+value.String()+".") {
			t.Errorf("%s does not say that its default is %s: %q", field.Name, value, entry)
		}
	}
}
