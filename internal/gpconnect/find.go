package gpconnect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// logicalID is the form of a FHIR id.
var logicalID = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// FindPatient finds the one Patient of a number at the Foundations root (4.1). Its logical id is good for that root and
// this call alone.
//
// A practice that knows nobody, for whatever reason, is PATIENT_UNKNOWN_AT_PRACTICE; two Patients of the number are
// PRACTICE_PATIENT_AMBIGUOUS, and none is chosen; somebody else is WRONG_PATIENT; nobody with a valid number is
// PATIENT_UNIDENTIFIED.
func (c *Client) FindPatient(ctx context.Context, to Target, number nhs.Number) (*Patient, *spine.Response, error) {
	query := url.Values{"identifier": {nhsNumberSystem + "|" + number.Digits()}}
	response, err := c.call(ctx, to, nhs.SearchPatient, "", query, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("find the patient at the practice: %w", err)
	}
	defer response.Body.Close()
	p, err := findPatient(fhir.NewBundleReader(response.Body, small(c.limits)), number)
	if err != nil {
		return nil, nil, fmt.Errorf("find the patient at the practice: %w", err)
	}
	return p, response, nil
}

func findPatient(bundle *fhir.BundleReader, number nhs.Number) (*Patient, error) {
	gate := newGate(number)
	var found *Patient
	var practice practiceReference
	ambiguous := false
	ledger := newLedger(Selection{})
	for {
		e, err := bundle.Next()
		if errors.Is(err, io.EOF) {
			if err := gate.tail(bundle.TailNotes()); err != nil {
				return nil, err
			}
			break
		}
		if err != nil {
			return nil, unusable(err)
		}
		if err := gate.check(e); err != nil {
			return nil, err
		}
		if _, err := ledger.note(e); err != nil {
			return nil, err
		}
		if e.ResourceType != "Patient" {
			continue
		}
		ambiguous = ambiguous || found != nil
		found, practice = newPatient(number, &Entry{Entry: e.Clone(), Told: true})
	}
	switch {
	case found == nil:
		return nil, refuse(pb.ErrorReason_ERROR_REASON_PATIENT_UNKNOWN_AT_PRACTICE)
	case ambiguous:
		return nil, refuse(pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_AMBIGUOUS)
	case !logicalID.MatchString(found.ID):
		return nil, invalid(errors.New("the Patient has no id"))
	}
	if known, ok := ledger.practice(practice); ok {
		found.Practice = known
	}
	return found, nil
}
