package io.spinegate.examples.gateway;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;
import io.spinegate.v1.ErrorDetail;
import java.util.List;

/**
 * An error of a call with what the gateway says about it.
 *
 * @param code as every language writes it: NOT_FOUND
 * @param reason stable: program against it; empty when the error did not come from the gateway
 * @param hop where on the road it failed
 * @param fields those of the request that broke a rule
 * @param detail more: whether a retry helps, sentences to show, candidates
 */
public record Failure(String code, String reason, String hop, List<String> fields, ErrorDetail detail) {

  /** Reads a call's error. */
  public static Failure of(StatusException error) {
    var reason = "";
    var hop = "";
    var fields = List.<String>of();
    var detail = ErrorDetail.getDefaultInstance();
    try {
      for (var packed : StatusProto.fromThrowable(error).getDetailsList()) {
        if (packed.is(ErrorInfo.class)) {
          var info = packed.unpack(ErrorInfo.class);
          reason = info.getReason();
          hop = info.getMetadataOrDefault("hop", "");
        } else if (packed.is(BadRequest.class)) {
          var violations = packed.unpack(BadRequest.class).getFieldViolationsList();
          fields = violations.stream().map(FieldViolation::getField).toList();
        } else if (packed.is(ErrorDetail.class)) {
          detail = packed.unpack(ErrorDetail.class);
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the details of an error cannot be read", e);
    }
    return new Failure(Status.fromThrowable(error).getCode().name(), reason, hop, fields, detail);
  }
}
