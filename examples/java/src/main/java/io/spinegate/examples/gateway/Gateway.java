package io.spinegate.examples.gateway;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
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
   * Makes a connection on which every call carries the tokens. It is in clear text, for a sandbox on this machine: for any other
   * gateway use TlsChannelCredentials.
   */
  public static Gateway connect(String address, Tokens tokens) {
    var builder = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create());
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
