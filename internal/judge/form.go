package judge

// form is what a member of a resource in the audit token may look like. Practices read the resources into types and refuse a
// token that does not fit, whatever it says (SDS contract, E3).
type form struct {
	// members are those of an object; nil for a text.
	members map[string]form
	// listed says that it is a list of such.
	listed bool
}

// fits reports whether a value has the form: nothing is null, of another type, or a member that is not there.
func (f form) fits(v any) bool {
	if f.listed {
		list, ok := v.([]any)
		one := form{members: f.members}
		for _, item := range list {
			ok = ok && one.fits(item)
		}
		return ok
	}
	if f.members == nil {
		_, ok := v.(string)
		return ok
	}
	o, ok := v.(map[string]any)
	for name, member := range o {
		known, there := f.members[name]
		ok = ok && there && known.fits(member)
	}
	return ok
}

var (
	oneText     = form{}
	manyTexts   = form{listed: true}
	identifiers = form{listed: true, members: map[string]form{"system": oneText, "value": oneText}}
)

// resourceForms are the forms of the three resources in an edition.
func resourceForms(e *edition) map[string]form {
	practitioner := map[string]form{
		"resourceType": oneText, "id": oneText, "identifier": identifiers,
		"name": {listed: true, members: map[string]form{"use": oneText, "family": oneText, "given": manyTexts, "prefix": manyTexts}},
	}
	if e.record {
		// One name, whose family names are a list, and the name of the role.
		practitioner["name"] = form{members: map[string]form{"use": oneText, "family": manyTexts, "given": manyTexts, "prefix": manyTexts}}
		codings := form{listed: true, members: map[string]form{"system": oneText, "code": oneText, "display": oneText}}
		practitioner["practitionerRole"] = form{listed: true, members: map[string]form{
			"role": {members: map[string]form{"coding": codings, "text": oneText}},
		}}
	}
	return map[string]form{
		"requesting_device": {members: map[string]form{
			"resourceType": oneText, "id": oneText, "identifier": identifiers, "model": oneText, "version": oneText,
		}},
		"requesting_organization": {members: map[string]form{
			"resourceType": oneText, "id": oneText, "identifier": identifiers, "name": oneText,
		}},
		"requesting_practitioner": {members: practitioner},
	}
}
