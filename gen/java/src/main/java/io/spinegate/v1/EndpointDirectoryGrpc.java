package io.spinegate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
 * Device behind the Endpoint's party key. It never chooses between systems.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class EndpointDirectoryGrpc {

  private EndpointDirectoryGrpc() {}

  public static final java.lang.String SERVICE_NAME = "spinegate.v1.EndpointDirectory";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.ResolveEndpointRequest,
      io.spinegate.v1.ResolveEndpointResponse> getResolveEndpointMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResolveEndpoint",
      requestType = io.spinegate.v1.ResolveEndpointRequest.class,
      responseType = io.spinegate.v1.ResolveEndpointResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.ResolveEndpointRequest,
      io.spinegate.v1.ResolveEndpointResponse> getResolveEndpointMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.ResolveEndpointRequest, io.spinegate.v1.ResolveEndpointResponse> getResolveEndpointMethod;
    if ((getResolveEndpointMethod = EndpointDirectoryGrpc.getResolveEndpointMethod) == null) {
      synchronized (EndpointDirectoryGrpc.class) {
        if ((getResolveEndpointMethod = EndpointDirectoryGrpc.getResolveEndpointMethod) == null) {
          EndpointDirectoryGrpc.getResolveEndpointMethod = getResolveEndpointMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.ResolveEndpointRequest, io.spinegate.v1.ResolveEndpointResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResolveEndpoint"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ResolveEndpointRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ResolveEndpointResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EndpointDirectoryMethodDescriptorSupplier("ResolveEndpoint"))
              .build();
        }
      }
    }
    return getResolveEndpointMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.ResolveEndpointsRequest,
      io.spinegate.v1.ResolveEndpointsResponse> getResolveEndpointsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResolveEndpoints",
      requestType = io.spinegate.v1.ResolveEndpointsRequest.class,
      responseType = io.spinegate.v1.ResolveEndpointsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.ResolveEndpointsRequest,
      io.spinegate.v1.ResolveEndpointsResponse> getResolveEndpointsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.ResolveEndpointsRequest, io.spinegate.v1.ResolveEndpointsResponse> getResolveEndpointsMethod;
    if ((getResolveEndpointsMethod = EndpointDirectoryGrpc.getResolveEndpointsMethod) == null) {
      synchronized (EndpointDirectoryGrpc.class) {
        if ((getResolveEndpointsMethod = EndpointDirectoryGrpc.getResolveEndpointsMethod) == null) {
          EndpointDirectoryGrpc.getResolveEndpointsMethod = getResolveEndpointsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.ResolveEndpointsRequest, io.spinegate.v1.ResolveEndpointsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResolveEndpoints"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ResolveEndpointsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ResolveEndpointsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new EndpointDirectoryMethodDescriptorSupplier("ResolveEndpoints"))
              .build();
        }
      }
    }
    return getResolveEndpointsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static EndpointDirectoryStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryStub>() {
        @java.lang.Override
        public EndpointDirectoryStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EndpointDirectoryStub(channel, callOptions);
        }
      };
    return EndpointDirectoryStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static EndpointDirectoryBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryBlockingV2Stub>() {
        @java.lang.Override
        public EndpointDirectoryBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EndpointDirectoryBlockingV2Stub(channel, callOptions);
        }
      };
    return EndpointDirectoryBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static EndpointDirectoryBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryBlockingStub>() {
        @java.lang.Override
        public EndpointDirectoryBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EndpointDirectoryBlockingStub(channel, callOptions);
        }
      };
    return EndpointDirectoryBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static EndpointDirectoryFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<EndpointDirectoryFutureStub>() {
        @java.lang.Override
        public EndpointDirectoryFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new EndpointDirectoryFutureStub(channel, callOptions);
        }
      };
    return EndpointDirectoryFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
   * Device behind the Endpoint's party key. It never chooses between systems.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Finds the one system that answers an interaction for an organisation.
     * Fails with ENDPOINT_NOT_FOUND when none is registered, ENDPOINT_AMBIGUOUS or DEVICE_AMBIGUOUS with `candidates` when
     * more than one is, ENDPOINT_INCOMPLETE or DEVICE_NOT_FOUND when the registration cannot be used.
     * </pre>
     */
    default void resolveEndpoint(io.spinegate.v1.ResolveEndpointRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ResolveEndpointResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResolveEndpointMethod(), responseObserver);
    }

    /**
     * <pre>
     * Finds systems for many organisations and interactions. Results and failures come as they are known; each pair ends in
     * exactly one of them.
     * </pre>
     */
    default void resolveEndpoints(io.spinegate.v1.ResolveEndpointsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ResolveEndpointsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResolveEndpointsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service EndpointDirectory.
   * <pre>
   * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
   * Device behind the Endpoint's party key. It never chooses between systems.
   * </pre>
   */
  public static abstract class EndpointDirectoryImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return EndpointDirectoryGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service EndpointDirectory.
   * <pre>
   * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
   * Device behind the Endpoint's party key. It never chooses between systems.
   * </pre>
   */
  public static final class EndpointDirectoryStub
      extends io.grpc.stub.AbstractAsyncStub<EndpointDirectoryStub> {
    private EndpointDirectoryStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EndpointDirectoryStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EndpointDirectoryStub(channel, callOptions);
    }

    /**
     * <pre>
     * Finds the one system that answers an interaction for an organisation.
     * Fails with ENDPOINT_NOT_FOUND when none is registered, ENDPOINT_AMBIGUOUS or DEVICE_AMBIGUOUS with `candidates` when
     * more than one is, ENDPOINT_INCOMPLETE or DEVICE_NOT_FOUND when the registration cannot be used.
     * </pre>
     */
    public void resolveEndpoint(io.spinegate.v1.ResolveEndpointRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ResolveEndpointResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResolveEndpointMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Finds systems for many organisations and interactions. Results and failures come as they are known; each pair ends in
     * exactly one of them.
     * </pre>
     */
    public void resolveEndpoints(io.spinegate.v1.ResolveEndpointsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ResolveEndpointsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getResolveEndpointsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service EndpointDirectory.
   * <pre>
   * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
   * Device behind the Endpoint's party key. It never chooses between systems.
   * </pre>
   */
  public static final class EndpointDirectoryBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<EndpointDirectoryBlockingV2Stub> {
    private EndpointDirectoryBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EndpointDirectoryBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EndpointDirectoryBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Finds the one system that answers an interaction for an organisation.
     * Fails with ENDPOINT_NOT_FOUND when none is registered, ENDPOINT_AMBIGUOUS or DEVICE_AMBIGUOUS with `candidates` when
     * more than one is, ENDPOINT_INCOMPLETE or DEVICE_NOT_FOUND when the registration cannot be used.
     * </pre>
     */
    public io.spinegate.v1.ResolveEndpointResponse resolveEndpoint(io.spinegate.v1.ResolveEndpointRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResolveEndpointMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds systems for many organisations and interactions. Results and failures come as they are known; each pair ends in
     * exactly one of them.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.ResolveEndpointsResponse>
        resolveEndpoints(io.spinegate.v1.ResolveEndpointsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getResolveEndpointsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service EndpointDirectory.
   * <pre>
   * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
   * Device behind the Endpoint's party key. It never chooses between systems.
   * </pre>
   */
  public static final class EndpointDirectoryBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<EndpointDirectoryBlockingStub> {
    private EndpointDirectoryBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EndpointDirectoryBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EndpointDirectoryBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Finds the one system that answers an interaction for an organisation.
     * Fails with ENDPOINT_NOT_FOUND when none is registered, ENDPOINT_AMBIGUOUS or DEVICE_AMBIGUOUS with `candidates` when
     * more than one is, ENDPOINT_INCOMPLETE or DEVICE_NOT_FOUND when the registration cannot be used.
     * </pre>
     */
    public io.spinegate.v1.ResolveEndpointResponse resolveEndpoint(io.spinegate.v1.ResolveEndpointRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResolveEndpointMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds systems for many organisations and interactions. Results and failures come as they are known; each pair ends in
     * exactly one of them.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.ResolveEndpointsResponse> resolveEndpoints(
        io.spinegate.v1.ResolveEndpointsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getResolveEndpointsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service EndpointDirectory.
   * <pre>
   * EndpointDirectory asks the Spine Directory Service (SDS) where a practice's system is: its Endpoint first, then the
   * Device behind the Endpoint's party key. It never chooses between systems.
   * </pre>
   */
  public static final class EndpointDirectoryFutureStub
      extends io.grpc.stub.AbstractFutureStub<EndpointDirectoryFutureStub> {
    private EndpointDirectoryFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected EndpointDirectoryFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new EndpointDirectoryFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Finds the one system that answers an interaction for an organisation.
     * Fails with ENDPOINT_NOT_FOUND when none is registered, ENDPOINT_AMBIGUOUS or DEVICE_AMBIGUOUS with `candidates` when
     * more than one is, ENDPOINT_INCOMPLETE or DEVICE_NOT_FOUND when the registration cannot be used.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.ResolveEndpointResponse> resolveEndpoint(
        io.spinegate.v1.ResolveEndpointRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResolveEndpointMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_RESOLVE_ENDPOINT = 0;
  private static final int METHODID_RESOLVE_ENDPOINTS = 1;

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
        case METHODID_RESOLVE_ENDPOINT:
          serviceImpl.resolveEndpoint((io.spinegate.v1.ResolveEndpointRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.ResolveEndpointResponse>) responseObserver);
          break;
        case METHODID_RESOLVE_ENDPOINTS:
          serviceImpl.resolveEndpoints((io.spinegate.v1.ResolveEndpointsRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.ResolveEndpointsResponse>) responseObserver);
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
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getResolveEndpointMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.ResolveEndpointRequest,
              io.spinegate.v1.ResolveEndpointResponse>(
                service, METHODID_RESOLVE_ENDPOINT)))
        .addMethod(
          getResolveEndpointsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.ResolveEndpointsRequest,
              io.spinegate.v1.ResolveEndpointsResponse>(
                service, METHODID_RESOLVE_ENDPOINTS)))
        .build();
  }

  private static abstract class EndpointDirectoryBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    EndpointDirectoryBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.spinegate.v1.EndpointDirectoryProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("EndpointDirectory");
    }
  }

  private static final class EndpointDirectoryFileDescriptorSupplier
      extends EndpointDirectoryBaseDescriptorSupplier {
    EndpointDirectoryFileDescriptorSupplier() {}
  }

  private static final class EndpointDirectoryMethodDescriptorSupplier
      extends EndpointDirectoryBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    EndpointDirectoryMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (EndpointDirectoryGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new EndpointDirectoryFileDescriptorSupplier())
              .addMethod(getResolveEndpointMethod())
              .addMethod(getResolveEndpointsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
