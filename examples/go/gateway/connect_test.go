package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/credentials/insecure"
)

func TestOnlyASandboxsTokensGoOutInClearText(t *testing.T) {
	t.Parallel()
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(Tokens{Bearer: r.URL.Query().Get("persona")})
	}))
	defer admin.Close()
	for _, address := range []string{admin.URL, strings.TrimPrefix(admin.URL, "http://")} {
		tokens, err := SandboxTokens(t.Context(), address, "clinician")
		if err != nil || tokens.Bearer != "clinician" {
			t.Fatalf("%s: %v, for %q", address, err, tokens.Bearer)
		}
		gw, err := Connect("127.0.0.1:1", insecure.NewCredentials(), tokens)
		if err != nil {
			t.Fatal(err)
		}
		_ = gw.Close()
	}
	if _, err := Connect("127.0.0.1:1", insecure.NewCredentials(), Tokens{Bearer: "of somebody real"}); err == nil {
		t.Error("they may go out in clear text")
	}
}
