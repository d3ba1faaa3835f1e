package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/doctor"
)

// claims shows what a token says of its time. It is not checked here, and nothing else of it is shown.
func (r *callerReport) claims(subject, token, from string) {
	if token == "" {
		r.add(doctor.Skipped, subject, "given", "There is none: a client certificate says who calls, or nothing does.", "")
		return
	}
	r.add(doctor.OK, subject, "given", "by "+from, "")
	said, ok := readTimes(token)
	if !ok {
		r.add(doctor.Warn, subject, "dates", "it is not a JWT that can be read", "An access token of your issuer is needed, and not an opaque one.")
		return
	}
	now := time.Now()
	left := said.expires.Sub(now).Round(time.Second)
	seen := fmt.Sprintf("expires %s, in %s", stamp(said.expires.UTC()), left)
	switch {
	case said.expires.IsZero():
		r.add(doctor.Fail, subject, "dates", "it does not expire", "The gateway takes none that does not.")
	case left <= 0:
		r.add(doctor.Fail, subject, "dates", fmt.Sprintf("expired %s, %s ago by this machine's clock", stamp(said.expires.UTC()), -left),
			"Get a new one. If this one is, look at this machine's clock.")
	default:
		r.add(doctor.OK, subject, "dates", seen, "")
	}
	// Who issued it wrote down its time, before we got it.
	if ahead := said.issued.Sub(now); ahead > 0 {
		verdict, words := doctor.Clock(-ahead)
		do := ""
		if verdict != doctor.OK {
			do = "It was issued in this machine's future: synchronise the clocks of both by NTP."
		}
		r.add(verdict, subject, "clock", words, do)
	}
}

type times struct{ issued, expires time.Time }

// readTimes reads the times of a JWT without checking anything.
func readTimes(token string) (times, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return times{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return times{}, false
	}
	var said struct {
		Issued  float64 `json:"iat"`
		Expires float64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &said); err != nil {
		return times{}, false
	}
	at := func(seconds float64) time.Time {
		if seconds <= 0 || seconds > 1e11 {
			return time.Time{}
		}
		return time.Unix(int64(seconds), 0)
	}
	return times{at(said.Issued), at(said.Expires)}, true
}
