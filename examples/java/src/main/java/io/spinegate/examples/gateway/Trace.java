package io.spinegate.examples.gateway;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * A W3C trace for the calls of a stub: {@code stub.withInterceptors(trace)}. The gateway goes on with it, and gives its id back in
 * provenance and in errors. In a program with OpenTelemetry, its gRPC instrumentation does this.
 */
public record Trace(String id) implements ClientInterceptor {
  private static final Metadata.Key<String> TRACEPARENT = Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
  private static final SecureRandom RANDOM = new SecureRandom();

  public static Trace begin() {
    return new Trace(hex(16));
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata sent) {
        sent.put(TRACEPARENT, "00-" + id + "-" + hex(8) + "-01");
        super.start(listener, sent);
      }
    };
  }

  private static String hex(int bytes) {
    var random = new byte[bytes];
    RANDOM.nextBytes(random);
    return HexFormat.of().formatHex(random);
  }
}
