package io.spinegate;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What a channel to the gateway is made with. The messages and stubs are in {@code io.spinegate.v1}. */
public final class SpinegateChannels {
  /** The gateway's own limit of metadata, in bytes, so that no error of it is too large to be read. */
  private static final int MAX_METADATA = 32 << 10;

  /** The largest answer, in bytes, which is that of the service config. */
  private static final int MAX_ANSWER = 4 << 20;

  private SpinegateChannels() {}

  /**
   * Gives a channel the service config: how long each method may take, how large its messages may be, and which calls gRPC may
   * repeat by itself. Any transport will do: {@code configure(Grpc.newChannelBuilder(address, TlsChannelCredentials.create()))}.
   */
  public static ManagedChannelBuilder<?> configure(ManagedChannelBuilder<?> builder) {
    builder
        .defaultServiceConfig(serviceConfig())
        .disableServiceConfigLookUp() // none that somebody's DNS offers instead
        .enableRetry()
        .maxInboundMessageSize(MAX_ANSWER)
        .maxInboundMetadataSize(MAX_METADATA);
    return builder;
  }

  /** The gRPC service config, in the form that {@link ManagedChannelBuilder#defaultServiceConfig} takes. */
  public static Map<String, ?> serviceConfig() {
    try (InputStream config = SpinegateChannels.class.getResourceAsStream("service_config.json")) {
      return new Gson()
          .fromJson(new InputStreamReader(config, StandardCharsets.UTF_8), new TypeToken<Map<String, Object>>() {}.getType());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
