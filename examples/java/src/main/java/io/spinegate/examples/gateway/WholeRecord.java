package io.spinegate.examples.gateway;

import com.google.protobuf.ByteString;
import io.spinegate.v1.GetStructuredRecordResponse;
import io.spinegate.v1.RecordClosing;
import io.spinegate.v1.RecordView;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Checks a record stream, and in the end what arrived against the digest that the gateway gave. A record is whole if {@link #end}
 * finds nothing and the verdict of {@link #closing} is VERDICT_WHOLE.
 */
public final class WholeRecord {
  private final WholeStream stream = new WholeStream();
  private final MessageDigest entries = sha256();
  private final MessageDigest content = sha256();
  private boolean fhir;
  private RecordClosing closing = RecordClosing.getDefaultInstance();

  /** Checks the next message. */
  public void take(GetStructuredRecordResponse message) throws NotWholeException {
    stream.take(message.getSequence(), message.getContinues(), message.hasClosing());
    switch (message.getEventCase()) {
      case OPENING -> fhir = message.getOpening().getView() == RecordView.RECORD_VIEW_FHIR;
      case PATIENT -> add(entries, message.getPatient().getPatient().getJson());
      case ENTRY -> add(entries, message.getEntry().getJson());
      case CHUNK -> add(content, message.getChunk().getData());
      case CLOSING -> closing = message.getClosing();
      default -> {} // not in a digest
    }
  }

  /** Checks a stream that ended with OK. Returns the digest that was compared: entries_sha256 or content_sha256. */
  public String end() throws NotWholeException {
    stream.end();
    var name = fhir ? "content_sha256" : "entries_sha256";
    var got = fhir ? content.digest() : entries.digest();
    var said = fhir ? closing.getContentSha256() : closing.getEntriesSha256();
    if (!MessageDigest.isEqual(got, said.toByteArray())) {
      throw new NotWholeException("what arrived does not have the digest that the gateway gave: " + name);
    }
    return name;
  }

  /** The closing message, empty until it has come. */
  public RecordClosing closing() {
    return closing;
  }

  private static void add(MessageDigest digest, ByteString bytes) {
    digest.update(bytes.asReadOnlyByteBuffer());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
