package io.spinegate.examples.gateway;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.spinegate.SpinegateChannels;
import io.spinegate.v1.EndpointDirectoryGrpc;
import io.spinegate.v1.EndpointDirectoryGrpc.EndpointDirectoryBlockingV2Stub;
import io.spinegate.v1.GPConnectGrpc;
import io.spinegate.v1.GPConnectGrpc.GPConnectBlockingV2Stub;
import io.spinegate.v1.PatientTraceGrpc;
import io.spinegate.v1.PatientTraceGrpc.PatientTraceBlockingV2Stub;

/**
 * A connection with a stub of each service. They are gRPC's second blocking stubs, whose streams can be cancelled and written;
 * {@code newStub} and {@code newFutureStub} on the same channel are those for callbacks and futures.
 */
public record Gateway(
    ManagedChannel channel,
    PatientTraceBlockingV2Stub patients,
    EndpointDirectoryBlockingV2Stub directory,
    GPConnectBlockingV2Stub practices)
    implements AutoCloseable {

  /**
   * Makes a connection on which every call carries the tokens. The transport is TlsChannelCredentials; only a sandbox's tokens go
   * out in clear text.
   */
  public static Gateway connect(String address, ChannelCredentials transport, Tokens tokens) {
    var builder = Grpc.newChannelBuilder(address, transport);
    // Time-outs, sizes, and what gRPC may repeat by itself.
    var channel = SpinegateChannels.configure(builder).build();
    return new Gateway(
        channel,
        PatientTraceGrpc.newBlockingV2Stub(channel).withCallCredentials(tokens.credentials()),
        EndpointDirectoryGrpc.newBlockingV2Stub(channel).withCallCredentials(tokens.credentials()),
        GPConnectGrpc.newBlockingV2Stub(channel).withCallCredentials(tokens.credentials()));
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
