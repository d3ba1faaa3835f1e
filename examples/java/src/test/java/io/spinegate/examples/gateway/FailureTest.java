package io.spinegate.examples.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;
import io.spinegate.v1.BookAppointmentRequest;
import io.spinegate.v1.ErrorDetail;
import io.spinegate.v1.ErrorReason;
import io.spinegate.v1.FieldViolation;
import io.spinegate.v1.Hop;
import io.spinegate.v1.RetryClass;
import io.spinegate.v1.SearchSlotsRequest;
import io.spinegate.v1.TraceIds;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Failures of calls, within streams, and those that the gateway did not make. */
final class FailureTest {
  private static final Tokens OF_A_SANDBOX = new Tokens("made up", null, true);
  private static final String UNREACHED = "The service cannot be reached. Try again in a moment.";

  @Test
  void aFailureInAStreamReadsAsACallsErrorDoes() {
    var detail = ErrorDetail.newBuilder()
        .setReason(ErrorReason.ERROR_REASON_SEARCH_INVALID)
        .setCode(Code.INVALID_ARGUMENT_VALUE)
        .setHop(Hop.HOP_GATEWAY)
        .setRetry(RetryClass.RETRY_CLASS_AFTER_CORRECTION)
        .setTraceIds(TraceIds.newBuilder().setTraceId("4bf92f3577b34da6a3ce929d0e0e4736"))
        .setClinicianMessage("Not enough details to search for the patient.")
        .addViolations(FieldViolation.newBuilder().setField("birth_date_start").setDescription("is required"))
        .build();
    var violation = BadRequest.FieldViolation.newBuilder().setField("birth_date_start").setDescription("is required");
    var error = StatusProto.toStatusException(com.google.rpc.Status.newBuilder()
        .setCode(Code.INVALID_ARGUMENT_VALUE)
        .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("SEARCH_INVALID").putMetadata("hop", "GATEWAY").build()))
        .addDetails(Any.pack(detail))
        .addDetails(Any.pack(BadRequest.newBuilder().addFieldViolations(violation).build()))
        .build());
    var want = new Failure("INVALID_ARGUMENT", "SEARCH_INVALID", "GATEWAY", "AFTER_CORRECTION",
        "Not enough details to search for the patient.", "4bf92f3577b34da6a3ce929d0e0e4736",
        List.of(new Failure.Violation("birth_date_start", "is required")), detail);
    assertEquals(want, Failure.of(error));
    assertEquals(want, Failure.of(detail));
    assertEquals("Failure[code=INVALID_ARGUMENT, reason=SEARCH_INVALID, hop=GATEWAY]", want.toString());
  }

  @Test
  void valuesThatAreNewerAreNumbers() {
    var detail = ErrorDetail.newBuilder().setReasonValue(9001).setCode(99).setHopValue(9002).setRetryValue(9003).build();
    assertEquals(new Failure("99", "9001", "9002", "9003", "", "", List.of(), detail), Failure.of(detail));
  }

  @Test
  void anErrorThatTheGatewayDidNotMakeHasASentence() throws IOException {
    String address;
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      address = "127.0.0.1:" + silent.getLocalPort();
      try (var gateway = Gateway.connect(address, InsecureChannelCredentials.create(), OF_A_SANDBOX)) {
        var late = assertThrows(StatusException.class, () -> gateway.practices().withDeadlineAfter(Duration.ofMillis(100))
            .bookAppointment(BookAppointmentRequest.getDefaultInstance()));
        assertEquals(unsaid("DEADLINE_EXCEEDED", "This took too long. Try again."), Failure.of(late));
        var slots = gateway.practices().searchSlots(SearchSlotsRequest.getDefaultInstance());
        slots.cancel("nobody waits any more", null);
        var cancelled = assertThrows(StatusException.class, slots::read);
        assertEquals(unsaid("CANCELLED", "The request was cancelled."), Failure.of(cancelled));
      }
    }
    try (var gateway = Gateway.connect(address, InsecureChannelCredentials.create(), OF_A_SANDBOX)) {
      var unreached = assertThrows(StatusException.class, () -> book(gateway));
      assertEquals(unsaid("UNAVAILABLE", UNREACHED), Failure.of(unreached));
    }
  }

  @Test
  void onlyASandboxsTokensGoOutInClearText() throws IOException {
    var server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()).build().start(); // it knows no method
    var address = "127.0.0.1:" + server.getPort();
    try (var sandbox = Gateway.connect(address, InsecureChannelCredentials.create(), OF_A_SANDBOX);
        var other = Gateway.connect(address, InsecureChannelCredentials.create(), new Tokens("of somebody", null, false))) {
      assertEquals(unsaid("UNIMPLEMENTED", UNREACHED), Failure.of(assertThrows(StatusException.class, () -> book(sandbox))));
      var kept = assertThrows(StatusException.class, () -> book(other));
      assertEquals("tokens are not sent in clear text: use TLS", kept.getStatus().getDescription());
    } finally {
      server.shutdownNow();
    }
  }

  private static void book(Gateway gateway) throws StatusException {
    gateway.practices().bookAppointment(BookAppointmentRequest.getDefaultInstance());
  }

  private static Failure unsaid(String code, String sentence) {
    return new Failure(code, "", "", "", sentence, "", List.of(), null);
  }
}
