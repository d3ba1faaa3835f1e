package main

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// hint is what a user of this program can do about a failure, beyond what the gateway says.
func (t *terminal) hint(err error, f failure) string {
	if _, isLate := errors.AsType[expired](err); isLate {
		return "--timeout ended this call; a longer one waits longer."
	}
	if f.reason == "" && f.code == codes.Unavailable {
		return unreached(f.message)
	}
	return t.hintFor(pb.ErrorReason(pb.ErrorReason_value["ERROR_REASON_"+f.reason]))
}

// hintFor is what can be done about a reason.
func (t *terminal) hintFor(reason pb.ErrorReason) string {
	sandboxed := t.minted != ""
	switch reason {
	case pb.ErrorReason_ERROR_REASON_TOKEN_MISSING:
		return "Give a token by SPINEGATE_TOKEN, or by tokenFile of a target (\"spinegate targets --help\")."
	case pb.ErrorReason_ERROR_REASON_TOKEN_EXPIRED:
		return "Get a new token. This one is from: " + t.choice.from("token") + "."
	case pb.ErrorReason_ERROR_REASON_TOKEN_INVALID:
		if sandboxed {
			return "The token came from the sandbox whose admin address is " + t.minted + ". Is that the gateway that was called? Give --admin its own."
		}
		return "The token is from: " + t.choice.from("token") + ". Is it for this gateway? \"spinegate doctor\" tells its dates, and whether it is taken."
	case pb.ErrorReason_ERROR_REASON_SCOPE_MISSING, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED:
		if sandboxed {
			return "\"spinegate token --list\" tells what each persona of the sandbox may: give another --persona."
		}
		return "\"spinegate doctor\" tells what may be called with this token, and docs/policy.md what a call needs; its issuer gives another."
	case pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND:
		return "Is the code right? \"spinegate doctor --practice CODE\" tells what a practice is registered for."
	case pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, pb.ErrorReason_ERROR_REASON_HANDLE_EXPIRED, pb.ErrorReason_ERROR_REASON_SLOT_TAKEN:
		return "\"spinegate slots --handles\" gives those that are free now."
	case pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES:
		return "This is not an empty answer: people match, and none is shown. Narrow it by --given or fewer days of birth (a --postcode hides restricted people), or raise --max; more than one is shown to who is signed in with CIS2 (--sign-in in a sandbox)."
	default:
		return entry[name(reason)]
	}
}

// entry is what lets a caller in who is kept out, by reason; whoever is refused one call is told the same.
var entry = map[string]string{ //nolint:gosec // reasons and advice, no credential
	"TOKEN_MISSING":        "Give one in SPINEGATE_TOKEN.",
	"TOKEN_EXPIRED":        "Get a new token. If this one is, the clocks of this machine, its issuer and the gateway have to agree.",
	"CREDENTIALS_CONFLICT": "The client certificate and the token have to be of the same organisation: give one of them, or two that agree.",
	"CIS2_TOKEN_INVALID":   "Give a good ID token, of the same SDS user as the bearer token; or none, and nobody is signed in.",
	"RATE_LIMITED":         "Wait, and try again; if it stays so, the gateway's operator has to look at the limits.",
}

// unreached says what to do where no gateway answered, by what gRPC says of that. It is gRPC's wording and may change: then
// the last one is left.
func unreached(message string) string {
	for _, h := range []struct{ said, hint string }{
		{"HTTP/1.1 header", "Something else answers there: perhaps the gateway's own admin address. The gateway's is HOST:PORT of its listener."},
		{"does not look like a TLS handshake", "What answers there speaks no TLS: leave --tls, --ca and --cert out, or call its other address."},
		{"signed by unknown authority", "Its certificate is by an authority that is not trusted here: give that by --ca FILE, if it is the right one."},
		{"certificate is valid for", "Its certificate is for another name: --address has to have one that it is for."},
		{"certificate has expired", "Its certificate is not valid today. Is this machine's clock right? If it is, the gateway's operator has to renew it."},
		{"certificate required", "It wants a client certificate: --cert and --key."},
		{"bad certificate", "It does not take this client certificate: give another by --cert and --key."},
		{"server preface", "Something is there that does not speak as it was asked: if it is a gateway, it may want TLS (--tls, or --ca FILE)."},
		{"no such host", "There is no such host: look at --address."},
		{"zero addresses", "There is no such host: look at --address."},
	} {
		if strings.Contains(message, h.said) {
			return h.hint
		}
	}
	return "The gateway itself did not answer. Is it running, and is this its address? \"server sandbox\" starts one here; \"spinegate doctor\" looks closer."
}
