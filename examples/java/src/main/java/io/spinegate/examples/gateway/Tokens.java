package io.spinegate.examples.gateway;

import com.google.gson.annotations.SerializedName;
import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.util.concurrent.Executor;

/**
 * Sent with every call.
 *
 * @param bearer says who calls, and for which organisation
 * @param cis2 the ID token of a clinician's own sign-in, if PDS shall be asked in their name; otherwise null
 * @param sandbox whether a sandbox on this machine gave them, to which they may go in clear text
 */
public record Tokens(@SerializedName("token") String bearer, @SerializedName("cis2_id_token") String cis2, boolean sandbox) {
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> CIS2 = Metadata.Key.of("spinegate-cis2-id-token", Metadata.ASCII_STRING_MARSHALLER);

  /** What a stub takes. gRPC asks it for every call: the place to renew a token that has expired. */
  public CallCredentials credentials() {
    return new CallCredentials() {
      @Override
      public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
        if (!sandbox && call.getSecurityLevel() != SecurityLevel.PRIVACY_AND_INTEGRITY) {
          applier.fail(Status.UNAUTHENTICATED.withDescription("tokens are not sent in clear text: use TLS"));
          return;
        }
        var sent = new Metadata();
        sent.put(AUTHORIZATION, "Bearer " + bearer);
        if (cis2 != null) {
          sent.put(CIS2, cis2);
        }
        applier.apply(sent);
      }
    };
  }

  /** Says nothing of them, because records print all they hold. */
  @Override
  public String toString() {
    return "Tokens";
  }
}
