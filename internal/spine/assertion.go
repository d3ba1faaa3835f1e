package spine

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// assertionLife is how long an assertion is good for: less than the five minutes allowed, so that a clock that is ahead
// does no harm (PDS contract, 4.1).
const assertionLife = 240 * time.Second

// assertion is a signed statement of who the application is. It can be used once.
func (t *Tokens) assertion(now time.Time) (string, error) {
	key := t.key.Load()
	token := jwt.NewWithClaims(rs512{}, jwt.MapClaims{
		"iss": t.config.APIKey,
		"sub": t.config.APIKey,
		"aud": t.config.Upstream.BaseURL,
		"jti": uuid.NewString(),
		"exp": now.Add(assertionLife).Unix(),
	})
	token.Header["kid"] = key.ID
	signed, err := token.SignedString(key.Signer)
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	return signed, nil
}
