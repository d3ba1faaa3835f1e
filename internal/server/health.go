package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// askEvery is how often the stores are asked for their health. Asking makes a store that failed try again.
const askEvery = time.Second

// store is a file without which calls are refused.
type store interface{ Healthy() error }

// vitals is the health of the gateway: whether *it* can work. Whether the Spine can is another question; no orchestrator
// should restart a gateway because a practice is down (trust contract, 4.2).
type vitals struct {
	log            *slog.Logger
	trail, journal store
	server         *health.Server

	mu       sync.Mutex // guards what follows
	stopping bool
	// The last word of each store.
	trailError, journalError error
}

// trouble is why calls are refused, if any are. The caller holds mu.
func (v *vitals) trouble() error {
	if v.trailError != nil {
		return v.trailError
	}
	return v.journalError
}

func newVitals(ctx context.Context, log *slog.Logger, trail, journal store) *vitals {
	v := &vitals{log: log, trail: trail, journal: journal, server: health.NewServer()}
	v.look(ctx)
	return v
}

// register offers the health service.
func (v *vitals) register(server *grpc.Server) { grpc_health_v1.RegisterHealthServer(server, v.server) }

// watch keeps looking until life ends.
func (v *vitals) watch(life context.Context, serving *sync.WaitGroup) {
	serving.Go(func() {
		ticker := time.NewTicker(askEvery)
		defer ticker.Stop()
		for {
			select {
			case <-life.Done():
				return
			case <-ticker.C:
				v.look(life)
			}
		}
	})
}

// look asks the stores. Without the trail nothing is served; without the journal everything but GPConnect, whose writes
// need it.
func (v *vitals) look(ctx context.Context) {
	trail, journal := v.trail.Healthy(), v.journal.Healthy()
	v.mu.Lock()
	defer v.mu.Unlock()
	was := v.trouble()
	v.trailError, v.journalError = trail, journal
	switch now := v.trouble(); {
	case was == nil && now != nil:
		v.log.ErrorContext(ctx, "a store cannot be written; calls are refused", "error", now)
	case was != nil && now == nil:
		v.log.InfoContext(ctx, "the stores can be written again")
	}
	if v.stopping {
		return
	}
	all, writes := grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_SERVING
	if trail != nil {
		all = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	if trail != nil || journal != nil {
		writes = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	v.server.SetServingStatus("", all)
	v.server.SetServingStatus(pb.PatientTrace_ServiceDesc.ServiceName, all)
	v.server.SetServingStatus(pb.EndpointDirectory_ServiceDesc.ServiceName, all)
	v.server.SetServingStatus(pb.GPConnect_ServiceDesc.ServiceName, writes)
}

// StoreWritable is the gauge of whether each store can be written: 1 or 0.
const StoreWritable = "spinegate.store.writable"

// measure shows the health of the stores among the metrics.
func (v *vitals) measure(meter metric.Meter) error {
	_, err := meter.Int64ObservableGauge(StoreWritable,
		metric.WithDescription("Whether a store can be written: 1 or 0. Without the audit trail every call is refused, without the journal every write."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			v.mu.Lock()
			defer v.mu.Unlock()
			for name, trouble := range map[string]error{"audit": v.trailError, "journal": v.journalError} {
				writable := int64(1)
				if trouble != nil {
					writable = 0
				}
				o.Observe(writable, metric.WithAttributes(attribute.String("spinegate.store", name)))
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("make the gauge of stores: %w", err)
	}
	return nil
}

// stop says NOT_SERVING, for good.
func (v *vitals) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stopping = true
	v.server.Shutdown()
}

// ready says in a word whether calls are served, and why not.
func (v *vitals) ready() (word string, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.stopping:
		return "stopping", false
	case v.trouble() != nil:
		return "a store cannot be written", false
	default:
		return "ready", true
	}
}
