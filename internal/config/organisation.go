package config

import (
	"fmt"
	"slices"
	"strings"
)

// validateOwn checks what an organisation has for itself where others share the gateway's.
func (o Organisation) validateOwn(p *problems, key string) {
	p.path(key+"proxy.certificateFile", string(o.Proxy.CertificateFile), false)
	p.path(key+"proxy.keyFile", string(o.Proxy.KeyFile), false)
	p.need((o.Proxy.CertificateFile == "") == (o.Proxy.KeyFile == ""), key+"proxy.keyFile",
		"certificateFile and keyFile belong together: give both or none")
	p.need(o.Proxy.CertificateFile == "" || o.FQDN != "", key+"fqdn", "the host name that the organisation's own certificate is for is needed")
	o.Token.validate(p, key+"token", !o.Token.IsZero())
	p.need(o.PDSRequestsPerSecond >= 0 && o.PDSRequestsPerSecond <= mostCalls, key+"pdsRequestsPerSecond", "a number above 0 is needed")
	p.need(o.PDSRequestsPerSecond == 0 || !o.Token.IsZero(), key+"pdsRequestsPerSecond",
		"a quota of its own needs an application of its own: give token, or leave this out")
	for i, name := range o.Methods {
		p.need(slices.Contains(methods, name) || slices.ContainsFunc(methods, func(m string) bool { return strings.HasPrefix(m, "/"+name+"/") }),
			fmt.Sprintf("%smethods[%d]", key, i),
			"the full name of a method is needed, such as /spinegate.v1.PatientTrace/TracePatient, or of a service, such as spinegate.v1.PatientTrace")
	}
	p.need(o.Limit >= 0 && o.Limit <= mostCalls, key+"limit", "a number of calls a second is needed, above 0 and up to %d", mostCalls)
}

// mostCalls is more than one gateway serves in a second.
const mostCalls = 1_000_000

// methods are those of the API; a test holds them against the policy table.
var methods = []string{
	"/spinegate.v1.PatientTrace/TracePatient", "/spinegate.v1.PatientTrace/SearchPatients",
	"/spinegate.v1.PatientTrace/TracePatients", "/spinegate.v1.PatientTrace/ListRelatedPersons",
	"/spinegate.v1.EndpointDirectory/ResolveEndpoint", "/spinegate.v1.EndpointDirectory/ResolveEndpoints",
	"/spinegate.v1.GPConnect/GetCapabilities", "/spinegate.v1.GPConnect/GetStructuredRecord",
	"/spinegate.v1.GPConnect/GetRecordHtml", "/spinegate.v1.GPConnect/SearchDocuments", "/spinegate.v1.GPConnect/GetDocument",
	"/spinegate.v1.GPConnect/SearchSlots", "/spinegate.v1.GPConnect/BookAppointment", "/spinegate.v1.GPConnect/AmendAppointment",
	"/spinegate.v1.GPConnect/CancelAppointment", "/spinegate.v1.GPConnect/GetAppointment",
	"/spinegate.v1.GPConnect/ListAppointments", "/spinegate.v1.GPConnect/FindPatient", "/spinegate.v1.GPConnect/RegisterPatient",
	"/spinegate.v1.GPConnect/FindPractitioner", "/spinegate.v1.GPConnect/FindOrganization", "/spinegate.v1.GPConnect/GetLocation",
}
