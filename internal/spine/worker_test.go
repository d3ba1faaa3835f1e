package spine

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// signedIn is a clinician with roles who has just signed in.
func signedIn(t *testing.T, s *simulator.Spine, userID string, roles ...string) *Worker {
	t.Helper()
	token, err := s.CIS2().SignIn(simulator.Clinician{UserID: userID, Roles: roles}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Worker{
		Organisation: ods(t, "Q8X01"), IDToken: nhs.NewSecret(token), SignedIn: time.Now(), Expires: time.Now().Add(time.Hour),
	}
}

// grants are the grant types that the token service was asked for, in order.
func grants(t *testing.T, s *simulator.Spine) []string {
	t.Helper()
	var all []string
	for _, x := range s.Transcript().Of(simulator.Token) {
		form, err := url.ParseQuery(string(x.Body))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, form.Get("grant_type"))
	}
	return all
}

const (
	exchanged = "urn:ietf:params:oauth:grant-type:token-exchange"
	refreshed = "refresh_token"
)

func TestWorkerTokens(t *testing.T) {
	withSecret := func(c *TokensConfig) { c.ClientSecret = nhs.NewSecret("SIMULATED-client-secret") }
	bubble(t, "each clinician has one of their own", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens := tokensFor(t, s, m, nil)
		ada, ben := signedIn(t, s, "900000000101"), signedIn(t, s, "900000000201")
		seen := map[string]bool{}
		for _, w := range []*Worker{ada, ben, nil, ada, ben, nil} {
			token, err := tokens.Token(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			seen[token] = true
		}
		if len(seen) != 3 || len(s.Transcript().Of(simulator.Token)) != 3 {
			t.Errorf("%d tokens and %d fetches, want three of each", len(seen), len(s.Transcript().Of(simulator.Token)))
		}
	})
	bubble(t, "one exchange for all who ask", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		tokens, ada := tokensFor(t, s, m, nil), signedIn(t, s, "900000000101")
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := tokens.Token(t.Context(), ada); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := len(s.Transcript().Of(simulator.Token)); got != 1 {
			t.Errorf("%d fetches", got)
		}
	})
	bubble(t, "a session outlives its ID token, until its window ends", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, withSecret), signedIn(t, s, "900000000101")
		start := ada.SignedIn
		for time.Since(start) < 11*time.Hour+50*time.Minute {
			var group sync.WaitGroup
			for range 3 { // a refresh token is good once
				group.Go(func() {
					if _, err := tokens.Token(t.Context(), ada); err != nil {
						t.Errorf("after %s: %v", time.Since(start), err)
					}
				})
			}
			group.Wait()
			time.Sleep(5 * time.Minute)
		}
		kinds := map[string]int{}
		for _, g := range grants(t, s) {
			kinds[g]++
		}
		if kinds[exchanged] < 6 || kinds[refreshed] < 50 || len(kinds) != 2 {
			t.Errorf("%v", kinds)
		}
		time.Sleep(time.Until(start.Add(12*time.Hour + 10*time.Minute)))
		_, err := tokens.Token(t.Context(), ada)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID)
	})
	bubble(t, "without a secret the clinician signs in again", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, nil), signedIn(t, s, "900000000101")
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + 10*time.Minute)
		asked := len(s.Transcript().Of(simulator.Token))
		_, err := tokens.Token(t.Context(), ada)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID)
		if len(s.Transcript().Of(simulator.Token)) != asked {
			t.Error("the token service was asked what it would refuse")
		}
	})
	bubble(t, "nor does it reach anybody of another organisation", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, withSecret), signedIn(t, s, "900000000101")
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Hour)
		elsewhere := *ada
		elsewhere.Organisation = ods(t, "R9Y02")
		_, err := tokens.Token(t.Context(), &elsewhere)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID)
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Errorf("it was theirs: %v", err)
		}
	})
	bubble(t, "an answer that is slow does not end the session", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, withSecret), signedIn(t, s, "900000000101")
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Delay: 20 * time.Second, After: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Error(err)
		}
	})
	bubble(t, "an answer that is lost does, and is told as that", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, withSecret), signedIn(t, s, "900000000101")
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Reset: true, After: true, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := tokens.Token(t.Context(), ada)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
		_, err = tokens.Token(t.Context(), ada)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID)
	})
	bubble(t, "a service that is not there does not end the session", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, withSecret), signedIn(t, s, "900000000101")
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Status: 503, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := tokens.Token(t.Context(), ada)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
		if _, err := tokens.Token(t.Context(), ada); err != nil {
			t.Errorf("the refresh token was still good: %v", err)
		}
	})
	bubble(t, "what was dropped is fetched again", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens, ada := tokensFor(t, s, m, nil), signedIn(t, s, "900000000101")
		first, err := tokens.Token(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		tokens.Drop(ada, first)
		tokens.Drop(ada, "another")
		if second, err := tokens.Token(t.Context(), ada); err != nil || second == first {
			t.Errorf("the same again: %v", err)
		}
	})
}

func worker(idToken string) *Worker {
	return &Worker{IDToken: nhs.NewSecret(idToken), SignedIn: time.Now(), Expires: time.Now().Add(time.Hour)}
}

// Sign-ins that are of no use any more are forgotten, and too many are not held.
func TestSignInsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &signIns{}
		for n := range mostSignIns + 10 {
			s.find(worker(fmt.Sprint(n)))
			time.Sleep(time.Millisecond)
		}
		if len(s.of) != mostSignIns {
			t.Errorf("%d are held", len(s.of))
		}
		old := worker("refreshable")
		s.find(old).keep(grant{refresh: "r", refreshUntil: time.Now().Add(24 * time.Hour)}, old.SignedIn)
		time.Sleep(2 * time.Hour)
		s.find(worker("another"))
		if len(s.of) != 2 || s.find(old).refreshToken() != "r" {
			t.Errorf("%d are held, want the one that can be refreshed and another", len(s.of))
		}
		for n := range 2 * mostSignIns { // which could be exchanged again
			s.find(worker(fmt.Sprint(n)))
		}
		if s.find(old).refreshToken() != "r" {
			t.Error("new sign-ins pushed out a session that cannot be made again")
		}
		time.Sleep(10 * time.Hour)
		if s.find(worker("last")); len(s.of) != 1 || s.find(old).refreshToken() != "" {
			t.Errorf("%d are held twelve hours after the sign-in", len(s.of))
		}
	})
}

func TestAWorkerMasksItself(t *testing.T) {
	w := &Worker{IDToken: nhs.NewSecret("CANARY")}
	text, err := json.Marshal(w)
	config := TokensConfig{ClientSecret: nhs.NewSecret("CANARY")}
	if got := fmt.Sprintf("%v %+v %#v %s %v %+v", w, w, w, *w, []Worker{*w}, config) + string(text); err != nil || len(got) == 0 || strings.Contains(got, "CANARY") {
		t.Errorf("%s shows itself, %v", got, err)
	}
}
