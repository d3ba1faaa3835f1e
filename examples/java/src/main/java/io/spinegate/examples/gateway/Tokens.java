package io.spinegate.examples.gateway;

import com.google.gson.annotations.SerializedName;
import io.grpc.CallCredentials;
import io.grpc.Metadata;
import java.util.concurrent.Executor;

/**
 * Sent with every call.
 *
 * @param bearer says who calls, and for which organisation
 * @param cis2 the ID token of a clinician's own sign-in, if PDS shall be asked in their name; otherwise null
 */
public record Tokens(@SerializedName("token") String bearer, @SerializedName("cis2_id_token") String cis2) {
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> CIS2 = Metadata.Key.of("spinegate-cis2-id-token", Metadata.ASCII_STRING_MARSHALLER);

  /** What a stub takes. gRPC asks it for every call: the place to renew a token that has expired. */
  public CallCredentials credentials() {
    return new CallCredentials() {
      @Override
      public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
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
