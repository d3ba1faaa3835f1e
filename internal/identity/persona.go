package identity

import (
	"slices"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Persona is somebody made up, for whom the sandbox's issuer mints tokens.
type Persona struct {
	// Name is what to ask for them by.
	Name string
	// About says in a few words what they can show.
	About        string
	Organisation Organisation
	// User is nil for a system.
	User   *User
	Scopes []string
	// Roles are those that they hold in CIS2; nil is the one of User.
	Roles []string
}

// Personas are everybody whom the sandbox knows, the default first. None of them exists.
func Personas() []Persona {
	urgentCare := Organisation{ODS: mustODS("Q8X01"), Name: "Example Urgent Care"}
	community := Organisation{ODS: mustODS("R9Y02"), Name: "Example Community Trust"}
	reads := []string{"patient:trace", "directory:read", "practice:read", "record:read", "documents:read", "appointments:read"}
	all := append(slices.Clip(reads), "appointments:write", "patient:register")
	return []Persona{
		{
			Name: "clinician", About: "a doctor in urgent care who may do everything", Organisation: urgentCare, Scopes: all,
			User: &User{
				LocalID: "u-1001", Family: "SANDBOX", Given: "Robin", Prefix: "Dr",
				SDSUserID: "900000000101", RoleProfileID: "900000000102",
			},
		},
		{
			Name: "receptionist", About: "traces and books, and may see no record", Organisation: urgentCare,
			Scopes: []string{"patient:trace", "directory:read", "practice:read", "appointments:read", "appointments:write"},
			User:   &User{LocalID: "u-1002", Family: "FRONTDESK", Given: "Sam"},
		},
		{
			Name: "nurse", About: "a community nurse of another organisation, who reads and does not write", Organisation: community,
			Scopes: reads,
			User: &User{
				LocalID: "n-2001", Family: "TESTCASE", Given: "Jordan", Prefix: "Sister",
				SDSUserID: "900000000201", RoleProfileID: "900000000202",
			},
		},
		{
			Name: "locum", About: "a doctor with two roles in CIS2, who has picked none of them", Organisation: urgentCare, Scopes: all,
			User:  &User{LocalID: "u-1003", Family: "STANDIN", Given: "Alex", Prefix: "Dr", SDSUserID: "900000000301"},
			Roles: []string{"900000000302", "900000000303"},
		},
		{
			Name: "system", About: "a system without a human: refused wherever a named human is needed",
			Organisation: urgentCare, Scopes: all,
		},
	}
}

// mustODS parses a code that is written in this file.
func mustODS(code string) nhs.ODSCode {
	ods, err := nhs.ParseODSCode(code)
	if err != nil {
		panic(err)
	}
	return ods
}
