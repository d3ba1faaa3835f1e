package main

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// words is an enum's value as people write it: REGISTRATION_STATUS_NOT_CURRENT is "not current". A value newer than this
// program says so.
func words(e protoreflect.Enum) string {
	return strings.ToLower(strings.ReplaceAll(name(e), "_", " "))
}

// name is an enum's value without the prefix that every value of it has.
func name(e protoreflect.Enum) string {
	d := e.Descriptor()
	value := d.Values().ByNumber(e.Number())
	if value == nil {
		return "UNKNOWN_" + strconv.Itoa(int(e.Number()))
	}
	return strings.TrimPrefix(string(value.Name()), prefix(d))
}

// option is an enum's value as it is given on the command line: search-slot.
func option(e protoreflect.Enum) string {
	return strings.ReplaceAll(words(e), " ", "-")
}

// options are all values of an enum but the unspecified one, as they are given on the command line.
func options(d protoreflect.EnumDescriptor) []string {
	var all []string
	for i := range d.Values().Len() {
		if v := d.Values().Get(i); v.Number() != 0 {
			all = append(all, strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(string(v.Name()), prefix(d)), "_", "-")))
		}
	}
	return all
}

// parseOption is the value that an option names.
func parseOption(d protoreflect.EnumDescriptor, option string) (protoreflect.EnumNumber, bool) {
	full := prefix(d) + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
	if v := d.Values().ByName(protoreflect.Name(full)); v != nil && v.Number() != 0 {
		return v.Number(), true
	}
	return 0, false
}

func prefix(d protoreflect.EnumDescriptor) string {
	var b strings.Builder
	for i, r := range string(d.Name()) {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String() + "_"
}

// stripped is an NHS Number without the spaces and hyphens that people write it with. The gateway checks what is left, so
// that there is one judge of it.
func stripped(parts []string) string {
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\u2011", "").Replace(strings.Join(parts, ""))
}

// grouped is an NHS Number as the NHS writes it: 3-3-4.
func grouped(number string) string {
	if len(number) != 10 {
		return number
	}
	return number[:3] + " " + number[3:6] + " " + number[6:]
}

func fullName(n *pb.HumanName) string {
	if n == nil {
		return ""
	}
	if n.GetFamily() == "" && n.GetText() != "" {
		return n.GetText()
	}
	parts := append(append([]string{}, n.GetPrefix()...), n.GetGiven()...)
	return strings.Join(append(parts, n.GetFamily()), " ")
}

func oneLine(a *pb.Address) string {
	var parts []string
	for _, part := range append(append([]string{}, a.GetLines()...), a.GetCity(), a.GetDistrict(), a.GetPostalCode(), a.GetCountry()) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return a.GetText()
	}
	return strings.Join(parts, ", ")
}

// moment is a time of ours, in UTC.
func moment(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format("2006-01-02 15:04:05Z")
}

// diaryTime shows the digits of a practice's diary, whatever zone this machine is in.
func diaryTime(t *pb.SlotTime) string {
	parsed, err := time.Parse(time.RFC3339, t.GetLocal())
	if err != nil {
		return t.GetLocal()
	}
	return parsed.Format("Mon 02 Jan 15:04")
}

// took is a duration as a person reads it.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// plural counts things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
