package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/simulator"
)

// control sets faults and shows what was received:
//
//	POST   /faults               set a fault, in YAML or JSON with the keys of simulator.Fault; answers with its id
//	GET    /faults               the faults set here, and how often each has happened
//	DELETE /faults               remove all faults, the built-in ones too
//	DELETE /faults/{id}          remove one
//	POST   /faults/{id}/release  let go of what one holds
//	GET    /transcript           what every upstream received, in order
//	DELETE /transcript           forget it
//	POST   /sign-in              sign a clinician in with CIS2, as {user, roles} in YAML or JSON; answers with their id_token
type control struct {
	spine *simulator.Spine

	mu    sync.Mutex
	last  int
	rules map[int]*simulator.Rule
}

func newControl(spine *simulator.Spine) http.Handler {
	c := &control{spine: spine, rules: map[int]*simulator.Rule{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /faults", c.set)
	mux.HandleFunc("GET /faults", c.list)
	mux.HandleFunc("DELETE /faults", c.clear)
	mux.HandleFunc("DELETE /faults/{id}", c.one((*simulator.Rule).Remove, true))
	mux.HandleFunc("POST /faults/{id}/release", c.one((*simulator.Rule).Release, false))
	mux.HandleFunc("GET /transcript", c.transcript)
	mux.HandleFunc("DELETE /transcript", func(http.ResponseWriter, *http.Request) { spine.Transcript().Reset() })
	mux.HandleFunc("POST /sign-in", c.signIn)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(simulator.Marker, "true")
		if r.Header.Get("Origin") != "" { // a page in a browser on this machine is not its owner
			http.Error(w, "not for browsers", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (c *control) set(w http.ResponseWriter, r *http.Request) {
	decoder := yaml.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.KnownFields(true)
	var fault simulator.Fault
	if err := decoder.Decode(&fault); err != nil {
		http.Error(w, "read the fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	rule, err := c.spine.Faults().Set(fault)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.last++
	id := c.last
	c.rules[id] = rule
	c.mu.Unlock()
	write(w, http.StatusCreated, map[string]int{"id": id})
}

func (c *control) list(w http.ResponseWriter, _ *http.Request) {
	type set struct {
		ID   int `json:"id"`
		Hits int `json:"hits"`
	}
	faults := []set{}
	c.mu.Lock()
	for id, rule := range c.rules {
		faults = append(faults, set{id, rule.Hits()})
	}
	c.mu.Unlock()
	slices.SortFunc(faults, func(a, b set) int { return cmp.Compare(a.ID, b.ID) })
	write(w, http.StatusOK, faults)
}

func (c *control) clear(http.ResponseWriter, *http.Request) {
	c.spine.Faults().Clear()
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.rules)
}

// one does something to the fault that the path names, and forgets it if asked to.
func (c *control) one(do func(*simulator.Rule), forget bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		c.mu.Lock()
		rule := c.rules[id]
		if forget {
			delete(c.rules, id)
		}
		c.mu.Unlock()
		if err != nil || rule == nil {
			http.Error(w, "no such fault", http.StatusNotFound)
			return
		}
		do(rule)
	}
}

// signIn lets anybody sign in as anybody: nobody is real here.
func (c *control) signIn(w http.ResponseWriter, r *http.Request) {
	decoder := yaml.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.KnownFields(true)
	var who struct {
		User  string   `yaml:"user"`
		Roles []string `yaml:"roles"`
	}
	if err := decoder.Decode(&who); err != nil {
		http.Error(w, "read who signs in: "+err.Error(), http.StatusBadRequest)
		return
	}
	token, err := c.spine.CIS2().SignIn(simulator.Clinician{UserID: who.User, Roles: who.Roles}, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	write(w, http.StatusOK, map[string]string{"id_token": token})
}

// exchange is an exchange as the control address shows it.
type exchange struct {
	Sequence   int                `json:"sequence"`
	At         time.Time          `json:"at"`
	Upstream   simulator.Upstream `json:"upstream"`
	Method     string             `json:"method"`
	Host       string             `json:"host"`
	Path       string             `json:"path"`
	Query      string             `json:"query,omitempty"`
	Header     http.Header        `json:"header"`
	Body       string             `json:"body,omitempty"`
	Claims     map[string]any     `json:"claims,omitempty"`
	Peer       string             `json:"peer,omitempty"`
	Connection uint64             `json:"connection"`
	Status     int                `json:"status"`
	Done       bool               `json:"done"`
}

func (c *control) transcript(w http.ResponseWriter, _ *http.Request) {
	exchanges := []exchange{}
	for _, e := range c.spine.Transcript().All() {
		x := exchange{
			e.Sequence, e.At, e.Upstream, e.Method, e.Host, e.Path, e.Query, e.Header, string(e.Body), nil, e.Peer,
			e.Connection, e.Status, e.Done,
		}
		if e.JWT != nil {
			x.Claims = e.JWT.Claims
		}
		exchanges = append(exchanges, x)
	}
	write(w, http.StatusOK, exchanges)
}

func write(w http.ResponseWriter, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, fmt.Sprintf("encode the answer: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, string(body)+"\n")
}
