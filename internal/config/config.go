// Package config is what an operator tells the gateway: one struct, whose comments are the manual.
//
// Defaults are compiled in; the YAML file overrides them, environment variables override the paths of secrets, and flags
// the addresses. A key that is not known is an error with its line, and so is every value that could not work: [Load]
// reports all of them at once, each with the key and what to change. Secrets are paths, never values.
//
// It imports none of the packages that it configures: package server maps this to their own configurations.
package config

import "time"

// Config is the whole of it.
type Config struct {
	// Which Spine this gateway is for: INTEGRATION (test data, real systems), LIVE, or SANDBOX (the NHS's public sandboxes,
	// or a spinesim of yours). INTEGRATION and LIVE refuse whatever a simulator answers. Required.
	Environment Environment `yaml:"environment"`
	// Where callers reach the gateway.
	Listen Listen `yaml:"listen"`
	// Where operators reach it: health, readiness and metrics over HTTP.
	Admin Admin `yaml:"admin"`
	// How the gateway reaches the Spine.
	Spine Spine `yaml:"spine"`
	// What the gateway says of itself in the audit token that reaches practices.
	System System `yaml:"system"`
	// The organisations whose users may call. At least one. A caller's organisation comes from the credential alone, and
	// one that is not here is refused.
	Organisations []Organisation `yaml:"organisations"`
	// Whose word is taken for who calls.
	Identity Identity `yaml:"identity"`
	// The audit trail: evidence of every access, durable before the access is made.
	Audit Store `yaml:"audit"`
	// The journal of writes, by which a booking is sent at most once.
	Journal Store `yaml:"journal"`
	// The handles by which slots and appointments travel to callers and back.
	Handles Handles `yaml:"handles"`
	// How much the gateway takes on at the same time.
	Bounds Bounds `yaml:"bounds"`
	// What is logged. Every level is safe for live data.
	Log Log `yaml:"log"`
}

// Listen is the gRPC listener.
type Listen struct {
	// Address and port. Without a certificate it must be a loopback address.
	Address string `yaml:"address"`
	// PEM file with the server's certificate and its chain. Read again within half a minute of a change.
	CertificateFile File `yaml:"certificateFile"`
	// PEM file with the certificate's private key.
	KeyFile SecretFile `yaml:"keyFile" env:"SPINEGATE_LISTEN_KEY_FILE"`
	// PEM file with the authorities that sign callers' certificates. With it a caller may present one, and must if no
	// issuer of tokens is configured. Read again within half a minute of a change.
	ClientCAFile File `yaml:"clientCAFile"`
	// The same methods over HTTP and JSON, with the same certificates, as docs/http.md describes.
	HTTP HTTP `yaml:"http"`
}

// HTTP is the listener for callers that speak HTTP and JSON.
type HTTP struct {
	// Address and port. Without a certificate it must be a loopback address. Empty switches it off.
	Address string `yaml:"address"`
	// Origins whose pages may call from a browser, such as https://portal.example. Empty lets no page call. Every origin
	// is named: there is no wildcard.
	AllowedOrigins []string `yaml:"allowedOrigins"`
}

// Admin is the HTTP listener for operators.
type Admin struct {
	// Address and port of /healthz, /readyz and /metrics, and of /.well-known/jwks.json, the public keys that the
	// application signs with; those of an organisation's own are at /.well-known/, its ODS code, /jwks.json. Anybody who
	// reaches it may read them: keep it on loopback or behind a network policy, and let through from the internet no other
	// paths than those of the keys. Empty switches it off.
	Address string `yaml:"address"`
}

// Spine holds one part for each upstream.
type Spine struct {
	// The token service of the API platform.
	Token Token `yaml:"token"`
	// The Personal Demographics Service.
	PDS PDS `yaml:"pds"`
	// The Spine Directory Service.
	SDS SDS `yaml:"sds"`
	// The Spine Secure Proxy, the only way to a practice.
	Proxy Proxy `yaml:"proxy"`
	// PEM file with the authorities that are trusted for the token service, PDS and SDS. Empty trusts the system's. Read again
	// within half a minute of a change.
	CAFile File `yaml:"caFile"`
}

