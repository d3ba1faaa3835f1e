package interceptor

import (
	"context"
	"fmt"
	"slices"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
)

// authoriser judges by the policy table, and by what each organisation may call. What is not in the table is refused.
type authoriser struct {
	open map[string]bool
	// allowed has the methods of organisations that may not call all of them.
	allowed map[nhs.ODSCode]map[string]bool
}

func newAuthoriser(openToSystems []string, organisations map[nhs.ODSCode]Organisation) (authoriser, error) {
	a := authoriser{open: make(map[string]bool), allowed: make(map[nhs.ODSCode]map[string]bool)}
	for ods, o := range organisations {
		if len(o.Methods) == 0 {
			continue
		}
		methods, err := policy.Named(o.Methods)
		if err != nil {
			return authoriser{}, fmt.Errorf("interceptor: %w", err)
		}
		a.allowed[ods] = methods
	}
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
	case !a.permits(caller.Organisation.ODS, row.Name):
		return refuse(pb.ErrorReason_ERROR_REASON_ORGANISATION_NOT_PERMITTED)
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

// permits says whether an organisation may call a method at all.
func (a authoriser) permits(ods nhs.ODSCode, method string) bool {
	methods, some := a.allowed[ods]
	return !some || methods[method]
}

func refuse(reason pb.ErrorReason) *fault.Error { return fault.New(pb.Hop_HOP_GATEWAY, reason, nil) }
