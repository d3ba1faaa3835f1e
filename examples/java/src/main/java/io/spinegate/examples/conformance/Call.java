package io.spinegate.examples.conformance;

import static java.util.Map.entry;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.grpc.StatusException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.BlockingClientCall;
import io.spinegate.examples.gateway.Gateway;
import io.spinegate.examples.gateway.NotWholeException;
import io.spinegate.examples.gateway.Trace;
import io.spinegate.v1.BookAppointmentRequest;
import io.spinegate.v1.EndpointDirectoryGrpc.EndpointDirectoryBlockingV2Stub;
import io.spinegate.v1.GPConnectGrpc.GPConnectBlockingV2Stub;
import io.spinegate.v1.GetCapabilitiesRequest;
import io.spinegate.v1.GetStructuredRecordRequest;
import io.spinegate.v1.ListRelatedPersonsRequest;
import io.spinegate.v1.PatientTraceGrpc.PatientTraceBlockingV2Stub;
import io.spinegate.v1.ResolveEndpointRequest;
import io.spinegate.v1.ResolveEndpointsRequest;
import io.spinegate.v1.SearchPatientsRequest;
import io.spinegate.v1.SearchSlotsRequest;
import io.spinegate.v1.TracePatientRequest;
import io.spinegate.v1.TracePatientsRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A method of the gateway, called with requests in JSON. */
interface Call {
  /** A method that the gateway learns is one line here. */
  Map<String, Call> ALL = Map.ofEntries(
      entry("PatientTrace/TracePatient",
          unary(TracePatientRequest.getDefaultInstance(), Gateway::patients, PatientTraceBlockingV2Stub::tracePatient)),
      entry("PatientTrace/SearchPatients",
          unary(SearchPatientsRequest.getDefaultInstance(), Gateway::patients, PatientTraceBlockingV2Stub::searchPatients)),
      entry("PatientTrace/TracePatients", Call::tracePatients),
      entry("PatientTrace/ListRelatedPersons",
          unary(ListRelatedPersonsRequest.getDefaultInstance(), Gateway::patients, PatientTraceBlockingV2Stub::listRelatedPersons)),
      entry("EndpointDirectory/ResolveEndpoint",
          unary(ResolveEndpointRequest.getDefaultInstance(), Gateway::directory, EndpointDirectoryBlockingV2Stub::resolveEndpoint)),
      entry("EndpointDirectory/ResolveEndpoints",
          stream(ResolveEndpointsRequest.getDefaultInstance(), Gateway::directory, EndpointDirectoryBlockingV2Stub::resolveEndpoints)),
      entry("GPConnect/GetCapabilities",
          unary(GetCapabilitiesRequest.getDefaultInstance(), Gateway::practices, GPConnectBlockingV2Stub::getCapabilities)),
      entry("GPConnect/GetStructuredRecord",
          stream(GetStructuredRecordRequest.getDefaultInstance(), Gateway::practices, GPConnectBlockingV2Stub::getStructuredRecord)),
      entry("GPConnect/SearchSlots",
          stream(SearchSlotsRequest.getDefaultInstance(), Gateway::practices, GPConnectBlockingV2Stub::searchSlots)),
      entry("GPConnect/BookAppointment",
          unary(BookAppointmentRequest.getDefaultInstance(), Gateway::practices, GPConnectBlockingV2Stub::bookAppointment)));

  /** Makes the call and gives what came of it, also when it failed. */
  Outcome make(Gateway gateway, Step step, List<String> requests, Trace trace)
      throws NotWholeException, InterruptedException;

  /**
   * What came.
   *
   * @param answer what came before the end; null for a call that is no stream and failed
   * @param error null for OK
   * @param cancelled the kind of event at which the stream was cancelled; null otherwise
   */
  record Outcome(Answer answer, StatusException error, String cancelled) {}

  /** A method of a stub with one answer. */
  interface Unary<S, Q, A> {
    A call(S stub, Q request) throws StatusException;
  }

  private static <S extends AbstractStub<S>, Q extends Message, A extends Message> Call unary(
      Q type, Function<Gateway, S> stub, Unary<S, Q, A> method) {
    return (gateway, step, requests, trace) -> {
      try {
        return new Outcome(Answer.of(method.call(of(step, trace, stub.apply(gateway)), read(type, requests.get(0)))), null, null);
      } catch (StatusException error) {
        return new Outcome(null, error, null);
      }
    };
  }

  /** A method of a stub whose answer is a stream. */
  interface Streaming<S, Q, A> {
    BlockingClientCall<?, A> call(S stub, Q request);
  }

  private static <S extends AbstractStub<S>, Q extends Message, A extends Message> Call stream(
      Q type, Function<Gateway, S> stub, Streaming<S, Q, A> method) {
    return (gateway, step, requests, trace) ->
        receive(method.call(of(step, trace, stub.apply(gateway)), read(type, requests.get(0))), step);
  }

  private static Outcome tracePatients(Gateway gateway, Step step, List<String> requests, Trace trace)
      throws NotWholeException, InterruptedException {
    var call = of(step, trace, gateway.patients()).tracePatients();
    try {
      for (var request : requests) {
        call.write(read(TracePatientsRequest.getDefaultInstance(), request));
      }
    } catch (StatusException ended) {
      // To read says why, too.
    }
    call.halfClose();
    return receive(call, step);
  }

  /** Reads a stream to its end, or to the first event of a kind. */
  private static Outcome receive(BlockingClientCall<?, ? extends Message> call, Step step)
      throws NotWholeException, InterruptedException {
    var answer = Answer.streamed();
    try {
      for (Message message; (message = call.read()) != null; ) {
        var kind = answer.take(message);
        if (kind.equals(step.cancelAfter())) {
          call.cancel("cancelled after " + kind, null);
          return new Outcome(answer, null, kind);
        }
      }
      return new Outcome(answer, null, null);
    } catch (StatusException error) {
      return new Outcome(answer, error, null);
    }
  }

  /** The stub with the step's trace and deadline. */
  private static <S extends AbstractStub<S>> S of(Step step, Trace trace, S stub) {
    var traced = stub.withInterceptors(trace);
    return step.deadlineMs() == 0 ? traced : traced.withDeadlineAfter(Duration.ofMillis(step.deadlineMs()));
  }

  @SuppressWarnings("unchecked") // a message's builder builds that message
  private static <Q extends Message> Q read(Q type, String json) {
    var builder = type.newBuilderForType();
    try {
      JsonFormat.parser().merge(json, builder);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("a step's request", e);
    }
    return (Q) builder.build();
  }
}
