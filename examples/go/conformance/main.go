// Conformance makes the calls of conformance/steps.json and prints what came, as conformance/README.md describes.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/credentials/insecure"

	"github.com/spinegate/spinegate/examples/go/gateway"
)

// step is one call and what to print of its answer.
type step struct {
	ID          string            `json:"id"`
	Call        string            `json:"call"`
	Persona     string            `json:"persona"`
	CIS2        bool              `json:"cis2"`
	DeadlineMS  int               `json:"deadline_ms"`
	CancelAfter string            `json:"cancel_after"`
	Request     json.RawMessage   `json:"request"`
	Requests    []json.RawMessage `json:"requests"`
	Save        map[string]string `json:"save"`
	Print       []string          `json:"print"`
}

func main() {
	file, err := os.ReadFile(os.Args[1])
	check(err)
	var steps []step
	check(json.Unmarshal(file, &steps))
	ctx, saved := context.Background(), make(map[string]string)
	for _, s := range steps {
		fmt.Println(s.ID)
		gw := connection(ctx, s)
		ctx, cancel := ctx, context.CancelFunc(func() {})
		if s.DeadlineMS > 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(s.DeadlineMS)*time.Millisecond)
		}
		ctx, traceID := gateway.WithTrace(ctx)
		a, err := calls[s.Call](ctx, gw, requests(s, saved), s.CancelAfter)
		cancel()
		show(s, a, err, traceID)
		for name, path := range s.Save {
			if found := a.find(path); len(found) > 0 {
				saved[name] = found[0]
			}
		}
	}
}

// requests are the step's, with what earlier steps saved.
func requests(s step, saved map[string]string) [][]byte {
	all := s.Requests
	if s.Request != nil {
		all = append(all, s.Request)
	}
	var filled [][]byte
	for _, r := range all {
		text := string(r)
		for name, value := range saved {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
		filled = append(filled, []byte(text))
	}
	return filled
}

var connections = make(map[gateway.Tokens]*gateway.Gateway)

// connection is that of the step's persona, who may be signed in with CIS2.
func connection(ctx context.Context, s step) *gateway.Gateway {
	key := gateway.Tokens{Bearer: cmp.Or(s.Persona, "clinician")}
	if s.CIS2 {
		key.CIS2 = "signed in"
	}
	if connections[key] == nil {
		tokens, err := gateway.SandboxTokens(ctx, os.Getenv("SPINEGATE_ADMIN"), key.Bearer)
		check(err)
		if !s.CIS2 {
			tokens.CIS2 = ""
		}
		connections[key], err = gateway.Connect(os.Getenv("SPINEGATE_ADDRESS"), insecure.NewCredentials(), tokens)
		check(err)
	}
	return connections[key]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