// Token is the token service.
type Token struct {
	// The token URL, which is also the audience of what the application signs. The default follows from the environment.
	URL string `yaml:"url"`
	// File with the application's API key, its client id.
	APIKeyFile SecretFile `yaml:"apiKeyFile" env:"SPINEGATE_TOKEN_API_KEY_FILE"`
	// The kid of the signing key in the key set that the application publishes. A kid stands for one key for ever: a new key
	// needs a new one.
	KeyID string `yaml:"keyID"`
	// PEM file with the RSA private key that the application signs with. Either this is needed or agentSocket with
	// publicKeyFile. Like keyID, agentSocket, publicKeyFile and alsoPublish it is read again when the process gets SIGHUP, and
	// signs from the next token on; the steps of a change are in docs/decisions/0010-signing-keys.md.
	PrivateKeyFile SecretFile `yaml:"privateKeyFile" env:"SPINEGATE_TOKEN_PRIVATE_KEY_FILE"`
	// Unix socket of an agent that holds the private key and speaks the ssh-agent protocol, such as one in front of an HSM, a
	// TPM or a KMS. It is asked for each signature.
	AgentSocket string `yaml:"agentSocket"`
	// PEM file with the public half (PUBLIC KEY) of the key that the agent is to sign with.
	PublicKeyFile File `yaml:"publicKeyFile"`
	// Further keys in the key set at /.well-known/jwks.json, which always has the one that signs: the next, at least two hours
	// before it signs, and the last, until nothing signed with it is under way.
	AlsoPublish []PublicKey `yaml:"alsoPublish"`
	// File with the client secret of the application whose API key is above (not of the client that clinicians sign in to), with which the session of a clinician goes on for up to 12 hours after they
	// signed in with CIS2. Without it they sign in again when their ID token has expired.
	ClientSecretFile SecretFile `yaml:"clientSecretFile" env:"SPINEGATE_TOKEN_CLIENT_SECRET_FILE"`
}

// PublicKey is one that is published and does not sign.
type PublicKey struct {
	// Its kid. Required.
	KeyID string `yaml:"keyID"`
	// PEM file with the RSA public key (PUBLIC KEY). Required.
	PublicKeyFile File `yaml:"publicKeyFile"`
}

// PDS is asked as the application, or as the clinician who is signed in with CIS2; see pdsAccess of an organisation.
type PDS struct {
	// The FHIR base URL. The default follows from the environment.
	URL string `yaml:"url"`
	// Requests a second that this gateway may make, all callers together. The NHS gives an application 5 by default. It is
	// read again when the process gets SIGHUP, as the application's keys are; everything else needs a restart.
	RequestsPerSecond float64 `yaml:"requestsPerSecond"`
	// Where it is recorded that humans are served in application-restricted mode, such as the number of an agreement with
	// the NHS. Required in LIVE unless pdsAccess of every organisation is HEALTHCARE_WORKER.
	ApplicationRestrictedDeviation string `yaml:"applicationRestrictedDeviation"`
}

// SDS is the directory.
type SDS struct {
	// The FHIR base URL. The default follows from the environment.
	URL string `yaml:"url"`
	// File with the API key.
	APIKeyFile SecretFile `yaml:"apiKeyFile" env:"SPINEGATE_SDS_API_KEY_FILE"`
	// Requests a minute that this gateway may make, all callers together; a look-up takes two. The NHS gives an application
	// 300 by default, and smooths them. It is read again when the process gets SIGHUP.
	RequestsPerMinute float64 `yaml:"requestsPerMinute"`
}

// Proxy is the way to practices.
type Proxy struct {
	// The proxy's URL, as given out at onboarding: https and a host, no path.
	URL string `yaml:"url"`
	// PEM file with the client certificate that the NHS issued, and its chain. Read again within half a minute of a change;
	// one that cannot be used, or has expired, leaves the last one in place. What is used at the start must be good.
	CertificateFile File `yaml:"certificateFile"`
	// PEM file with the certificate's private key.
	KeyFile SecretFile `yaml:"keyFile" env:"SPINEGATE_PROXY_KEY_FILE"`
	// PEM file with the Spine's own authorities. No other is trusted here, not even the system's. Read again within half a
	// minute of a change; the steps of a change are in docs/decisions/0011-tls-towards-the-proxy.md.
	CAFile File `yaml:"caFile"`
	// Domains in which practices' addresses must lie, such as nhs.uk. Empty allows every public one, and is refused in LIVE.
	// An address is never dialled by the gateway, but the proxy connects to it.
	AddressSuffixes []string `yaml:"addressSuffixes"`
}

