package doctor

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/spinegate/spinegate/internal/spine"
)

// proxies looks at the proxy with every certificate that it is shown. What is asked for is no practice's: the proxy refuses it by
// itself, and must get as far as that.
func (e *examination) proxies(ctx context.Context) {
	const subject = "spine.proxy.url"
	if e.proxy == nil {
		e.skip(subject, "TLS", "The authorities of spine.proxy.caFile have to be right first.")
		return
	}
	type shown struct {
		subject, key string
		pair         *tls.Certificate
	}
	all := []shown{{subject, "spine.proxy.certificateFile", e.proxy.shared}}
	for i, o := range e.config.Organisations {
		if o.Proxy.CertificateFile != "" {
			key := fmt.Sprintf("organisations[%d].proxy.certificateFile", i)
			all = append(all, shown{subject + " for " + o.ODS, key, e.proxy.own[ods(o)]})
		}
	}
	for _, s := range all {
		if s.pair == nil {
			e.skip(s.subject, "TLS", "%s has to be right first.", s.key)
			continue
		}
		asked := false
		h := host{
			subject: s.subject, trusting: string(e.config.Spine.Proxy.CAFile), address: e.config.Spine.Proxy.URL, path: "/", shown: s.key, asked: &asked,
			tls: spine.ProxyTLS(&tls.Config{
				MinVersion: tls.VersionTLS12, RootCAs: e.proxy.authorities.Pool,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { asked = true; return s.pair, nil },
			}),
		}
		a, ok := e.look(ctx, h)
		if ok {
			e.judgeProxy(h, a, asked)
		}
	}
}

// judgeProxy tells a refused certificate from any other answer (SDS contract, C4 and C6).
func (e *examination) judgeProxy(h host, a answered, asked bool) {
	switch {
	case !asked:
		e.wrong(Fail, h.subject, "client certificate", "it asked for none", "Check the URL: the proxy always does.")
	case a.status >= 495 && a.status <= 497:
		e.refused(h, fmt.Sprintf("HTTP %d", a.status))
	default:
		e.ok(h.subject, "client certificate", "taken: HTTP %d to a request that is for no practice", a.status)
	}
}

// refused tells of a client certificate that is not taken, or is missing.
func (e *examination) refused(h host, how string) {
	if h.shown == "" {
		e.wrong(Fail, h.subject, "client certificate", how, "Show the client certificate that whoever runs the service gave you.")
		return
	}
	e.wrong(Fail, h.subject, "client certificate", "the proxy refused it: "+how,
		"Check "+h.shown+": the NHS must have issued it for this environment, it must be good now, and what lies between it and the root must stand beside it.")
}
