package io.spinegate.examples.gateway;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.spinegate.v1.ErrorDetail;
import io.spinegate.v1.ErrorReason;
import io.spinegate.v1.Hop;
import io.spinegate.v1.RetryClass;
import java.util.List;

/**
 * What the gateway says about an error of a call, or about a failure within a stream; and about an error that the gateway did not
 * make, what can be said all the same.
 *
 * @param code as every language writes it: NOT_FOUND
 * @param reason stable: program against it; empty when the gateway did not make the error
 * @param hop where on the road it failed: PDS
 * @param retry whether repeating helps: NEVER, SAME_CALL, AFTER_CORRECTION or SAME_REQUEST_ID; empty when the gateway did not make
 *     the error
 * @param clinicianMessage a sentence that can be shown to a clinician; there always is one
 * @param traceId by which the operator of the gateway finds the call
 * @param fields those of the request that broke a rule
 * @param detail more: how long to wait, a sentence for operators, candidates. Null when the gateway did not make the error: it was
 *     not reached, or the call's own deadline or cancellation came first. For a booking that is the same as OUTCOME_UNKNOWN: it may
 *     have been made, so make the same call with the same request id.
 */
public record Failure(
    String code,
    String reason,
    String hop,
    String retry,
    String clinicianMessage,
    String traceId,
    List<Violation> fields,
    ErrorDetail detail) {

  /** A field that broke a rule, and what is wrong with it. */
  public record Violation(String field, String description) {}

  /** Reads a call's error: a StatusException, the StatusRuntimeException of other stubs, or what one of them caused. */
  public static Failure of(Throwable error) {
    var code = Status.fromThrowable(error).getCode();
    var status = StatusProto.fromThrowable(error);
    var reason = "";
    var hop = "";
    var fields = List.<Violation>of();
    ErrorDetail detail = null;
    try {
      for (var packed : status == null ? List.<Any>of() : status.getDetailsList()) {
        if (packed.is(ErrorInfo.class)) {
          var info = packed.unpack(ErrorInfo.class);
          reason = info.getReason();
          hop = info.getMetadataOrDefault("hop", "");
        } else if (packed.is(BadRequest.class)) {
          fields = packed.unpack(BadRequest.class).getFieldViolationsList().stream()
              .map(violation -> new Violation(violation.getField(), violation.getDescription()))
              .toList();
        } else if (packed.is(ErrorDetail.class)) {
          detail = packed.unpack(ErrorDetail.class);
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the details of an error cannot be read", e);
    }
    if (detail == null) {
      return new Failure(code.name(), reason, hop, "", unsaid(code), "", fields, null);
    }
    return of(code.name(), reason, hop, fields, detail);
  }

  /** Reads a failure within a stream, of one of many targets, which says the same as a call's error. */
  public static Failure of(ErrorDetail detail) {
    var fields = detail.getViolationsList().stream()
        .map(violation -> new Violation(violation.getField(), violation.getDescription()))
        .toList();
    return of(
        name(Code.getDescriptor(), detail.getCode(), ""),
        name(ErrorReason.getDescriptor(), detail.getReasonValue(), "ERROR_REASON_"),
        name(Hop.getDescriptor(), detail.getHopValue(), "HOP_"),
        fields,
        detail);
  }

  /** One line, because records print all they hold. */
  @Override
  public String toString() {
    return "Failure[code=" + code + ", reason=" + reason + ", hop=" + hop + "]";
  }

  private static Failure of(String code, String reason, String hop, List<Violation> fields, ErrorDetail detail) {
    var retry = name(RetryClass.getDescriptor(), detail.getRetryValue(), "RETRY_CLASS_");
    var traceId = detail.getTraceIds().getTraceId();
    return new Failure(code, reason, hop, retry, detail.getClinicianMessage(), traceId, fields, detail);
  }

  /** The name of a value, or its number: a newer gateway may send one that this program knows as UNRECOGNIZED alone. */
  private static String name(EnumDescriptor type, int number, String prefix) {
    var known = type.findValueByNumber(number);
    return known == null ? String.valueOf(number) : known.getName().substring(prefix.length());
  }

  /** The sentence for an error about which the gateway said nothing. */
  private static String unsaid(Status.Code code) {
    return switch (code) {
      case DEADLINE_EXCEEDED -> "This took too long. Try again.";
      case CANCELLED -> "The request was cancelled.";
      default -> "The service cannot be reached. Try again in a moment.";
    };
  }
}
