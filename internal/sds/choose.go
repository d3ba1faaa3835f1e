package sds

import (
	"net/url"
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// chooseEndpoint applies the rules of the SDS contract, A8, from the second on: the entries are about the organisation and
// the interaction already.
func chooseEndpoint(all []endpoint, addresses spine.AddressPolicy) (endpoint, error) {
	var usable []endpoint
	without, refused := 0, 0
	for _, e := range all {
		switch {
		case strings.TrimSpace(e.address) == "":
			without++
		case addresses.Check(e.address) != nil:
			refused++
		case !slices.Contains(usable, e):
			usable = append(usable, e)
		}
	}
	chosen := usable
	if len(chosen) > 1 {
		// Bindings of consumers, https://host/, are registered for provider interactions against the rules.
		chosen = slices.DeleteFunc(slices.Clone(usable), func(e endpoint) bool { return !hasPath(e.address) })
	}
	switch {
	case len(usable) == 0 && refused > 0:
		return endpoint{}, failed(pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED)
	case len(usable) == 0 && without > 0:
		return endpoint{}, failed(pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE)
	case len(usable) == 0:
		return endpoint{}, failed(pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND)
	case len(chosen) != 1:
		e := failed(pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS)
		for _, u := range usable {
			e.Candidates = append(e.Candidates, &pb.Candidate{OdsCode: u.ods.String(), PartyKey: u.key.String(), Host: host(u.address)})
		}
		return endpoint{}, e
	case chosen[0].key.IsZero():
		return endpoint{}, failed(pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE)
	}
	return chosen[0], nil
}

// chooseDevice wants exactly one ASID among the devices that carry the party key.
func chooseDevice(all []device, ods nhs.ODSCode, key nhs.PartyKey) (device, error) {
	var systems []device
	for _, d := range all {
		if d.asid.IsZero() {
			return device{}, failed(pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE)
		}
		if !slices.ContainsFunc(systems, func(s device) bool { return s.asid == d.asid }) {
			systems = append(systems, d)
		}
	}
	switch len(systems) {
	case 0:
		return device{}, failed(pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND)
	case 1:
		return systems[0], nil
	}
	e := failed(pb.ErrorReason_ERROR_REASON_DEVICE_AMBIGUOUS)
	for _, s := range systems {
		e.Candidates = append(e.Candidates, &pb.Candidate{OdsCode: ods.String(), PartyKey: key.String(), Asid: s.asid.String()})
	}
	return device{}, e
}

// chooseSender wants exactly one ASID among the consumer's systems that our supplier made (SDS contract, A8). Whatever is
// wrong is CONSUMER_ASID_UNKNOWN and not one of the reasons about devices, which tell a clinician that the practice's entry
// is at fault: this is about their own organisation, and nobody at the practice can mend it.
func chooseSender(all []device, q SenderQuestion) (nhs.ASID, error) {
	unknown := failed(pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN)
	var systems []device
	for _, d := range all {
		if d.asid.IsZero() {
			unknown.Operator = "The directory has a system of ours for the organisation without an ASID."
			return nhs.ASID{}, unknown
		}
		if !slices.ContainsFunc(systems, func(s device) bool { return s.asid == d.asid }) {
			systems = append(systems, d)
		}
	}
	switch len(systems) {
	case 0:
		unknown.Operator = "The directory has no system of ours for the organisation and the interaction."
		return nhs.ASID{}, unknown
	case 1:
		return systems[0].asid, nil
	}
	unknown.Operator = "The directory has more than one system of ours for the organisation; configure its asid."
	for _, s := range systems {
		unknown.Candidates = append(unknown.Candidates, &pb.Candidate{
			OdsCode: q.Consumer.String(), PartyKey: s.key.String(), Asid: s.asid.String(),
		})
	}
	return nhs.ASID{}, unknown
}

func failed(reason pb.ErrorReason) *fault.Error { return fault.New(pb.Hop_HOP_SDS, reason, nil) }

func hasPath(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.Trim(u.Path, "/") != ""
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
