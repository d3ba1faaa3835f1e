package io.spinegate.examples.gateway;

import com.google.gson.Gson;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The gateway with the embedded Spine. */
public final class Sandbox {
  private Sandbox() {}

  /**
   * Asks a sandbox, at the HOST:PORT of its admin listener, for the tokens of one of its personas. With a real gateway your identity
   * provider gives them.
   */
  public static Tokens tokens(String admin, String persona) throws IOException, InterruptedException {
    var query = "persona=" + URLEncoder.encode(persona, StandardCharsets.UTF_8);
    var address = URI.create("http://" + admin.replaceFirst("^http://", "") + "/sandbox/token?" + query);
    var request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(10)).POST(BodyPublishers.noBody()).build();
    var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException("the sandbox answered " + response.statusCode());
    }
    var given = new Gson().fromJson(response.body(), Tokens.class);
    return new Tokens(given.bearer(), given.cis2(), true);
  }
}
