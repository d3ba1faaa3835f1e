package io.spinegate.examples.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.spinegate.examples.gateway.NotWholeException;
import io.spinegate.examples.gateway.WholeRecord;
import io.spinegate.examples.gateway.WholeStream;
import io.spinegate.v1.GetStructuredRecordResponse;
import java.util.List;
import java.util.stream.Stream;

/** What came of a call, as JSON: the response, or for a stream its events by kind, in order of arrival. */
final class Answer {
  private static final JsonFormat.Printer PRINTER = JsonFormat.printer().preservingProtoFieldNames();

  private final JsonObject object;
  private final WholeStream stream;
  private WholeRecord record;

  private Answer(JsonObject object, WholeStream stream) {
    this.object = object;
    this.stream = stream;
  }

  static Answer of(Message response) {
    return new Answer(json(response), null);
  }

  /** One whose events are still to come. */
  static Answer streamed() {
    return new Answer(new JsonObject(), new WholeStream());
  }

  /** Takes a message of a stream and returns the kind of its event. Of an item in pieces the last one counts. */
  String take(Message message) throws NotWholeException {
    var type = message.getDescriptorForType();
    var event = type.getOneofs().stream().filter(oneof -> oneof.getName().equals("event")).findFirst().orElseThrow();
    var kind = message.getOneofFieldDescriptor(event).getName();
    var sequence = (int) message.getField(type.findFieldByName("sequence"));
    var continues = (boolean) message.getField(type.findFieldByName("continues"));
    stream.take(sequence, continues, kind.equals("closing"));
    if (message instanceof GetStructuredRecordResponse part) {
      record = record == null ? new WholeRecord() : record;
      record.take(part);
    }
    if (!continues) {
      if (!object.has(kind)) {
        object.add(kind, new JsonArray());
      }
      object.getAsJsonArray(kind).add(json(message).get(kind));
    }
    return kind;
  }

  boolean isStream() {
    return stream != null;
  }

  /** The kinds of event that came, sorted. */
  List<String> kinds() {
    return object.keySet().stream().sorted().toList();
  }

  /** Checks a stream that ended with OK, and returns what was checked. */
  String check() throws NotWholeException {
    stream.end();
    return "sequence,closing" + (record == null ? "" : "," + record.end());
  }

  /** Follows a path through the answer. A list is gone into, element by element; what is not there is left out. */
  List<String> find(String path) {
    return find(object, List.of(path.split("\\."))).toList();
  }

  private static Stream<String> find(JsonElement value, List<String> path) {
    if (value == null) {
      return Stream.empty();
    }
    if (value.isJsonArray()) {
      return value.getAsJsonArray().asList().stream().flatMap(element -> find(element, path));
    }
    if (value.isJsonObject() && !path.isEmpty()) {
      return find(value.getAsJsonObject().get(path.get(0)), path.subList(1, path.size()));
    }
    return Stream.of(value.isJsonPrimitive() ? value.getAsString() : value.toString());
  }

  private static JsonObject json(Message message) {
    try {
      return JsonParser.parseString(PRINTER.print(message)).getAsJsonObject();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message has no JSON", e);
    }
  }
}
