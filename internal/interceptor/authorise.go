package interceptor

import (
	"context"
	"fmt"
	"slices"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/policy"
)

// authoriser judges by the policy table. What is not in it is refused.
type authoriser struct{ open map[string]bool }

func newAuthoriser(openToSystems []string) (authoriser, error) {
	a := authoriser{open: make(map[string]bool)}
	for _, method := range openToSystems {
		if row, ok := policy.For(method); !ok || row.Human != policy.HumanUnlessOpened {
			return authoriser{}, fmt.Errorf("interceptor: %q cannot be opened to systems: its policy is not %q", method, policy.HumanUnlessOpened)
		}
		a.open[method] = true
	}
	return a, nil
}

func (a authoriser) link(ctx context.Context, next rest) error {
	row := callFrom(ctx).row
	caller, identified := identity.FromContext(ctx)
	switch {
	case row.Name == "":
		return refuse(pb.ErrorReason_ERROR_REASON_METHOD_WITHOUT_POLICY)
	case !identified:
		// Identify lets nobody pass who was not: this guards the order of the chain.
		return refuse(pb.ErrorReason_ERROR_REASON_TOKEN_MISSING)
	case caller.User == nil && row.Human != policy.HumanOptional && !a.open[row.Name]:
		return refuse(pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED)
	}
	for _, scope := range row.Scopes {
		if !slices.Contains(caller.Scopes, string(scope)) {
			e := refuse(pb.ErrorReason_ERROR_REASON_SCOPE_MISSING)
			e.Metadata = map[string]string{"scope": string(scope)}
			return e
		}
	}
	if !row.Built {
		return refuse(pb.ErrorReason_ERROR_REASON_METHOD_NOT_BUILT)
	}
	return next(ctx)
}

func refuse(reason pb.ErrorReason) *fault.Error { return fault.New(pb.Hop_HOP_GATEWAY, reason, nil) }
