package spine

// edition is which FHIR a part of GP Connect speaks: media types and the resources in the audit token follow from it
// (SDS contract, E5).
type edition int

const (
	// stu3 is everything from GP Connect 1.0 on.
	stu3 edition = iota
	// dstu2 is Access Record HTML, 0.7.
	dstu2
)

// mediaType is that of JSON. What is sent says its character set as well, without a space (SDS contract, C3).
func (e edition) mediaType() string {
	if e == dstu2 {
		return "application/json+fhir"
	}
	return "application/fhir+json"
}

// claims are those of the audit token that differ: the audience, and who asks as resources.
func (e edition) claims(s statement) map[string]any {
	if e == dstu2 {
		return dstu2Claims(s)
	}
	return stu3Claims(s)
}

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

// known is an id, or what stands for one that a user does not have.
func known(id string) string {
	if id == "" {
		return unknownID
	}
	return id
}
