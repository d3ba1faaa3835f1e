package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SandboxTokens asks a sandbox, at the HOST:PORT of its admin listener, for the tokens of one of its personas. With a real gateway
// your identity provider gives them.
func SandboxTokens(ctx context.Context, admin, persona string) (Tokens, error) {
	address := "http://" + strings.TrimPrefix(admin, "http://") + "/sandbox/token?persona=" + url.QueryEscape(persona)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		return Tokens{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return Tokens{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Tokens{}, fmt.Errorf("the sandbox answered %s", response.Status)
	}
	tokens := Tokens{sandbox: true}
	return tokens, json.NewDecoder(response.Body).Decode(&tokens)
}
