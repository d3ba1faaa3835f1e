package typed

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Date is a date of any FHIR precision, as every part of the contract carries one. Nothing gives nil.
func Date(received string) *pb.ClinicalDate { return clinicalDate(text(received)) }

// clinicalDate keeps the text and says how precise it is. A text that is not a FHIR date, or no day of the calendar, has
// no precision. There is an instant only where a zone was written: a zone is never assumed (contract, 15.24).
func clinicalDate(t text) *pb.ClinicalDate {
	if t == "" {
		return nil
	}
	d := &pb.ClinicalDate{Text: string(t)}
	switch s := d.GetText(); {
	case len(s) == len("2006") && exists("2006", s):
		d.Precision = pb.DatePrecision_DATE_PRECISION_YEAR
	case len(s) == len("2006-01") && exists("2006-01", s):
		d.Precision = pb.DatePrecision_DATE_PRECISION_MONTH
	case len(s) == len(time.DateOnly) && exists(time.DateOnly, s):
		d.Precision = pb.DatePrecision_DATE_PRECISION_DAY
	case len(s) >= len(localTime):
		d.Precision, d.Instant = moment(s)
	}
	return d
}

const localTime = "2006-01-02T15:04:05"

func exists(layout, s string) bool {
	at, err := time.Parse(layout, s)
	return err == nil && at.Year() > 0
}

// moment reads a time with or without a fraction and a zone.
func moment(s string) (pb.DatePrecision, *timestamppb.Timestamp) {
	local, rest := s[:len(localTime)], s[len(localTime):]
	at, err := time.Parse(localTime, local)
	if err != nil || at.Year() < 1 {
		return pb.DatePrecision_DATE_PRECISION_UNSPECIFIED, nil
	}
	if digits, found := strings.CutPrefix(rest, "."); found {
		end := len(digits) - len(strings.TrimLeft(digits, "0123456789"))
		if end == 0 {
			return pb.DatePrecision_DATE_PRECISION_UNSPECIFIED, nil
		}
		at = at.Add(fraction(digits[:end]))
		rest = digits[end:]
	}
	if rest == "" {
		return pb.DatePrecision_DATE_PRECISION_TIME, nil
	}
	offset, ok := zone(rest)
	if !ok {
		return pb.DatePrecision_DATE_PRECISION_UNSPECIFIED, nil
	}
	instant := timestamppb.New(at.Add(-offset))
	if !instant.IsValid() { // the first or last hours of the calendar
		instant = nil
	}
	return pb.DatePrecision_DATE_PRECISION_TIME, instant
}

// fraction is a fraction of a second given by its digits. Digits beyond the nanosecond remain in the text.
func fraction(digits string) time.Duration {
	var ns, unit time.Duration = 0, time.Second
	for i := 0; i < len(digits) && unit > 1; i++ {
		unit /= 10
		ns += time.Duration(digits[i]-'0') * unit
	}
	return ns
}

// zone reads `Z` or an offset of at most fourteen hours.
func zone(s string) (time.Duration, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	at, err := time.Parse("15:04", s[1:])
	if err != nil || s[3] != ':' {
		return 0, false
	}
	offset := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	if offset > 14*time.Hour {
		return 0, false
	}
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// period is a period of time.
type period struct {
	Start text `json:"start"`
	End   text `json:"end"`
}

func clinicalPeriod(p *period) *pb.ClinicalPeriod {
	if p == nil {
		return nil
	}
	return &pb.ClinicalPeriod{Start: clinicalDate(p.Start), End: clinicalDate(p.End)}
}
