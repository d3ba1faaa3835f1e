package io.spinegate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
 * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
 * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
 * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class PatientTraceGrpc {

  private PatientTraceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "spinegate.v1.PatientTrace";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.TracePatientRequest,
      io.spinegate.v1.TracePatientResponse> getTracePatientMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TracePatient",
      requestType = io.spinegate.v1.TracePatientRequest.class,
      responseType = io.spinegate.v1.TracePatientResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.TracePatientRequest,
      io.spinegate.v1.TracePatientResponse> getTracePatientMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.TracePatientRequest, io.spinegate.v1.TracePatientResponse> getTracePatientMethod;
    if ((getTracePatientMethod = PatientTraceGrpc.getTracePatientMethod) == null) {
      synchronized (PatientTraceGrpc.class) {
        if ((getTracePatientMethod = PatientTraceGrpc.getTracePatientMethod) == null) {
          PatientTraceGrpc.getTracePatientMethod = getTracePatientMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.TracePatientRequest, io.spinegate.v1.TracePatientResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TracePatient"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.TracePatientRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.TracePatientResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PatientTraceMethodDescriptorSupplier("TracePatient"))
              .build();
        }
      }
    }
    return getTracePatientMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.SearchPatientsRequest,
      io.spinegate.v1.SearchPatientsResponse> getSearchPatientsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SearchPatients",
      requestType = io.spinegate.v1.SearchPatientsRequest.class,
      responseType = io.spinegate.v1.SearchPatientsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.SearchPatientsRequest,
      io.spinegate.v1.SearchPatientsResponse> getSearchPatientsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.SearchPatientsRequest, io.spinegate.v1.SearchPatientsResponse> getSearchPatientsMethod;
    if ((getSearchPatientsMethod = PatientTraceGrpc.getSearchPatientsMethod) == null) {
      synchronized (PatientTraceGrpc.class) {
        if ((getSearchPatientsMethod = PatientTraceGrpc.getSearchPatientsMethod) == null) {
          PatientTraceGrpc.getSearchPatientsMethod = getSearchPatientsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.SearchPatientsRequest, io.spinegate.v1.SearchPatientsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SearchPatients"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.SearchPatientsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.SearchPatientsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PatientTraceMethodDescriptorSupplier("SearchPatients"))
              .build();
        }
      }
    }
    return getSearchPatientsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.TracePatientsRequest,
      io.spinegate.v1.TracePatientsResponse> getTracePatientsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TracePatients",
      requestType = io.spinegate.v1.TracePatientsRequest.class,
      responseType = io.spinegate.v1.TracePatientsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.TracePatientsRequest,
      io.spinegate.v1.TracePatientsResponse> getTracePatientsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.TracePatientsRequest, io.spinegate.v1.TracePatientsResponse> getTracePatientsMethod;
    if ((getTracePatientsMethod = PatientTraceGrpc.getTracePatientsMethod) == null) {
      synchronized (PatientTraceGrpc.class) {
        if ((getTracePatientsMethod = PatientTraceGrpc.getTracePatientsMethod) == null) {
          PatientTraceGrpc.getTracePatientsMethod = getTracePatientsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.TracePatientsRequest, io.spinegate.v1.TracePatientsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TracePatients"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.TracePatientsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.TracePatientsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PatientTraceMethodDescriptorSupplier("TracePatients"))
              .build();
        }
      }
    }
    return getTracePatientsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.ListRelatedPersonsRequest,
      io.spinegate.v1.ListRelatedPersonsResponse> getListRelatedPersonsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRelatedPersons",
      requestType = io.spinegate.v1.ListRelatedPersonsRequest.class,
      responseType = io.spinegate.v1.ListRelatedPersonsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.ListRelatedPersonsRequest,
      io.spinegate.v1.ListRelatedPersonsResponse> getListRelatedPersonsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.ListRelatedPersonsRequest, io.spinegate.v1.ListRelatedPersonsResponse> getListRelatedPersonsMethod;
    if ((getListRelatedPersonsMethod = PatientTraceGrpc.getListRelatedPersonsMethod) == null) {
      synchronized (PatientTraceGrpc.class) {
        if ((getListRelatedPersonsMethod = PatientTraceGrpc.getListRelatedPersonsMethod) == null) {
          PatientTraceGrpc.getListRelatedPersonsMethod = getListRelatedPersonsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.ListRelatedPersonsRequest, io.spinegate.v1.ListRelatedPersonsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRelatedPersons"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ListRelatedPersonsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ListRelatedPersonsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PatientTraceMethodDescriptorSupplier("ListRelatedPersons"))
              .build();
        }
      }
    }
    return getListRelatedPersonsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static PatientTraceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PatientTraceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PatientTraceStub>() {
        @java.lang.Override
        public PatientTraceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PatientTraceStub(channel, callOptions);
        }
      };
    return PatientTraceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static PatientTraceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PatientTraceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PatientTraceBlockingV2Stub>() {
        @java.lang.Override
        public PatientTraceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PatientTraceBlockingV2Stub(channel, callOptions);
        }
      };
    return PatientTraceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static PatientTraceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PatientTraceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PatientTraceBlockingStub>() {
        @java.lang.Override
        public PatientTraceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PatientTraceBlockingStub(channel, callOptions);
        }
      };
    return PatientTraceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static PatientTraceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PatientTraceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PatientTraceFutureStub>() {
        @java.lang.Override
        public PatientTraceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PatientTraceFutureStub(channel, callOptions);
        }
      };
    return PatientTraceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
   * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
   * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
   * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Reads one person's demographics by NHS Number and says what follows from them: where the person is registered now,
     * whether the number was merged into another, whether details are restricted, whether a death was notified.
     * A superseded number is followed once: the answer is the surviving record, `superseded_from` the number asked for.
     * Check that it is the person you mean before you use it. With `expected` the answer also compares what you hold.
     * Fails with PATIENT_NOT_FOUND, PATIENT_INVALIDATED (withdrawn: not the same), NHS_NUMBER_INVALID, or the errors of any
     * call. A restricted, deceased or unregistered patient is an answer here, not an error.
     * </pre>
     */
    default void tracePatient(io.spinegate.v1.TracePatientRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTracePatientMethod(), responseObserver);
    }

    /**
     * <pre>
     * Finds people by demographics. Results come in PDS's order; show them so, without the score, and let a person choose.
     * Fails with TOO_MANY_MATCHES when more people match than may be shown, which is not an empty list, and with
     * SEARCH_INVALID when the criteria are too few or break a rule: `violations` names each, and nothing was sent. An empty
     * list does not prove absence: see `absence_not_proven`.
     * </pre>
     */
    default void searchPatients(io.spinegate.v1.SearchPatientsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.SearchPatientsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSearchPatientsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Traces many people on one stream. The first message is `start`, every other one an `item` with an id of your choice;
     * answers come as they complete, each item in exactly one `result` or `failure`. A bad item never ends the stream.
     * Close your side when you have sent all; the last answer is `closing`.
     * When your token or the connection grows too old the gateway stops reading, answers every item that it has read (some
     * with failure STREAM_ENDED) and closes PARTIAL. An item without an answer was never read.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientsRequest> tracePatients(
        io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientsResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getTracePatientsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the people related to a patient. PDS is asked about the patient first: a restricted patient's list is WITHHELD,
     * which is not "none", and nothing more is asked.
     * Fails as `TracePatient` does, and with PATIENT_SUPERSEDED: a list does not say whose it is.
     * </pre>
     */
    default void listRelatedPersons(io.spinegate.v1.ListRelatedPersonsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ListRelatedPersonsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRelatedPersonsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service PatientTrace.
   * <pre>
   * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
   * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
   * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
   * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
   * </pre>
   */
  public static abstract class PatientTraceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return PatientTraceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service PatientTrace.
   * <pre>
   * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
   * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
   * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
   * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
   * </pre>
   */
  public static final class PatientTraceStub
      extends io.grpc.stub.AbstractAsyncStub<PatientTraceStub> {
    private PatientTraceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PatientTraceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PatientTraceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reads one person's demographics by NHS Number and says what follows from them: where the person is registered now,
     * whether the number was merged into another, whether details are restricted, whether a death was notified.
     * A superseded number is followed once: the answer is the surviving record, `superseded_from` the number asked for.
     * Check that it is the person you mean before you use it. With `expected` the answer also compares what you hold.
     * Fails with PATIENT_NOT_FOUND, PATIENT_INVALIDATED (withdrawn: not the same), NHS_NUMBER_INVALID, or the errors of any
     * call. A restricted, deceased or unregistered patient is an answer here, not an error.
     * </pre>
     */
    public void tracePatient(io.spinegate.v1.TracePatientRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getTracePatientMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Finds people by demographics. Results come in PDS's order; show them so, without the score, and let a person choose.
     * Fails with TOO_MANY_MATCHES when more people match than may be shown, which is not an empty list, and with
     * SEARCH_INVALID when the criteria are too few or break a rule: `violations` names each, and nothing was sent. An empty
     * list does not prove absence: see `absence_not_proven`.
     * </pre>
     */
    public void searchPatients(io.spinegate.v1.SearchPatientsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.SearchPatientsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSearchPatientsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Traces many people on one stream. The first message is `start`, every other one an `item` with an id of your choice;
     * answers come as they complete, each item in exactly one `result` or `failure`. A bad item never ends the stream.
     * Close your side when you have sent all; the last answer is `closing`.
     * When your token or the connection grows too old the gateway stops reading, answers every item that it has read (some
     * with failure STREAM_ENDED) and closes PARTIAL. An item without an answer was never read.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientsRequest> tracePatients(
        io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientsResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getTracePatientsMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Lists the people related to a patient. PDS is asked about the patient first: a restricted patient's list is WITHHELD,
     * which is not "none", and nothing more is asked.
     * Fails as `TracePatient` does, and with PATIENT_SUPERSEDED: a list does not say whose it is.
     * </pre>
     */
    public void listRelatedPersons(io.spinegate.v1.ListRelatedPersonsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ListRelatedPersonsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRelatedPersonsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service PatientTrace.
   * <pre>
   * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
   * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
   * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
   * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
   * </pre>
   */
  public static final class PatientTraceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<PatientTraceBlockingV2Stub> {
    private PatientTraceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PatientTraceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PatientTraceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Reads one person's demographics by NHS Number and says what follows from them: where the person is registered now,
     * whether the number was merged into another, whether details are restricted, whether a death was notified.
     * A superseded number is followed once: the answer is the surviving record, `superseded_from` the number asked for.
     * Check that it is the person you mean before you use it. With `expected` the answer also compares what you hold.
     * Fails with PATIENT_NOT_FOUND, PATIENT_INVALIDATED (withdrawn: not the same), NHS_NUMBER_INVALID, or the errors of any
     * call. A restricted, deceased or unregistered patient is an answer here, not an error.
     * </pre>
     */
    public io.spinegate.v1.TracePatientResponse tracePatient(io.spinegate.v1.TracePatientRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getTracePatientMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds people by demographics. Results come in PDS's order; show them so, without the score, and let a person choose.
     * Fails with TOO_MANY_MATCHES when more people match than may be shown, which is not an empty list, and with
     * SEARCH_INVALID when the criteria are too few or break a rule: `violations` names each, and nothing was sent. An empty
     * list does not prove absence: see `absence_not_proven`.
     * </pre>
     */
    public io.spinegate.v1.SearchPatientsResponse searchPatients(io.spinegate.v1.SearchPatientsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSearchPatientsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Traces many people on one stream. The first message is `start`, every other one an `item` with an id of your choice;
     * answers come as they complete, each item in exactly one `result` or `failure`. A bad item never ends the stream.
     * Close your side when you have sent all; the last answer is `closing`.
     * When your token or the connection grows too old the gateway stops reading, answers every item that it has read (some
     * with failure STREAM_ENDED) and closes PARTIAL. An item without an answer was never read.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.spinegate.v1.TracePatientsRequest, io.spinegate.v1.TracePatientsResponse>
        tracePatients() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getTracePatientsMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Lists the people related to a patient. PDS is asked about the patient first: a restricted patient's list is WITHHELD,
     * which is not "none", and nothing more is asked.
     * Fails as `TracePatient` does, and with PATIENT_SUPERSEDED: a list does not say whose it is.
     * </pre>
     */
    public io.spinegate.v1.ListRelatedPersonsResponse listRelatedPersons(io.spinegate.v1.ListRelatedPersonsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRelatedPersonsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service PatientTrace.
   * <pre>
   * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
   * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
   * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
   * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
   * </pre>
   */
  public static final class PatientTraceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<PatientTraceBlockingStub> {
    private PatientTraceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PatientTraceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PatientTraceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reads one person's demographics by NHS Number and says what follows from them: where the person is registered now,
     * whether the number was merged into another, whether details are restricted, whether a death was notified.
     * A superseded number is followed once: the answer is the surviving record, `superseded_from` the number asked for.
     * Check that it is the person you mean before you use it. With `expected` the answer also compares what you hold.
     * Fails with PATIENT_NOT_FOUND, PATIENT_INVALIDATED (withdrawn: not the same), NHS_NUMBER_INVALID, or the errors of any
     * call. A restricted, deceased or unregistered patient is an answer here, not an error.
     * </pre>
     */
    public io.spinegate.v1.TracePatientResponse tracePatient(io.spinegate.v1.TracePatientRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTracePatientMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds people by demographics. Results come in PDS's order; show them so, without the score, and let a person choose.
     * Fails with TOO_MANY_MATCHES when more people match than may be shown, which is not an empty list, and with
     * SEARCH_INVALID when the criteria are too few or break a rule: `violations` names each, and nothing was sent. An empty
     * list does not prove absence: see `absence_not_proven`.
     * </pre>
     */
    public io.spinegate.v1.SearchPatientsResponse searchPatients(io.spinegate.v1.SearchPatientsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSearchPatientsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the people related to a patient. PDS is asked about the patient first: a restricted patient's list is WITHHELD,
     * which is not "none", and nothing more is asked.
     * Fails as `TracePatient` does, and with PATIENT_SUPERSEDED: a list does not say whose it is.
     * </pre>
     */
    public io.spinegate.v1.ListRelatedPersonsResponse listRelatedPersons(io.spinegate.v1.ListRelatedPersonsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRelatedPersonsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service PatientTrace.
   * <pre>
   * PatientTrace asks the Personal Demographics Service (PDS) about people. Nothing is cached: every call asks afresh.
   * PDS is asked in the application's name, or in that of the clinician who is signed in with CIS2: pass on their ID token as
   * metadata `spinegate-cis2-id-token`. Which of the two an organisation allows is a setting of the gateway. Calls can fail with
   * CIS2_TOKEN_MISSING, CIS2_TOKEN_INVALID and SESSION_ROLE_REFUSED because of it; so can those of `GPConnect`, which trace first.
   * </pre>
   */
  public static final class PatientTraceFutureStub
      extends io.grpc.stub.AbstractFutureStub<PatientTraceFutureStub> {
    private PatientTraceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PatientTraceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PatientTraceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reads one person's demographics by NHS Number and says what follows from them: where the person is registered now,
     * whether the number was merged into another, whether details are restricted, whether a death was notified.
     * A superseded number is followed once: the answer is the surviving record, `superseded_from` the number asked for.
     * Check that it is the person you mean before you use it. With `expected` the answer also compares what you hold.
     * Fails with PATIENT_NOT_FOUND, PATIENT_INVALIDATED (withdrawn: not the same), NHS_NUMBER_INVALID, or the errors of any
     * call. A restricted, deceased or unregistered patient is an answer here, not an error.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.TracePatientResponse> tracePatient(
        io.spinegate.v1.TracePatientRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getTracePatientMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Finds people by demographics. Results come in PDS's order; show them so, without the score, and let a person choose.
     * Fails with TOO_MANY_MATCHES when more people match than may be shown, which is not an empty list, and with
     * SEARCH_INVALID when the criteria are too few or break a rule: `violations` names each, and nothing was sent. An empty
     * list does not prove absence: see `absence_not_proven`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.SearchPatientsResponse> searchPatients(
        io.spinegate.v1.SearchPatientsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSearchPatientsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the people related to a patient. PDS is asked about the patient first: a restricted patient's list is WITHHELD,
     * which is not "none", and nothing more is asked.
     * Fails as `TracePatient` does, and with PATIENT_SUPERSEDED: a list does not say whose it is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.ListRelatedPersonsResponse> listRelatedPersons(
        io.spinegate.v1.ListRelatedPersonsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRelatedPersonsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_TRACE_PATIENT = 0;
  private static final int METHODID_SEARCH_PATIENTS = 1;
  private static final int METHODID_LIST_RELATED_PERSONS = 2;
  private static final int METHODID_TRACE_PATIENTS = 3;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_TRACE_PATIENT:
          serviceImpl.tracePatient((io.spinegate.v1.TracePatientRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientResponse>) responseObserver);
          break;
        case METHODID_SEARCH_PATIENTS:
          serviceImpl.searchPatients((io.spinegate.v1.SearchPatientsRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.SearchPatientsResponse>) responseObserver);
          break;
        case METHODID_LIST_RELATED_PERSONS:
          serviceImpl.listRelatedPersons((io.spinegate.v1.ListRelatedPersonsRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.ListRelatedPersonsResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_TRACE_PATIENTS:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.tracePatients(
              (io.grpc.stub.StreamObserver<io.spinegate.v1.TracePatientsResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getTracePatientMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.TracePatientRequest,
              io.spinegate.v1.TracePatientResponse>(
                service, METHODID_TRACE_PATIENT)))
        .addMethod(
          getSearchPatientsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.SearchPatientsRequest,
              io.spinegate.v1.SearchPatientsResponse>(
                service, METHODID_SEARCH_PATIENTS)))
        .addMethod(
          getTracePatientsMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.TracePatientsRequest,
              io.spinegate.v1.TracePatientsResponse>(
                service, METHODID_TRACE_PATIENTS)))
        .addMethod(
          getListRelatedPersonsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.ListRelatedPersonsRequest,
              io.spinegate.v1.ListRelatedPersonsResponse>(
                service, METHODID_LIST_RELATED_PERSONS)))
        .build();
  }

  private static abstract class PatientTraceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    PatientTraceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.spinegate.v1.PatientTraceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("PatientTrace");
    }
  }

  private static final class PatientTraceFileDescriptorSupplier
      extends PatientTraceBaseDescriptorSupplier {
    PatientTraceFileDescriptorSupplier() {}
  }

  private static final class PatientTraceMethodDescriptorSupplier
      extends PatientTraceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    PatientTraceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (PatientTraceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new PatientTraceFileDescriptorSupplier())
              .addMethod(getTracePatientMethod())
              .addMethod(getSearchPatientsMethod())
              .addMethod(getTracePatientsMethod())
              .addMethod(getListRelatedPersonsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