// System is the consumer system as practices are told of it.
type System struct {
	// URL of this system's Spine endpoint: https and the host name that the client certificate of spine.proxy is for. Another is
	// refused.
	URL string `yaml:"url"`
	// An id for this installation, unique below the URL.
	DeviceID string `yaml:"deviceID"`
	// Name of the software, as it was assured.
	Model string `yaml:"model"`
	// ODS code of its supplier, as the directory has it. With it an organisation needs no asid here: the directory is asked
	// for the organisation's system that this supplier made.
	ManufacturerODS string `yaml:"manufacturerODS"`
}

// Organisation is one whose users may call.
type Organisation struct {
	// ODS code. Required.
	ODS string `yaml:"ods"`
	// Name, as practices are told. Required.
	Name string `yaml:"name"`
	// The organisation's own ASID: twelve digits. Empty asks the directory, for which system.manufacturerODS is needed.
	ASID string `yaml:"asid"`
	// Host name that the ASID is registered for. If it is given, a client certificate for another is refused, at the start
	// and when it is renewed. Required with a proxy certificate of its own.
	FQDN string `yaml:"fqdn"`
	// Its own client certificate towards the proxy. Needed where the ASID is registered for another host name than the
	// certificate of spine.proxy is for. Nobody else's calls go over its connections, and practices are told https and its fqdn
	// in place of system.url.
	Proxy ClientCertificate `yaml:"proxy"`
	// Its own application on the API platform: PDS is asked with its credentials, and its quota is its own. Empty shares the one of
	// spine.token. What is here is read again on SIGHUP, as there.
	Token Application `yaml:"token"`
	// Requests a second that its own application may make to PDS. For organisations with a token of their own alone; empty is
	// spine.pds.requestsPerSecond. Read again on SIGHUP.
	PDSRequestsPerSecond float64 `yaml:"pdsRequestsPerSecond"`
	// A telephone number that practices are given with a booking.
	Phone string `yaml:"phone"`
	// Clinical areas that it may ask for, such as ALLERGIES; asking for another is an error. Empty allows all.
	Areas []string `yaml:"areas"`
	// As whom its users ask PDS. Empty or BY_IDENTITY: as the clinician where one is signed in with CIS2, else as the application.
	// HEALTHCARE_WORKER: a human only as the clinician; a call that does not bring their sign-in is refused.
	// APPLICATION_RESTRICTED: always as the application, which sees one match of a search at most.
	PDSAccess PDSAccess `yaml:"pdsAccess"`
	// Refuse calls that do not name the device that the user sits at.
	RequireDevice bool `yaml:"requireDevice"`
	// Refuse calls that do not state what connects the user and the patient.
	RequireRelationship bool `yaml:"requireRelationship"`
	// What it may call: full names of methods, such as /spinegate.v1.PatientTrace/TracePatient, and names of services, such as
	// spinegate.v1.EndpointDirectory. Empty allows all. Whatever is allowed here still needs its scopes.
	Methods []string `yaml:"methods"`
	// Calls a second that all its users and systems may make together, with one second's worth at once. Empty sets no bound but
	// those of docs/policy.md, which each caller has.
	Limit float64 `yaml:"limit"`
}

// ClientCertificate is an organisation's own.
type ClientCertificate struct {
	// PEM file with the client certificate that the NHS issued, and its chain. Read again within half a minute of a change.
	CertificateFile File `yaml:"certificateFile"`
	// PEM file with the certificate's private key.
	KeyFile SecretFile `yaml:"keyFile"`
}

