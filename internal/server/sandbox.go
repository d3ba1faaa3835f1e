package server

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/telemetry"
)

// tokenLife is how long a token of the sandbox is good.
const tokenLife = 8 * time.Hour

// persona is one of identity's as JSON.
type persona struct {
	Name             string   `json:"name"`
	About            string   `json:"about"`
	Organisation     string   `json:"organisation"`
	OrganisationName string   `json:"organisation_name"`
	Scopes           []string `json:"scopes"`
	SignsIn          bool     `json:"signs_in_with_cis2"`
}

// offerSandbox adds what only the sandbox has: tokens for the asking, and the traces of calls. It answers this machine
// alone, and no web page that somebody opens on it.
func offerSandbox(mux *http.ServeMux, embedded *Embedded, traces *telemetry.Ring) {
	mux.Handle("GET /sandbox/personas", local(func(w http.ResponseWriter, _ *http.Request) {
		var all []persona
		for _, p := range identity.Personas() {
			all = append(all, persona{p.Name, p.About, p.Organisation.ODS.String(), p.Organisation.Name, p.Scopes, p.User != nil && p.User.SDSUserID != ""})
		}
		sendJSON(w, all)
	}))
	mux.Handle("POST /sandbox/token", local(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("persona")
		for _, p := range identity.Personas() {
			if name != "" && p.Name != name {
				continue // without a name it is the first
			}
			given, err := embedded.tokens(p)
			if err != nil {
				say(w, http.StatusInternalServerError, "no token could be made")
				return
			}
			sendJSON(w, given)
			return
		}
		say(w, http.StatusNotFound, "no such persona: GET /sandbox/personas lists them")
	}))
	mux.Handle("GET /sandbox/traces/{id}", local(func(w http.ResponseWriter, r *http.Request) {
		roots := traces.Trace(r.PathValue("id"))
		if roots == nil {
			say(w, http.StatusNotFound, "no such trace: only the last ones are remembered")
			return
		}
		sendJSON(w, map[string]any{"trace_id": r.PathValue("id"), "spans": roots})
	}))
}

// tokens are what a persona calls with: a bearer token, and for one with a smartcard the ID token of a sign-in with CIS2.
func (e *Embedded) tokens(p identity.Persona) (map[string]any, error) {
	token, err := e.Issuer.Mint(p, tokenLife)
	if err != nil {
		return nil, err
	}
	given := map[string]any{
		"persona": p.Name, "token": token.Reveal(), "expires_at": time.Now().Add(tokenLife).UTC().Truncate(time.Second),
	}
	if p.User != nil && p.User.SDSUserID != "" {
		roles := p.Roles
		if roles == nil {
			roles = []string{p.User.RoleProfileID}
		}
		if given["cis2_id_token"], err = e.SignIn(p.User.SDSUserID, roles...); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// local refuses what does not come from this machine, or comes from a browser that was sent here by another name.
func local(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr) // a listener in memory has no such address
		if err == nil && !peer.Addr().Unmap().IsLoopback() || !localName(r.Host) || r.Header.Get("Origin") != "" {
			say(w, http.StatusForbidden, "the sandbox answers this machine alone")
			return
		}
		next(w, r)
	})
}

func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback() || strings.EqualFold(host, "localhost")
}

func sendJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(v) // whoever asked may be gone
}
