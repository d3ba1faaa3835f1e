package io.spinegate.examples.conformance;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.annotations.SerializedName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** One call and what to print of its answer. */
record Step(
    String id,
    String call,
    String persona,
    boolean cis2,
    @SerializedName("deadline_ms") long deadlineMs,
    @SerializedName("cancel_after") String cancelAfter,
    JsonObject request,
    List<JsonObject> requests,
    Map<String, String> save,
    List<String> print) {

  Step {
    persona = Objects.requireNonNullElse(persona, "clinician");
    requests = Objects.requireNonNullElseGet(requests, () -> List.of(request));
    save = Objects.requireNonNullElse(save, Map.of());
    print = Objects.requireNonNullElse(print, List.of());
  }

  static List<Step> read(Path file) throws IOException {
    return List.of(new Gson().fromJson(Files.readString(file), Step[].class));
  }

  /** The requests as JSON, with what earlier steps saved. */
  List<String> requests(Map<String, String> saved) {
    return requests.stream().map(request -> fill(request.toString(), saved)).toList();
  }

  private static String fill(String text, Map<String, String> saved) {
    for (var value : saved.entrySet()) {
      text = text.replace("${" + value.getKey() + "}", value.getValue());
    }
    return text;
  }
}