// Application is what the API platform knows an organisation's own application by. The settings are those of spine.token.
type Application struct {
	// File with the application's API key. No other application here may have the same.
	APIKeyFile SecretFile `yaml:"apiKeyFile"`
	// The kid of the signing key in the key set that the application publishes: for an organisation Q8X01, at
	// /.well-known/Q8X01/jwks.json.
	KeyID string `yaml:"keyID"`
	// PEM file with the RSA private key that the application signs with. Either this is needed or agentSocket with
	// publicKeyFile.
	PrivateKeyFile SecretFile `yaml:"privateKeyFile"`
	// Unix socket of an agent that holds the private key.
	AgentSocket string `yaml:"agentSocket"`
	// PEM file with the public half (PUBLIC KEY) of the key that the agent is to sign with.
	PublicKeyFile File `yaml:"publicKeyFile"`
	// Further keys in its key set.
	AlsoPublish []PublicKey `yaml:"alsoPublish"`
	// File with the application's client secret.
	ClientSecretFile SecretFile `yaml:"clientSecretFile"`
}

// IsZero reports whether there is none.
func (a Application) IsZero() bool {
	return a.APIKeyFile == "" && a.KeyID == "" && a.PrivateKeyFile == "" && a.AgentSocket == "" && a.PublicKeyFile == "" &&
		len(a.AlsoPublish) == 0 && a.ClientSecretFile == ""
}

// Application is what the token service is asked with.
func (t Token) Application() Application {
	return Application{
		APIKeyFile: t.APIKeyFile, KeyID: t.KeyID, PrivateKeyFile: t.PrivateKeyFile, AgentSocket: t.AgentSocket,
		PublicKeyFile: t.PublicKeyFile, AlsoPublish: t.AlsoPublish, ClientSecretFile: t.ClientSecretFile,
	}
}

// Identity says who is believed. At least one issuer or certificate is needed.
type Identity struct {
	// OIDC issuers whose tokens are accepted.
	Issuers []Issuer `yaml:"issuers"`
	// Client certificates that stand for an organisation, on their own or beside a token.
	Certificates []Certificate `yaml:"certificates"`
	// NHS Care Identity Service 2, for clinicians who sign in with it: the caller passes their ID token on as metadata
	// spinegate-cis2-id-token, and PDS is asked in their name. The caller's own token must name the same user (sdsUserID).
	// Where an issuer above has the same name, its tokens are taken for the sign-in as well.
	CIS2 CIS2 `yaml:"cis2"`
	// Full names of methods that callers without a named human may use, such as
	// /spinegate.v1.PatientTrace/TracePatient. Methods of GPConnect cannot be opened.
	OpenToSystems []string `yaml:"openToSystems"`
}

// Issuer is an OIDC issuer.
type Issuer struct {
	// Its `iss`, exactly. Required.
	Name string `yaml:"name"`
	// What must be among a token's `aud`. Required.
	Audience string `yaml:"audience"`
	// Its JSON Web Key Set: an https URL. Required.
	JWKSURL string `yaml:"jwksURL"`
	// PEM file with the authorities that are trusted for that URL. Empty trusts the system's.
	CAFile File `yaml:"caFile"`
	// Algorithms that it signs with: RS256, PS256, ES256, EdDSA. Required.
	Algorithms []string `yaml:"algorithms"`
	// ODS codes of the organisations that it may vouch for. Required.
	Organisations []string `yaml:"organisations"`
	// Naming system (a URI) of its user ids. Empty: its name.
	UserSystem string `yaml:"userSystem"`
	// Where its tokens say who calls.
	Claims Claims `yaml:"claims"`
}

// CIS2 is the issuer of ID tokens. Empty takes none. Its discovery document, which the NHS names at onboarding, has issuer and
// key set, for integration and live each their own.
type CIS2 struct {
	// Its `iss`, exactly.
	Name string `yaml:"name"`
	// What must be among an ID token's `aud`: the client that clinicians sign in to.
	Audience string `yaml:"audience"`
	// Its JSON Web Key Set: an https URL.
	JWKSURL string `yaml:"jwksURL"`
	// PEM file with the authorities that are trusted for that URL. Empty trusts the system's.
	CAFile File `yaml:"caFile"`
	// Algorithms that it signs with: RS256, RS512.
	Algorithms []string `yaml:"algorithms"`
}

