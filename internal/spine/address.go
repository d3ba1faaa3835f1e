package spine

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// ErrAddress says that an address from the directory must not be used. It does not quote it.
var ErrAddress = errors.New("not an address that may be called")

// maxAddress is how long an address may be. The longest seen has a hundred bytes.
const maxAddress = 512

// AddressPolicy says which service root URLs may be called (SDS contract, B4; trust.md, T1). They are never dialled
// here, but the proxy connects to them.
type AddressPolicy struct {
	// PrivateHosts allows IP addresses that are not public, and localhost. For tests against local systems.
	PrivateHosts bool
	// HostSuffixes, where there are any, are the only domains allowed, e.g. "nhs.uk".
	HostSuffixes []string
}

// Check is [ErrAddress] for an address that may not be called. What passes reaches the wire byte for byte.
func (p AddressPolicy) Check(address string) error {
	if len(address) > maxAddress || !visible(address) || strings.ContainsAny(address, "\\?#\"<>^`{|}") {
		return ErrAddress
	}
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, "https://") || u.Host == "" || u.User != nil || u.Opaque != "" ||
		"https://"+u.Host+u.EscapedPath() != address {
		return ErrAddress
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." || strings.ContainsRune(segment, '\\') || segment != "" && !visible(segment) {
			return ErrAddress
		}
	}
	if strings.Contains(strings.ToLower(u.EscapedPath()), "%2f") || !p.host(u.Hostname()) || !port(u) {
		return ErrAddress
	}
	return nil
}

func port(u *url.URL) bool {
	text := strings.TrimPrefix(u.Host[strings.LastIndexByte(u.Host, ']')+1:], u.Hostname())
	return text == "" || len(text) <= 6 && len(text) > 1 && strings.Trim(text[1:], "0123456789") == ""
}

func (p AddressPolicy) host(host string) bool {
	host = strings.ToLower(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		return len(p.HostSuffixes) == 0 && (p.PrivateHosts || public(ip))
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false // also what only looks like ASCII
		}
	}
	// 127.1, 2130706433 and 0x7f000001 are IP addresses to some resolvers.
	last := labels[len(labels)-1]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return false
	}
	if !p.PrivateHosts && last == "localhost" {
		return false
	}
	if len(p.HostSuffixes) == 0 {
		return true
	}
	for _, suffix := range p.HostSuffixes {
		suffix = strings.ToLower(strings.TrimPrefix(suffix, "."))
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return true
		}
	}
	return false
}

// notPublic are ranges that netip has no word for: shared, benchmark, documentation, discarded and reserved space, former
// site-local addresses, and those in which an IPv4 address can hide: compatible, translated, NAT64, 6to4 and its relay, Teredo.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("::ffff:0:0:0/96"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, prefix := range notPublic {
		if prefix.Contains(ip) {
			return false
		}
	}
	return true
}
