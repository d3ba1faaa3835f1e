package spine

import "net/http"

// authorise puts an access token on an attempt. It stands outside of before: without a token nothing goes, and there is no
// access to leave evidence of.
func authorise(tokens *Tokens, send next) next {
	if tokens == nil {
		return send
	}
	return func(t *trip, r *http.Request) (*http.Response, error) {
		t.token = ""
		token, err := tokens.Token(r.Context(), t.Worker)
		if err != nil {
			return nil, refuse(err)
		}
		t.token = token
		r.Header.Set("Authorization", "Bearer "+token)
		return send(t, r)
	}
}