// Claims names top-level claims of a token. What is empty has the name that OpenID Connect or CIS2 gives it. A token without a user
// id, family name and given name stands for a system and not for a human.
type Claims struct {
	// ODS code of the user's organisation. Default: ods_code.
	Organisation string `yaml:"organisation"`
	// The user's id in the organisation's own directory. Default: sub.
	UserID string `yaml:"userID"`
	// Family name. Default: family_name.
	Family string `yaml:"family"`
	// Given name. Default: given_name.
	Given string `yaml:"given"`
	// Title. Default: title.
	Prefix string `yaml:"prefix"`
	// SDS user id of a smartcard holder: whose CIS2 sign-in may come with the token. Default: nhsid_useruid.
	SDSUserID string `yaml:"sdsUserID"`
	// SDS role profile id. Default: selected_roleid.
	RoleProfileID string `yaml:"roleProfileID"`
	// The role that was picked for this session, which PDS is told of (NHSD-Session-URID). Default: selected_roleid.
	SessionRole string `yaml:"sessionRole"`
	// Scopes: one text with spaces, or an array. Default: scope.
	Scopes string `yaml:"scopes"`
}

// Certificate is a client certificate that stands for an organisation.
type Certificate struct {
	// A DNS name or URI among its subject alternative names, whole. This or sha256 is required.
	Name string `yaml:"name"`
	// Its fingerprint, in hexadecimal.
	SHA256 string `yaml:"sha256"`
	// ODS code of the organisation. Required.
	Organisation string `yaml:"organisation"`
	// What it permits without a token.
	Scopes []string `yaml:"scopes"`
}

// Store is a SQLite file that one gateway process writes.
type Store struct {
	// Path of the file, on a local disk. Its directory must exist.
	Path string `yaml:"path"`
	// File with the key that personal details are sealed with: 64 hexadecimal digits, readable by its owner alone.
	KeyFile SecretFile `yaml:"keyFile" env:"SPINEGATE_STORE_KEY_FILE"`
}

// Handles are sealed with a key of the gateway's own.
type Handles struct {
	// Files with keys of 64 hexadecimal digits. The first seals; the others still open what they sealed. Replicas that
	// serve the same callers need the same.
	KeyFiles []SecretFile `yaml:"keyFiles" env:"SPINEGATE_HANDLE_KEY_FILES"`
}

// Bounds limit what is held and done at once.
type Bounds struct {
	// Bytes of one record that are held in memory until its Patient has been seen, such as 8MiB.
	HeldPerCall Size `yaml:"heldPerCall"`
	// The same for all calls together.
	HeldInAll Size `yaml:"heldInAll"`
	// Practices that one call asks at the same time.
	PracticesAtOnce int `yaml:"practicesAtOnce"`
	// Calls that are served at the same time; further ones are refused, to be repeated later. Where there are several organisations,
	// one of them has three quarters of these places at most.
	CallsAtOnce int `yaml:"callsAtOnce"`
	// How long calls may take to end after the gateway was told to stop. A booking that may have left is settled even so, which
	// can take two minutes more: leave time for that before the process is killed.
	StopWithin time.Duration `yaml:"stopWithin"`
}

// Log is what is logged, to standard error, a JSON object to a line.
type Log struct {
	// DEBUG, INFO, WARN or ERROR.
	Level string `yaml:"level"`
}

// Default is the configuration before anybody said anything. It is not valid as it is: what the NHS gives out has no
// default.
func Default() Config {
	return Config{
		Listen:  Listen{Address: "127.0.0.1:50051"},
		Admin:   Admin{Address: "127.0.0.1:9090"},
		Spine:   Spine{PDS: PDS{RequestsPerSecond: 5}, SDS: SDS{RequestsPerMinute: 300}},
		System:  System{Model: "spinegate"},
		Audit:   Store{Path: "/var/lib/spinegate/audit.db"},
		Journal: Store{Path: "/var/lib/spinegate/journal.db"},
		Bounds: Bounds{
			HeldPerCall: 8 * MiB, HeldInAll: 256 * MiB, PracticesAtOnce: 8, CallsAtOnce: 1024, StopWithin: 30 * time.Second,
		},
		Log: Log{Level: "INFO"},
	}
}
