package server

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/spinegate/spinegate/internal/reach"
)

// CertificateExpiry is the gauge of how many days each configured certificate has left, negative once it has expired. Of a
// chain or a file of authorities, the one that expires first counts.
const CertificateExpiry = "spinegate.certificate.expiry"

// certificateKey is the attribute of that gauge: the setting that names the file.
const certificateKey = attribute.Key("spinegate.certificate")

// watchEvery is how often certificates are looked at for their time.
const watchEvery = time.Hour

// warnAt are the days left at which operators are warned, once each.
var warnAt = [...]int{30, 14, 7, 1, 0}

// watched is a certificate, or several from one file, with the setting that names it.
type watched struct {
	key   string
	chain func() []*x509.Certificate
}

// first is the certificate that expires first.
func (w watched) first() *x509.Certificate { return reach.First(w.chain()) }

const day = 24 * time.Hour

// watchCertificates shows how long certificates are good for, and warns before they are not, until life ends. Health has no
// part in it: whether a certificate that expires is still taken is for the other side to say, and a restart renews none.
func (g *Gateway) watchCertificates(life context.Context) error {
	_, err := g.meter().Float64ObservableGauge(CertificateExpiry,
		metric.WithUnit("d"),
		metric.WithDescription("How many days are left until a certificate expires, by the setting that names its file."),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			for _, w := range g.watched {
				left := time.Until(w.first().NotAfter)
				o.Observe(left.Hours()/24, metric.WithAttributes(certificateKey.String(w.key)))
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("make the gauge of certificates: %w", err)
	}
	told := make([]warning, len(g.watched))
	g.warn(life, told)
	g.serving.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-life.Done():
				return
			case <-ticker.C:
				g.warn(life, told)
			}
		}
	})
	return nil
}

// warning is what operators have been told of a certificate.
type warning struct {
	until time.Time
	step  int // how many of warnAt were passed
}

// warn tells operators of certificates that have passed another of warnAt since they were told last.
func (g *Gateway) warn(ctx context.Context, told []warning) {
	for i, w := range g.watched {
		c := w.first()
		left, now := time.Until(c.NotAfter), warning{until: c.NotAfter}
		for now.step < len(warnAt) && left <= time.Duration(warnAt[now.step])*day {
			now.step++
		}
		before := told[i]
		told[i] = now
		if now.step == 0 || now == before {
			continue
		}
		if left <= 0 {
			g.log.ErrorContext(ctx, "a certificate has expired", "setting", w.key, "certificate", c.Subject.CommonName, "expired", c.NotAfter)
			continue
		}
		g.log.WarnContext(ctx, "a certificate expires soon", "setting", w.key, "certificate", c.Subject.CommonName,
			"expires", c.NotAfter, "days", int(left/day))
	}
}
