package io.spinegate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
 * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
 * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
 * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
 * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class GPConnectGrpc {

  private GPConnectGrpc() {}

  public static final java.lang.String SERVICE_NAME = "spinegate.v1.GPConnect";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.GetCapabilitiesRequest,
      io.spinegate.v1.GetCapabilitiesResponse> getGetCapabilitiesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetCapabilities",
      requestType = io.spinegate.v1.GetCapabilitiesRequest.class,
      responseType = io.spinegate.v1.GetCapabilitiesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.GetCapabilitiesRequest,
      io.spinegate.v1.GetCapabilitiesResponse> getGetCapabilitiesMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.GetCapabilitiesRequest, io.spinegate.v1.GetCapabilitiesResponse> getGetCapabilitiesMethod;
    if ((getGetCapabilitiesMethod = GPConnectGrpc.getGetCapabilitiesMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getGetCapabilitiesMethod = GPConnectGrpc.getGetCapabilitiesMethod) == null) {
          GPConnectGrpc.getGetCapabilitiesMethod = getGetCapabilitiesMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.GetCapabilitiesRequest, io.spinegate.v1.GetCapabilitiesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetCapabilities"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetCapabilitiesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetCapabilitiesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("GetCapabilities"))
              .build();
        }
      }
    }
    return getGetCapabilitiesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.GetStructuredRecordRequest,
      io.spinegate.v1.GetStructuredRecordResponse> getGetStructuredRecordMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetStructuredRecord",
      requestType = io.spinegate.v1.GetStructuredRecordRequest.class,
      responseType = io.spinegate.v1.GetStructuredRecordResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.GetStructuredRecordRequest,
      io.spinegate.v1.GetStructuredRecordResponse> getGetStructuredRecordMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.GetStructuredRecordRequest, io.spinegate.v1.GetStructuredRecordResponse> getGetStructuredRecordMethod;
    if ((getGetStructuredRecordMethod = GPConnectGrpc.getGetStructuredRecordMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getGetStructuredRecordMethod = GPConnectGrpc.getGetStructuredRecordMethod) == null) {
          GPConnectGrpc.getGetStructuredRecordMethod = getGetStructuredRecordMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.GetStructuredRecordRequest, io.spinegate.v1.GetStructuredRecordResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetStructuredRecord"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetStructuredRecordRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetStructuredRecordResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("GetStructuredRecord"))
              .build();
        }
      }
    }
    return getGetStructuredRecordMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.GetRecordHtmlRequest,
      io.spinegate.v1.GetRecordHtmlResponse> getGetRecordHtmlMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRecordHtml",
      requestType = io.spinegate.v1.GetRecordHtmlRequest.class,
      responseType = io.spinegate.v1.GetRecordHtmlResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.GetRecordHtmlRequest,
      io.spinegate.v1.GetRecordHtmlResponse> getGetRecordHtmlMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.GetRecordHtmlRequest, io.spinegate.v1.GetRecordHtmlResponse> getGetRecordHtmlMethod;
    if ((getGetRecordHtmlMethod = GPConnectGrpc.getGetRecordHtmlMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getGetRecordHtmlMethod = GPConnectGrpc.getGetRecordHtmlMethod) == null) {
          GPConnectGrpc.getGetRecordHtmlMethod = getGetRecordHtmlMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.GetRecordHtmlRequest, io.spinegate.v1.GetRecordHtmlResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRecordHtml"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetRecordHtmlRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetRecordHtmlResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("GetRecordHtml"))
              .build();
        }
      }
    }
    return getGetRecordHtmlMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.SearchDocumentsRequest,
      io.spinegate.v1.SearchDocumentsResponse> getSearchDocumentsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SearchDocuments",
      requestType = io.spinegate.v1.SearchDocumentsRequest.class,
      responseType = io.spinegate.v1.SearchDocumentsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.SearchDocumentsRequest,
      io.spinegate.v1.SearchDocumentsResponse> getSearchDocumentsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.SearchDocumentsRequest, io.spinegate.v1.SearchDocumentsResponse> getSearchDocumentsMethod;
    if ((getSearchDocumentsMethod = GPConnectGrpc.getSearchDocumentsMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getSearchDocumentsMethod = GPConnectGrpc.getSearchDocumentsMethod) == null) {
          GPConnectGrpc.getSearchDocumentsMethod = getSearchDocumentsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.SearchDocumentsRequest, io.spinegate.v1.SearchDocumentsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SearchDocuments"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.SearchDocumentsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.SearchDocumentsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("SearchDocuments"))
              .build();
        }
      }
    }
    return getSearchDocumentsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.GetDocumentRequest,
      io.spinegate.v1.GetDocumentResponse> getGetDocumentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDocument",
      requestType = io.spinegate.v1.GetDocumentRequest.class,
      responseType = io.spinegate.v1.GetDocumentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.GetDocumentRequest,
      io.spinegate.v1.GetDocumentResponse> getGetDocumentMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.GetDocumentRequest, io.spinegate.v1.GetDocumentResponse> getGetDocumentMethod;
    if ((getGetDocumentMethod = GPConnectGrpc.getGetDocumentMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getGetDocumentMethod = GPConnectGrpc.getGetDocumentMethod) == null) {
          GPConnectGrpc.getGetDocumentMethod = getGetDocumentMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.GetDocumentRequest, io.spinegate.v1.GetDocumentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDocument"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetDocumentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetDocumentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("GetDocument"))
              .build();
        }
      }
    }
    return getGetDocumentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.SearchSlotsRequest,
      io.spinegate.v1.SearchSlotsResponse> getSearchSlotsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SearchSlots",
      requestType = io.spinegate.v1.SearchSlotsRequest.class,
      responseType = io.spinegate.v1.SearchSlotsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.SearchSlotsRequest,
      io.spinegate.v1.SearchSlotsResponse> getSearchSlotsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.SearchSlotsRequest, io.spinegate.v1.SearchSlotsResponse> getSearchSlotsMethod;
    if ((getSearchSlotsMethod = GPConnectGrpc.getSearchSlotsMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getSearchSlotsMethod = GPConnectGrpc.getSearchSlotsMethod) == null) {
          GPConnectGrpc.getSearchSlotsMethod = getSearchSlotsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.SearchSlotsRequest, io.spinegate.v1.SearchSlotsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SearchSlots"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.SearchSlotsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.SearchSlotsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("SearchSlots"))
              .build();
        }
      }
    }
    return getSearchSlotsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.BookAppointmentRequest,
      io.spinegate.v1.BookAppointmentResponse> getBookAppointmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BookAppointment",
      requestType = io.spinegate.v1.BookAppointmentRequest.class,
      responseType = io.spinegate.v1.BookAppointmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.BookAppointmentRequest,
      io.spinegate.v1.BookAppointmentResponse> getBookAppointmentMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.BookAppointmentRequest, io.spinegate.v1.BookAppointmentResponse> getBookAppointmentMethod;
    if ((getBookAppointmentMethod = GPConnectGrpc.getBookAppointmentMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getBookAppointmentMethod = GPConnectGrpc.getBookAppointmentMethod) == null) {
          GPConnectGrpc.getBookAppointmentMethod = getBookAppointmentMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.BookAppointmentRequest, io.spinegate.v1.BookAppointmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BookAppointment"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.BookAppointmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.BookAppointmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("BookAppointment"))
              .build();
        }
      }
    }
    return getBookAppointmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.AmendAppointmentRequest,
      io.spinegate.v1.AmendAppointmentResponse> getAmendAppointmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AmendAppointment",
      requestType = io.spinegate.v1.AmendAppointmentRequest.class,
      responseType = io.spinegate.v1.AmendAppointmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.AmendAppointmentRequest,
      io.spinegate.v1.AmendAppointmentResponse> getAmendAppointmentMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.AmendAppointmentRequest, io.spinegate.v1.AmendAppointmentResponse> getAmendAppointmentMethod;
    if ((getAmendAppointmentMethod = GPConnectGrpc.getAmendAppointmentMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getAmendAppointmentMethod = GPConnectGrpc.getAmendAppointmentMethod) == null) {
          GPConnectGrpc.getAmendAppointmentMethod = getAmendAppointmentMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.AmendAppointmentRequest, io.spinegate.v1.AmendAppointmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AmendAppointment"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.AmendAppointmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.AmendAppointmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("AmendAppointment"))
              .build();
        }
      }
    }
    return getAmendAppointmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.CancelAppointmentRequest,
      io.spinegate.v1.CancelAppointmentResponse> getCancelAppointmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelAppointment",
      requestType = io.spinegate.v1.CancelAppointmentRequest.class,
      responseType = io.spinegate.v1.CancelAppointmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.CancelAppointmentRequest,
      io.spinegate.v1.CancelAppointmentResponse> getCancelAppointmentMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.CancelAppointmentRequest, io.spinegate.v1.CancelAppointmentResponse> getCancelAppointmentMethod;
    if ((getCancelAppointmentMethod = GPConnectGrpc.getCancelAppointmentMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getCancelAppointmentMethod = GPConnectGrpc.getCancelAppointmentMethod) == null) {
          GPConnectGrpc.getCancelAppointmentMethod = getCancelAppointmentMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.CancelAppointmentRequest, io.spinegate.v1.CancelAppointmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelAppointment"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.CancelAppointmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.CancelAppointmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("CancelAppointment"))
              .build();
        }
      }
    }
    return getCancelAppointmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.GetAppointmentRequest,
      io.spinegate.v1.GetAppointmentResponse> getGetAppointmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetAppointment",
      requestType = io.spinegate.v1.GetAppointmentRequest.class,
      responseType = io.spinegate.v1.GetAppointmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.GetAppointmentRequest,
      io.spinegate.v1.GetAppointmentResponse> getGetAppointmentMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.GetAppointmentRequest, io.spinegate.v1.GetAppointmentResponse> getGetAppointmentMethod;
    if ((getGetAppointmentMethod = GPConnectGrpc.getGetAppointmentMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getGetAppointmentMethod = GPConnectGrpc.getGetAppointmentMethod) == null) {
          GPConnectGrpc.getGetAppointmentMethod = getGetAppointmentMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.GetAppointmentRequest, io.spinegate.v1.GetAppointmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetAppointment"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetAppointmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetAppointmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("GetAppointment"))
              .build();
        }
      }
    }
    return getGetAppointmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.ListAppointmentsRequest,
      io.spinegate.v1.ListAppointmentsResponse> getListAppointmentsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAppointments",
      requestType = io.spinegate.v1.ListAppointmentsRequest.class,
      responseType = io.spinegate.v1.ListAppointmentsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.ListAppointmentsRequest,
      io.spinegate.v1.ListAppointmentsResponse> getListAppointmentsMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.ListAppointmentsRequest, io.spinegate.v1.ListAppointmentsResponse> getListAppointmentsMethod;
    if ((getListAppointmentsMethod = GPConnectGrpc.getListAppointmentsMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getListAppointmentsMethod = GPConnectGrpc.getListAppointmentsMethod) == null) {
          GPConnectGrpc.getListAppointmentsMethod = getListAppointmentsMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.ListAppointmentsRequest, io.spinegate.v1.ListAppointmentsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAppointments"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ListAppointmentsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.ListAppointmentsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("ListAppointments"))
              .build();
        }
      }
    }
    return getListAppointmentsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.FindPatientRequest,
      io.spinegate.v1.FindPatientResponse> getFindPatientMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FindPatient",
      requestType = io.spinegate.v1.FindPatientRequest.class,
      responseType = io.spinegate.v1.FindPatientResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.FindPatientRequest,
      io.spinegate.v1.FindPatientResponse> getFindPatientMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.FindPatientRequest, io.spinegate.v1.FindPatientResponse> getFindPatientMethod;
    if ((getFindPatientMethod = GPConnectGrpc.getFindPatientMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getFindPatientMethod = GPConnectGrpc.getFindPatientMethod) == null) {
          GPConnectGrpc.getFindPatientMethod = getFindPatientMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.FindPatientRequest, io.spinegate.v1.FindPatientResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FindPatient"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.FindPatientRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.FindPatientResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("FindPatient"))
              .build();
        }
      }
    }
    return getFindPatientMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.RegisterPatientRequest,
      io.spinegate.v1.RegisterPatientResponse> getRegisterPatientMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RegisterPatient",
      requestType = io.spinegate.v1.RegisterPatientRequest.class,
      responseType = io.spinegate.v1.RegisterPatientResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.RegisterPatientRequest,
      io.spinegate.v1.RegisterPatientResponse> getRegisterPatientMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.RegisterPatientRequest, io.spinegate.v1.RegisterPatientResponse> getRegisterPatientMethod;
    if ((getRegisterPatientMethod = GPConnectGrpc.getRegisterPatientMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getRegisterPatientMethod = GPConnectGrpc.getRegisterPatientMethod) == null) {
          GPConnectGrpc.getRegisterPatientMethod = getRegisterPatientMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.RegisterPatientRequest, io.spinegate.v1.RegisterPatientResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RegisterPatient"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.RegisterPatientRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.RegisterPatientResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("RegisterPatient"))
              .build();
        }
      }
    }
    return getRegisterPatientMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.FindPractitionerRequest,
      io.spinegate.v1.FindPractitionerResponse> getFindPractitionerMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FindPractitioner",
      requestType = io.spinegate.v1.FindPractitionerRequest.class,
      responseType = io.spinegate.v1.FindPractitionerResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.FindPractitionerRequest,
      io.spinegate.v1.FindPractitionerResponse> getFindPractitionerMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.FindPractitionerRequest, io.spinegate.v1.FindPractitionerResponse> getFindPractitionerMethod;
    if ((getFindPractitionerMethod = GPConnectGrpc.getFindPractitionerMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getFindPractitionerMethod = GPConnectGrpc.getFindPractitionerMethod) == null) {
          GPConnectGrpc.getFindPractitionerMethod = getFindPractitionerMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.FindPractitionerRequest, io.spinegate.v1.FindPractitionerResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FindPractitioner"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.FindPractitionerRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.FindPractitionerResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("FindPractitioner"))
              .build();
        }
      }
    }
    return getFindPractitionerMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.FindOrganizationRequest,
      io.spinegate.v1.FindOrganizationResponse> getFindOrganizationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FindOrganization",
      requestType = io.spinegate.v1.FindOrganizationRequest.class,
      responseType = io.spinegate.v1.FindOrganizationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.FindOrganizationRequest,
      io.spinegate.v1.FindOrganizationResponse> getFindOrganizationMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.FindOrganizationRequest, io.spinegate.v1.FindOrganizationResponse> getFindOrganizationMethod;
    if ((getFindOrganizationMethod = GPConnectGrpc.getFindOrganizationMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getFindOrganizationMethod = GPConnectGrpc.getFindOrganizationMethod) == null) {
          GPConnectGrpc.getFindOrganizationMethod = getFindOrganizationMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.FindOrganizationRequest, io.spinegate.v1.FindOrganizationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FindOrganization"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.FindOrganizationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.FindOrganizationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("FindOrganization"))
              .build();
        }
      }
    }
    return getFindOrganizationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.spinegate.v1.GetLocationRequest,
      io.spinegate.v1.GetLocationResponse> getGetLocationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetLocation",
      requestType = io.spinegate.v1.GetLocationRequest.class,
      responseType = io.spinegate.v1.GetLocationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.spinegate.v1.GetLocationRequest,
      io.spinegate.v1.GetLocationResponse> getGetLocationMethod() {
    io.grpc.MethodDescriptor<io.spinegate.v1.GetLocationRequest, io.spinegate.v1.GetLocationResponse> getGetLocationMethod;
    if ((getGetLocationMethod = GPConnectGrpc.getGetLocationMethod) == null) {
      synchronized (GPConnectGrpc.class) {
        if ((getGetLocationMethod = GPConnectGrpc.getGetLocationMethod) == null) {
          GPConnectGrpc.getGetLocationMethod = getGetLocationMethod =
              io.grpc.MethodDescriptor.<io.spinegate.v1.GetLocationRequest, io.spinegate.v1.GetLocationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetLocation"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetLocationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.spinegate.v1.GetLocationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new GPConnectMethodDescriptorSupplier("GetLocation"))
              .build();
        }
      }
    }
    return getGetLocationMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static GPConnectStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<GPConnectStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<GPConnectStub>() {
        @java.lang.Override
        public GPConnectStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new GPConnectStub(channel, callOptions);
        }
      };
    return GPConnectStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static GPConnectBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<GPConnectBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<GPConnectBlockingV2Stub>() {
        @java.lang.Override
        public GPConnectBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new GPConnectBlockingV2Stub(channel, callOptions);
        }
      };
    return GPConnectBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static GPConnectBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<GPConnectBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<GPConnectBlockingStub>() {
        @java.lang.Override
        public GPConnectBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new GPConnectBlockingStub(channel, callOptions);
        }
      };
    return GPConnectBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static GPConnectFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<GPConnectFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<GPConnectFutureStub>() {
        @java.lang.Override
        public GPConnectFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new GPConnectFutureStub(channel, callOptions);
        }
      };
    return GPConnectFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
   * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
   * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
   * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
   * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Says what a practice's system can do, per capability, as far as it can be told. A statement that could not be read is
     * unknown, never unsupported.
     * </pre>
     */
    default void getCapabilities(io.spinegate.v1.GetCapabilitiesRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetCapabilitiesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetCapabilitiesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a patient's structured record: `opening`, then `patient` (whose record this is, compared with PDS), then the
     * entries in the practice's order, `warning`s the moment they are seen, `index` pieces, and `closing`. Nothing clinical
     * is sent before the answer's Patient has the NHS Number that was asked for.
     * The stream ends with status OK if and only if `closing` was sent, and the record is all of what was asked if and only
     * if `closing.verdict` is VERDICT_WHOLE. Use nothing of a stream that ended otherwise as if it were complete.
     * </pre>
     */
    default void getStructuredRecord(io.spinegate.v1.GetStructuredRecordRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetStructuredRecordResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetStructuredRecordMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a patient's record as human-readable sections (Access Record HTML 0.7): one request to the practice per
     * section, each section a target of its own.
     * </pre>
     */
    default void getRecordHtml(io.spinegate.v1.GetRecordHtmlRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetRecordHtmlResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRecordHtmlMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the references of a patient's documents, each with a handle for `GetDocument`.
     * </pre>
     */
    default void searchDocuments(io.spinegate.v1.SearchDocumentsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.SearchDocumentsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSearchDocumentsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams one document in chunks, with declared and real size, type and digest.
     * </pre>
     */
    default void getDocument(io.spinegate.v1.GetDocumentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetDocumentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDocumentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams free slots of one to many practices, each as soon as its practice answers. Each practice ends in one result or
     * one failure. Cancelling the call stops what is still asked. Practices that have not answered shortly before the
     * deadline fail with TIMED_OUT, and the stream still closes.
     * </pre>
     */
    default void searchSlots(io.spinegate.v1.SearchSlotsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.SearchSlotsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSearchSlotsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Books one appointment in one or more adjacent free slots. Never registers anybody.
     * `request_id` makes it safe to repeat: the gateway sends a booking at most once, whatever happens. When it cannot tell
     * whether the practice booked, the call fails with OUTCOME_UNKNOWN (code UNKNOWN); make the same call again to find out.
     * Fails with SLOT_TAKEN when somebody was faster, PATIENT_UNKNOWN_AT_PRACTICE, HANDLE_EXPIRED, BOOKING_REJECTED.
     * </pre>
     */
    default void bookAppointment(io.spinegate.v1.BookAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.BookAppointmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBookAppointmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes description or comment of an appointment, if it is still at the version that the caller saw; else
     * APPOINTMENT_CHANGED.
     * </pre>
     */
    default void amendAppointment(io.spinegate.v1.AmendAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.AmendAppointmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAmendAppointmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Cancels an appointment, if it is still at the version that the caller saw; else APPOINTMENT_CHANGED.
     * </pre>
     */
    default void cancelAppointment(io.spinegate.v1.CancelAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.CancelAppointmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelAppointmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one appointment.
     * </pre>
     */
    default void getAppointment(io.spinegate.v1.GetAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetAppointmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetAppointmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a patient's appointments at a practice, cancelled ones too.
     * </pre>
     */
    default void listAppointments(io.spinegate.v1.ListAppointmentsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ListAppointmentsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAppointmentsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Asks whether a practice knows a patient. Not knowing covers several situations that may not be told apart.
     * </pre>
     */
    default void findPatient(io.spinegate.v1.FindPatientRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.FindPatientResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFindPatientMethod(), responseObserver);
    }

    /**
     * <pre>
     * Registers a patient at a practice, temporarily, with the details that PDS holds.
     * </pre>
     */
    default void registerPatient(io.spinegate.v1.RegisterPatientRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.RegisterPatientResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRegisterPatientMethod(), responseObserver);
    }

    /**
     * <pre>
     * Finds a practitioner at a practice by SDS user id.
     * </pre>
     */
    default void findPractitioner(io.spinegate.v1.FindPractitionerRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.FindPractitionerResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFindPractitionerMethod(), responseObserver);
    }

    /**
     * <pre>
     * Finds an organisation that a practice's system knows.
     * </pre>
     */
    default void findOrganization(io.spinegate.v1.FindOrganizationRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.FindOrganizationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFindOrganizationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads a location of a practice by the handle that a slot or appointment carried.
     * </pre>
     */
    default void getLocation(io.spinegate.v1.GetLocationRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetLocationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetLocationMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service GPConnect.
   * <pre>
   * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
   * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
   * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
   * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
   * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
   * </pre>
   */
  public static abstract class GPConnectImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return GPConnectGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service GPConnect.
   * <pre>
   * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
   * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
   * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
   * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
   * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
   * </pre>
   */
  public static final class GPConnectStub
      extends io.grpc.stub.AbstractAsyncStub<GPConnectStub> {
    private GPConnectStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected GPConnectStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new GPConnectStub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what a practice's system can do, per capability, as far as it can be told. A statement that could not be read is
     * unknown, never unsupported.
     * </pre>
     */
    public void getCapabilities(io.spinegate.v1.GetCapabilitiesRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetCapabilitiesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetCapabilitiesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a patient's structured record: `opening`, then `patient` (whose record this is, compared with PDS), then the
     * entries in the practice's order, `warning`s the moment they are seen, `index` pieces, and `closing`. Nothing clinical
     * is sent before the answer's Patient has the NHS Number that was asked for.
     * The stream ends with status OK if and only if `closing` was sent, and the record is all of what was asked if and only
     * if `closing.verdict` is VERDICT_WHOLE. Use nothing of a stream that ended otherwise as if it were complete.
     * </pre>
     */
    public void getStructuredRecord(io.spinegate.v1.GetStructuredRecordRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetStructuredRecordResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getGetStructuredRecordMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a patient's record as human-readable sections (Access Record HTML 0.7): one request to the practice per
     * section, each section a target of its own.
     * </pre>
     */
    public void getRecordHtml(io.spinegate.v1.GetRecordHtmlRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetRecordHtmlResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getGetRecordHtmlMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams the references of a patient's documents, each with a handle for `GetDocument`.
     * </pre>
     */
    public void searchDocuments(io.spinegate.v1.SearchDocumentsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.SearchDocumentsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getSearchDocumentsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams one document in chunks, with declared and real size, type and digest.
     * </pre>
     */
    public void getDocument(io.spinegate.v1.GetDocumentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetDocumentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getGetDocumentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams free slots of one to many practices, each as soon as its practice answers. Each practice ends in one result or
     * one failure. Cancelling the call stops what is still asked. Practices that have not answered shortly before the
     * deadline fail with TIMED_OUT, and the stream still closes.
     * </pre>
     */
    public void searchSlots(io.spinegate.v1.SearchSlotsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.SearchSlotsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getSearchSlotsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Books one appointment in one or more adjacent free slots. Never registers anybody.
     * `request_id` makes it safe to repeat: the gateway sends a booking at most once, whatever happens. When it cannot tell
     * whether the practice booked, the call fails with OUTCOME_UNKNOWN (code UNKNOWN); make the same call again to find out.
     * Fails with SLOT_TAKEN when somebody was faster, PATIENT_UNKNOWN_AT_PRACTICE, HANDLE_EXPIRED, BOOKING_REJECTED.
     * </pre>
     */
    public void bookAppointment(io.spinegate.v1.BookAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.BookAppointmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBookAppointmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes description or comment of an appointment, if it is still at the version that the caller saw; else
     * APPOINTMENT_CHANGED.
     * </pre>
     */
    public void amendAppointment(io.spinegate.v1.AmendAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.AmendAppointmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAmendAppointmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Cancels an appointment, if it is still at the version that the caller saw; else APPOINTMENT_CHANGED.
     * </pre>
     */
    public void cancelAppointment(io.spinegate.v1.CancelAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.CancelAppointmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelAppointmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one appointment.
     * </pre>
     */
    public void getAppointment(io.spinegate.v1.GetAppointmentRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetAppointmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetAppointmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a patient's appointments at a practice, cancelled ones too.
     * </pre>
     */
    public void listAppointments(io.spinegate.v1.ListAppointmentsRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.ListAppointmentsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getListAppointmentsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Asks whether a practice knows a patient. Not knowing covers several situations that may not be told apart.
     * </pre>
     */
    public void findPatient(io.spinegate.v1.FindPatientRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.FindPatientResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFindPatientMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Registers a patient at a practice, temporarily, with the details that PDS holds.
     * </pre>
     */
    public void registerPatient(io.spinegate.v1.RegisterPatientRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.RegisterPatientResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRegisterPatientMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Finds a practitioner at a practice by SDS user id.
     * </pre>
     */
    public void findPractitioner(io.spinegate.v1.FindPractitionerRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.FindPractitionerResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFindPractitionerMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Finds an organisation that a practice's system knows.
     * </pre>
     */
    public void findOrganization(io.spinegate.v1.FindOrganizationRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.FindOrganizationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFindOrganizationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads a location of a practice by the handle that a slot or appointment carried.
     * </pre>
     */
    public void getLocation(io.spinegate.v1.GetLocationRequest request,
        io.grpc.stub.StreamObserver<io.spinegate.v1.GetLocationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetLocationMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service GPConnect.
   * <pre>
   * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
   * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
   * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
   * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
   * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
   * </pre>
   */
  public static final class GPConnectBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<GPConnectBlockingV2Stub> {
    private GPConnectBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected GPConnectBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new GPConnectBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what a practice's system can do, per capability, as far as it can be told. A statement that could not be read is
     * unknown, never unsupported.
     * </pre>
     */
    public io.spinegate.v1.GetCapabilitiesResponse getCapabilities(io.spinegate.v1.GetCapabilitiesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetCapabilitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a patient's structured record: `opening`, then `patient` (whose record this is, compared with PDS), then the
     * entries in the practice's order, `warning`s the moment they are seen, `index` pieces, and `closing`. Nothing clinical
     * is sent before the answer's Patient has the NHS Number that was asked for.
     * The stream ends with status OK if and only if `closing` was sent, and the record is all of what was asked if and only
     * if `closing.verdict` is VERDICT_WHOLE. Use nothing of a stream that ended otherwise as if it were complete.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.GetStructuredRecordResponse>
        getStructuredRecord(io.spinegate.v1.GetStructuredRecordRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getGetStructuredRecordMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a patient's record as human-readable sections (Access Record HTML 0.7): one request to the practice per
     * section, each section a target of its own.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.GetRecordHtmlResponse>
        getRecordHtml(io.spinegate.v1.GetRecordHtmlRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getGetRecordHtmlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the references of a patient's documents, each with a handle for `GetDocument`.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.SearchDocumentsResponse>
        searchDocuments(io.spinegate.v1.SearchDocumentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getSearchDocumentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams one document in chunks, with declared and real size, type and digest.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.GetDocumentResponse>
        getDocument(io.spinegate.v1.GetDocumentRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getGetDocumentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams free slots of one to many practices, each as soon as its practice answers. Each practice ends in one result or
     * one failure. Cancelling the call stops what is still asked. Practices that have not answered shortly before the
     * deadline fail with TIMED_OUT, and the stream still closes.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.SearchSlotsResponse>
        searchSlots(io.spinegate.v1.SearchSlotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getSearchSlotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Books one appointment in one or more adjacent free slots. Never registers anybody.
     * `request_id` makes it safe to repeat: the gateway sends a booking at most once, whatever happens. When it cannot tell
     * whether the practice booked, the call fails with OUTCOME_UNKNOWN (code UNKNOWN); make the same call again to find out.
     * Fails with SLOT_TAKEN when somebody was faster, PATIENT_UNKNOWN_AT_PRACTICE, HANDLE_EXPIRED, BOOKING_REJECTED.
     * </pre>
     */
    public io.spinegate.v1.BookAppointmentResponse bookAppointment(io.spinegate.v1.BookAppointmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBookAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes description or comment of an appointment, if it is still at the version that the caller saw; else
     * APPOINTMENT_CHANGED.
     * </pre>
     */
    public io.spinegate.v1.AmendAppointmentResponse amendAppointment(io.spinegate.v1.AmendAppointmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAmendAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels an appointment, if it is still at the version that the caller saw; else APPOINTMENT_CHANGED.
     * </pre>
     */
    public io.spinegate.v1.CancelAppointmentResponse cancelAppointment(io.spinegate.v1.CancelAppointmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one appointment.
     * </pre>
     */
    public io.spinegate.v1.GetAppointmentResponse getAppointment(io.spinegate.v1.GetAppointmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a patient's appointments at a practice, cancelled ones too.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.spinegate.v1.ListAppointmentsResponse>
        listAppointments(io.spinegate.v1.ListAppointmentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getListAppointmentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks whether a practice knows a patient. Not knowing covers several situations that may not be told apart.
     * </pre>
     */
    public io.spinegate.v1.FindPatientResponse findPatient(io.spinegate.v1.FindPatientRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFindPatientMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Registers a patient at a practice, temporarily, with the details that PDS holds.
     * </pre>
     */
    public io.spinegate.v1.RegisterPatientResponse registerPatient(io.spinegate.v1.RegisterPatientRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRegisterPatientMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds a practitioner at a practice by SDS user id.
     * </pre>
     */
    public io.spinegate.v1.FindPractitionerResponse findPractitioner(io.spinegate.v1.FindPractitionerRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFindPractitionerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds an organisation that a practice's system knows.
     * </pre>
     */
    public io.spinegate.v1.FindOrganizationResponse findOrganization(io.spinegate.v1.FindOrganizationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFindOrganizationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a location of a practice by the handle that a slot or appointment carried.
     * </pre>
     */
    public io.spinegate.v1.GetLocationResponse getLocation(io.spinegate.v1.GetLocationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetLocationMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service GPConnect.
   * <pre>
   * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
   * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
   * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
   * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
   * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
   * </pre>
   */
  public static final class GPConnectBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<GPConnectBlockingStub> {
    private GPConnectBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected GPConnectBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new GPConnectBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what a practice's system can do, per capability, as far as it can be told. A statement that could not be read is
     * unknown, never unsupported.
     * </pre>
     */
    public io.spinegate.v1.GetCapabilitiesResponse getCapabilities(io.spinegate.v1.GetCapabilitiesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetCapabilitiesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a patient's structured record: `opening`, then `patient` (whose record this is, compared with PDS), then the
     * entries in the practice's order, `warning`s the moment they are seen, `index` pieces, and `closing`. Nothing clinical
     * is sent before the answer's Patient has the NHS Number that was asked for.
     * The stream ends with status OK if and only if `closing` was sent, and the record is all of what was asked if and only
     * if `closing.verdict` is VERDICT_WHOLE. Use nothing of a stream that ended otherwise as if it were complete.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.GetStructuredRecordResponse> getStructuredRecord(
        io.spinegate.v1.GetStructuredRecordRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getGetStructuredRecordMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a patient's record as human-readable sections (Access Record HTML 0.7): one request to the practice per
     * section, each section a target of its own.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.GetRecordHtmlResponse> getRecordHtml(
        io.spinegate.v1.GetRecordHtmlRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getGetRecordHtmlMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the references of a patient's documents, each with a handle for `GetDocument`.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.SearchDocumentsResponse> searchDocuments(
        io.spinegate.v1.SearchDocumentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getSearchDocumentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams one document in chunks, with declared and real size, type and digest.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.GetDocumentResponse> getDocument(
        io.spinegate.v1.GetDocumentRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getGetDocumentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams free slots of one to many practices, each as soon as its practice answers. Each practice ends in one result or
     * one failure. Cancelling the call stops what is still asked. Practices that have not answered shortly before the
     * deadline fail with TIMED_OUT, and the stream still closes.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.SearchSlotsResponse> searchSlots(
        io.spinegate.v1.SearchSlotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getSearchSlotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Books one appointment in one or more adjacent free slots. Never registers anybody.
     * `request_id` makes it safe to repeat: the gateway sends a booking at most once, whatever happens. When it cannot tell
     * whether the practice booked, the call fails with OUTCOME_UNKNOWN (code UNKNOWN); make the same call again to find out.
     * Fails with SLOT_TAKEN when somebody was faster, PATIENT_UNKNOWN_AT_PRACTICE, HANDLE_EXPIRED, BOOKING_REJECTED.
     * </pre>
     */
    public io.spinegate.v1.BookAppointmentResponse bookAppointment(io.spinegate.v1.BookAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBookAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes description or comment of an appointment, if it is still at the version that the caller saw; else
     * APPOINTMENT_CHANGED.
     * </pre>
     */
    public io.spinegate.v1.AmendAppointmentResponse amendAppointment(io.spinegate.v1.AmendAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAmendAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels an appointment, if it is still at the version that the caller saw; else APPOINTMENT_CHANGED.
     * </pre>
     */
    public io.spinegate.v1.CancelAppointmentResponse cancelAppointment(io.spinegate.v1.CancelAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one appointment.
     * </pre>
     */
    public io.spinegate.v1.GetAppointmentResponse getAppointment(io.spinegate.v1.GetAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetAppointmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a patient's appointments at a practice, cancelled ones too.
     * </pre>
     */
    public java.util.Iterator<io.spinegate.v1.ListAppointmentsResponse> listAppointments(
        io.spinegate.v1.ListAppointmentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getListAppointmentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks whether a practice knows a patient. Not knowing covers several situations that may not be told apart.
     * </pre>
     */
    public io.spinegate.v1.FindPatientResponse findPatient(io.spinegate.v1.FindPatientRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFindPatientMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Registers a patient at a practice, temporarily, with the details that PDS holds.
     * </pre>
     */
    public io.spinegate.v1.RegisterPatientResponse registerPatient(io.spinegate.v1.RegisterPatientRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRegisterPatientMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds a practitioner at a practice by SDS user id.
     * </pre>
     */
    public io.spinegate.v1.FindPractitionerResponse findPractitioner(io.spinegate.v1.FindPractitionerRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFindPractitionerMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Finds an organisation that a practice's system knows.
     * </pre>
     */
    public io.spinegate.v1.FindOrganizationResponse findOrganization(io.spinegate.v1.FindOrganizationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFindOrganizationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a location of a practice by the handle that a slot or appointment carried.
     * </pre>
     */
    public io.spinegate.v1.GetLocationResponse getLocation(io.spinegate.v1.GetLocationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetLocationMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service GPConnect.
   * <pre>
   * GPConnect calls a practice's system through the Spine Secure Proxy, with the caller's own identity in the audit token.
   * Every method needs a named human. Methods that take an `nhs_number` ask PDS first, every time, and stop before any
   * practice is asked when the patient is restricted, deceased, superseded or, for record methods, without a current
   * registration. Record methods go to the practice where the patient is registered; methods that take `ods_code` beside
   * `nhs_number` go there, find the practice's own patient each time, and check that every answer is about that patient.
   * </pre>
   */
  public static final class GPConnectFutureStub
      extends io.grpc.stub.AbstractFutureStub<GPConnectFutureStub> {
    private GPConnectFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected GPConnectFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new GPConnectFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what a practice's system can do, per capability, as far as it can be told. A statement that could not be read is
     * unknown, never unsupported.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.GetCapabilitiesResponse> getCapabilities(
        io.spinegate.v1.GetCapabilitiesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetCapabilitiesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Books one appointment in one or more adjacent free slots. Never registers anybody.
     * `request_id` makes it safe to repeat: the gateway sends a booking at most once, whatever happens. When it cannot tell
     * whether the practice booked, the call fails with OUTCOME_UNKNOWN (code UNKNOWN); make the same call again to find out.
     * Fails with SLOT_TAKEN when somebody was faster, PATIENT_UNKNOWN_AT_PRACTICE, HANDLE_EXPIRED, BOOKING_REJECTED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.BookAppointmentResponse> bookAppointment(
        io.spinegate.v1.BookAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBookAppointmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes description or comment of an appointment, if it is still at the version that the caller saw; else
     * APPOINTMENT_CHANGED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.AmendAppointmentResponse> amendAppointment(
        io.spinegate.v1.AmendAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAmendAppointmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Cancels an appointment, if it is still at the version that the caller saw; else APPOINTMENT_CHANGED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.CancelAppointmentResponse> cancelAppointment(
        io.spinegate.v1.CancelAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelAppointmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one appointment.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.GetAppointmentResponse> getAppointment(
        io.spinegate.v1.GetAppointmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetAppointmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Asks whether a practice knows a patient. Not knowing covers several situations that may not be told apart.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.FindPatientResponse> findPatient(
        io.spinegate.v1.FindPatientRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFindPatientMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Registers a patient at a practice, temporarily, with the details that PDS holds.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.RegisterPatientResponse> registerPatient(
        io.spinegate.v1.RegisterPatientRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRegisterPatientMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Finds a practitioner at a practice by SDS user id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.FindPractitionerResponse> findPractitioner(
        io.spinegate.v1.FindPractitionerRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFindPractitionerMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Finds an organisation that a practice's system knows.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.FindOrganizationResponse> findOrganization(
        io.spinegate.v1.FindOrganizationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFindOrganizationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads a location of a practice by the handle that a slot or appointment carried.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.spinegate.v1.GetLocationResponse> getLocation(
        io.spinegate.v1.GetLocationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetLocationMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_CAPABILITIES = 0;
  private static final int METHODID_GET_STRUCTURED_RECORD = 1;
  private static final int METHODID_GET_RECORD_HTML = 2;
  private static final int METHODID_SEARCH_DOCUMENTS = 3;
  private static final int METHODID_GET_DOCUMENT = 4;
  private static final int METHODID_SEARCH_SLOTS = 5;
  private static final int METHODID_BOOK_APPOINTMENT = 6;
  private static final int METHODID_AMEND_APPOINTMENT = 7;
  private static final int METHODID_CANCEL_APPOINTMENT = 8;
  private static final int METHODID_GET_APPOINTMENT = 9;
  private static final int METHODID_LIST_APPOINTMENTS = 10;
  private static final int METHODID_FIND_PATIENT = 11;
  private static final int METHODID_REGISTER_PATIENT = 12;
  private static final int METHODID_FIND_PRACTITIONER = 13;
  private static final int METHODID_FIND_ORGANIZATION = 14;
  private static final int METHODID_GET_LOCATION = 15;

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
        case METHODID_GET_CAPABILITIES:
          serviceImpl.getCapabilities((io.spinegate.v1.GetCapabilitiesRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.GetCapabilitiesResponse>) responseObserver);
          break;
        case METHODID_GET_STRUCTURED_RECORD:
          serviceImpl.getStructuredRecord((io.spinegate.v1.GetStructuredRecordRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.GetStructuredRecordResponse>) responseObserver);
          break;
        case METHODID_GET_RECORD_HTML:
          serviceImpl.getRecordHtml((io.spinegate.v1.GetRecordHtmlRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.GetRecordHtmlResponse>) responseObserver);
          break;
        case METHODID_SEARCH_DOCUMENTS:
          serviceImpl.searchDocuments((io.spinegate.v1.SearchDocumentsRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.SearchDocumentsResponse>) responseObserver);
          break;
        case METHODID_GET_DOCUMENT:
          serviceImpl.getDocument((io.spinegate.v1.GetDocumentRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.GetDocumentResponse>) responseObserver);
          break;
        case METHODID_SEARCH_SLOTS:
          serviceImpl.searchSlots((io.spinegate.v1.SearchSlotsRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.SearchSlotsResponse>) responseObserver);
          break;
        case METHODID_BOOK_APPOINTMENT:
          serviceImpl.bookAppointment((io.spinegate.v1.BookAppointmentRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.BookAppointmentResponse>) responseObserver);
          break;
        case METHODID_AMEND_APPOINTMENT:
          serviceImpl.amendAppointment((io.spinegate.v1.AmendAppointmentRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.AmendAppointmentResponse>) responseObserver);
          break;
        case METHODID_CANCEL_APPOINTMENT:
          serviceImpl.cancelAppointment((io.spinegate.v1.CancelAppointmentRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.CancelAppointmentResponse>) responseObserver);
          break;
        case METHODID_GET_APPOINTMENT:
          serviceImpl.getAppointment((io.spinegate.v1.GetAppointmentRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.GetAppointmentResponse>) responseObserver);
          break;
        case METHODID_LIST_APPOINTMENTS:
          serviceImpl.listAppointments((io.spinegate.v1.ListAppointmentsRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.ListAppointmentsResponse>) responseObserver);
          break;
        case METHODID_FIND_PATIENT:
          serviceImpl.findPatient((io.spinegate.v1.FindPatientRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.FindPatientResponse>) responseObserver);
          break;
        case METHODID_REGISTER_PATIENT:
          serviceImpl.registerPatient((io.spinegate.v1.RegisterPatientRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.RegisterPatientResponse>) responseObserver);
          break;
        case METHODID_FIND_PRACTITIONER:
          serviceImpl.findPractitioner((io.spinegate.v1.FindPractitionerRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.FindPractitionerResponse>) responseObserver);
          break;
        case METHODID_FIND_ORGANIZATION:
          serviceImpl.findOrganization((io.spinegate.v1.FindOrganizationRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.FindOrganizationResponse>) responseObserver);
          break;
        case METHODID_GET_LOCATION:
          serviceImpl.getLocation((io.spinegate.v1.GetLocationRequest) request,
              (io.grpc.stub.StreamObserver<io.spinegate.v1.GetLocationResponse>) responseObserver);
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
          getGetCapabilitiesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.GetCapabilitiesRequest,
              io.spinegate.v1.GetCapabilitiesResponse>(
                service, METHODID_GET_CAPABILITIES)))
        .addMethod(
          getGetStructuredRecordMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.GetStructuredRecordRequest,
              io.spinegate.v1.GetStructuredRecordResponse>(
                service, METHODID_GET_STRUCTURED_RECORD)))
        .addMethod(
          getGetRecordHtmlMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.GetRecordHtmlRequest,
              io.spinegate.v1.GetRecordHtmlResponse>(
                service, METHODID_GET_RECORD_HTML)))
        .addMethod(
          getSearchDocumentsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.SearchDocumentsRequest,
              io.spinegate.v1.SearchDocumentsResponse>(
                service, METHODID_SEARCH_DOCUMENTS)))
        .addMethod(
          getGetDocumentMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.GetDocumentRequest,
              io.spinegate.v1.GetDocumentResponse>(
                service, METHODID_GET_DOCUMENT)))
        .addMethod(
          getSearchSlotsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.SearchSlotsRequest,
              io.spinegate.v1.SearchSlotsResponse>(
                service, METHODID_SEARCH_SLOTS)))
        .addMethod(
          getBookAppointmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.BookAppointmentRequest,
              io.spinegate.v1.BookAppointmentResponse>(
                service, METHODID_BOOK_APPOINTMENT)))
        .addMethod(
          getAmendAppointmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.AmendAppointmentRequest,
              io.spinegate.v1.AmendAppointmentResponse>(
                service, METHODID_AMEND_APPOINTMENT)))
        .addMethod(
          getCancelAppointmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.CancelAppointmentRequest,
              io.spinegate.v1.CancelAppointmentResponse>(
                service, METHODID_CANCEL_APPOINTMENT)))
        .addMethod(
          getGetAppointmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.GetAppointmentRequest,
              io.spinegate.v1.GetAppointmentResponse>(
                service, METHODID_GET_APPOINTMENT)))
        .addMethod(
          getListAppointmentsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.spinegate.v1.ListAppointmentsRequest,
              io.spinegate.v1.ListAppointmentsResponse>(
                service, METHODID_LIST_APPOINTMENTS)))
        .addMethod(
          getFindPatientMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.FindPatientRequest,
              io.spinegate.v1.FindPatientResponse>(
                service, METHODID_FIND_PATIENT)))
        .addMethod(
          getRegisterPatientMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.RegisterPatientRequest,
              io.spinegate.v1.RegisterPatientResponse>(
                service, METHODID_REGISTER_PATIENT)))
        .addMethod(
          getFindPractitionerMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.FindPractitionerRequest,
              io.spinegate.v1.FindPractitionerResponse>(
                service, METHODID_FIND_PRACTITIONER)))
        .addMethod(
          getFindOrganizationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.FindOrganizationRequest,
              io.spinegate.v1.FindOrganizationResponse>(
                service, METHODID_FIND_ORGANIZATION)))
        .addMethod(
          getGetLocationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.spinegate.v1.GetLocationRequest,
              io.spinegate.v1.GetLocationResponse>(
                service, METHODID_GET_LOCATION)))
        .build();
  }

  private static abstract class GPConnectBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    GPConnectBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.spinegate.v1.GpConnectProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("GPConnect");
    }
  }

  private static final class GPConnectFileDescriptorSupplier
      extends GPConnectBaseDescriptorSupplier {
    GPConnectFileDescriptorSupplier() {}
  }

  private static final class GPConnectMethodDescriptorSupplier
      extends GPConnectBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    GPConnectMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (GPConnectGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new GPConnectFileDescriptorSupplier())
              .addMethod(getGetCapabilitiesMethod())
              .addMethod(getGetStructuredRecordMethod())
              .addMethod(getGetRecordHtmlMethod())
              .addMethod(getSearchDocumentsMethod())
              .addMethod(getGetDocumentMethod())
              .addMethod(getSearchSlotsMethod())
              .addMethod(getBookAppointmentMethod())
              .addMethod(getAmendAppointmentMethod())
              .addMethod(getCancelAppointmentMethod())
              .addMethod(getGetAppointmentMethod())
              .addMethod(getListAppointmentsMethod())
              .addMethod(getFindPatientMethod())
              .addMethod(getRegisterPatientMethod())
              .addMethod(getFindPractitionerMethod())
              .addMethod(getFindOrganizationMethod())
              .addMethod(getGetLocationMethod())
              .build();
        }
      }
    }
    return result;
  }
}
