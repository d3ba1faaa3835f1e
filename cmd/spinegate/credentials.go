package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spinegate/spinegate/internal/config"
)

// identify finds out as whom a gateway is called: by the tokens that were given, by those that its target names, or by those
// of a sandbox. What is for one gateway is sent to no other.
func (g *gateway) identify(ctx context.Context, t *terminal, secure bool) (bearer, error) {
	who := bearer{token: g.Token, idToken: g.CIS2Token, secure: secure}
	if err := t.choice.keep(); err != nil {
		return who, err
	}
	if err := t.choice.fill(&who); err != nil {
		return who, err
	}
	switch {
	case g.SignIn && (who.token != "" || secure):
		return who, misusedf("--sign-in is for a sandbox that also gives the token; with a token of yours, give --cis2-token")
	case who.idToken != "" && who.token == "" && secure:
		return who, misusedf("--cis2-token goes beside a token: give SPINEGATE_TOKEN, too")
	case who.token == "" && g.Cert == "" && (t.choice.target != nil || t.choice.away) && (g.Admin == "" || secure):
		return who, t.choice.nobody()
	case who.token != "" || secure:
		return who, nil
	}
	got, err := g.mint(ctx)
	if _, isSilent := errors.AsType[net.Error](err); isSilent {
		return who, fmt.Errorf("no token was given, and no sandbox gave one: %w; a gateway that is no sandbox needs a token of its own (SPINEGATE_TOKEN, or a target)", err)
	}
	if err != nil {
		return who, fmt.Errorf("no token was given, and no sandbox gave one: %w", err)
	}
	who.token, t.minted = got.Token, g.Admin
	t.choice.origin["token"] = "the sandbox at " + g.Admin
	if g.SignIn && who.idToken == "" {
		if who.idToken = got.IDToken; who.idToken == "" {
			return who, misusedf("--sign-in: %s has no smartcard to sign in to CIS2 with", g.Persona)
		}
		t.choice.origin["cis2Token"] = t.choice.origin["token"]
	}
	return who, nil
}

// keep refuses to send what the environment has for SPINEGATE_ADDRESS to another address, and to call in the name of a target
// that nobody named, where the environment has another.
func (c *choice) keep() error {
	for _, token := range []struct{ key, variable string }{{"token", "SPINEGATE_TOKEN"}, {"cis2Token", "SPINEGATE_CIS2_ID_TOKEN"}} {
		if c.byDefault && c.target != nil && os.Getenv(token.variable) != "" && c.origin[token.key] == "" && c.target.settings[token.key+"Env"] != token.variable {
			return misusedf("%s is set, and target %s, the default, does not take it from there: choose by --target, say where the gateway is by --address, or give the target %sEnv",
				token.variable, c.target.name, token.key)
		}
	}
	for _, key := range []string{"token", "cis2Token"} {
		if from := c.origin[key]; c.away && c.target == nil && strings.HasPrefix(from, "SPINEGATE_") {
			return misusedf("%s is for the gateway of SPINEGATE_ADDRESS, and --address names another: unset one of the variables, or call a target", from)
		}
	}
	return nil
}

// fill adds the tokens that the target names, if it is its own address that is called.
func (c *choice) fill(who *bearer) error {
	if c.target == nil || c.away {
		return nil
	}
	for _, token := range []struct {
		key  string
		text *string
	}{{"token", &who.token}, {"cis2Token", &who.idToken}} {
		if *token.text != "" {
			continue
		}
		text, from, err := c.target.secret(token.key)
		if err != nil {
			return misusedf("target %s: %w", c.target.name, err)
		}
		if text != "" {
			*token.text, c.origin[token.key] = text, from
		}
	}
	return nil
}

// secret reads the token that a target names under a key, and says where it is from.
func (t *target) secret(key string) (text, from string, err error) {
	if file := t.settings[key+"File"]; file != "" {
		secret, err := config.SecretFile(file).Read()
		if err != nil {
			return "", "", fmt.Errorf("%sFile: %w", key, err)
		}
		return secret.Reveal(), key + "File of target " + t.name, nil
	}
	if variable := t.settings[key+"Env"]; variable != "" {
		text := os.Getenv(variable)
		if text == "" {
			return "", "", fmt.Errorf("%sEnv: there is nothing in %s: put the token there", key, variable)
		}
		return text, variable + ", which target " + t.name + " names", nil
	}
	return "", "", nil
}

// nobody says why nobody can be said to call a target, or another address than its own, and what mends that.
func (c *choice) nobody() error {
	if c.target == nil {
		return misusedf("--address is not that of SPINEGATE_ADDRESS, whose sandbox gives tokens for that one alone: give --token, --cert or the --admin of a sandbox")
	}
	name := c.target.name
	switch {
	case c.away:
		return misusedf("--address is not that of target %s, whose token and certificate go nowhere else: give --token, --cert or the --admin of a sandbox, or leave --target out", name)
	case os.Getenv("SPINEGATE_TOKEN") != "":
		return misusedf("SPINEGATE_TOKEN is not sent to target %s, as it may be for another gateway: \"tokenEnv: SPINEGATE_TOKEN\" in the target says that it is for this one", name)
	}
	return misusedf("target %s does not say as whom to call: give it tokenFile, tokenEnv, or cert and key; a sandbox without TLS gives tokens at its admin address (admin)", name)
}
