package typed

import "strings"

// extension is an extension with the values that extensions of GP Connect have.
type extension struct {
	URL                  text            `json:"url"`
	Extension            list[extension] `json:"extension"`
	ValueBoolean         stated          `json:"valueBoolean"`
	ValueCode            code            `json:"valueCode"`
	ValueCodeableConcept *concept        `json:"valueCodeableConcept"`
	ValueDateTime        text            `json:"valueDateTime"`
	ValueID              text            `json:"valueId"`
	ValuePeriod          *period         `json:"valuePeriod"`
	ValuePositiveInt     whole[int32]    `json:"valuePositiveInt"`
	ValueUnsignedInt     whole[int32]    `json:"valueUnsignedInt"`
	ValueReference       *reference      `json:"valueReference"`
	ValueString          text            `json:"valueString"`
}

// is compares the last segment of the extension's URL, without `GPC-`: published records mix schemes, hosts and both
// families of names (contract, 18).
func (x *extension) is(name string) bool {
	url := string(x.URL)
	last := url[strings.LastIndexByte(url, '/')+1:]
	if last == name {
		return true
	}
	before, after, found := strings.Cut(last, "GPC-")
	return found && len(before)+len(after) == len(name) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
}

// find is the first extension of the name, or nil.
func find(l list[extension], name string) *extension {
	for i := range l {
		if l[i].is(name) {
			return &l[i]
		}
	}
	return nil
}

// value is the first extension of the name, or an empty one.
func value(l list[extension], name string) *extension {
	if x := find(l, name); x != nil {
		return x
	}
	return new(extension)
}

// part is the part of the name, or an empty one. Suppliers write the names of parts in different case.
func (x *extension) part(name string) *extension {
	for i := range x.Extension {
		if strings.EqualFold(string(x.Extension[i].URL), name) {
			return &x.Extension[i]
		}
	}
	return new(extension)
}

// count is a whole number, of whichever of the two types.
func (x *extension) count() *int32 {
	if x.ValuePositiveInt.number != nil {
		return x.ValuePositiveInt.number
	}
	return x.ValueUnsignedInt.number
}

// parts are all parts of the name.
func (x *extension) parts(name string) []*extension {
	var out []*extension
	for i := range x.Extension {
		if strings.EqualFold(string(x.Extension[i].URL), name) {
			out = append(out, &x.Extension[i])
		}
	}
	return out
}
