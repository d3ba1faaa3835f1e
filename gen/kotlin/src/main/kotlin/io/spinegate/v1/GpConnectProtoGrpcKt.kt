package io.spinegate.v1

import io.grpc.CallOptions
import io.grpc.CallOptions.DEFAULT
import io.grpc.Channel
import io.grpc.Metadata
import io.grpc.MethodDescriptor
import io.grpc.ServerServiceDefinition
import io.grpc.ServerServiceDefinition.builder
import io.grpc.ServiceDescriptor
import io.grpc.Status.UNIMPLEMENTED
import io.grpc.StatusException
import io.grpc.kotlin.AbstractCoroutineServerImpl
import io.grpc.kotlin.AbstractCoroutineStub
import io.grpc.kotlin.ClientCalls.serverStreamingRpc
import io.grpc.kotlin.ClientCalls.unaryRpc
import io.grpc.kotlin.ServerCalls.serverStreamingServerMethodDefinition
import io.grpc.kotlin.ServerCalls.unaryServerMethodDefinition
import io.grpc.kotlin.StubFor
import io.spinegate.v1.GPConnectGrpc.getServiceDescriptor
import kotlin.String
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.jvm.JvmOverloads
import kotlin.jvm.JvmStatic
import kotlinx.coroutines.flow.Flow

/**
 * Holder for Kotlin coroutine-based client and server APIs for spinegate.v1.GPConnect.
 */
public object GPConnectGrpcKt {
  public const val SERVICE_NAME: String = GPConnectGrpc.SERVICE_NAME

  @JvmStatic
  public val serviceDescriptor: ServiceDescriptor
    get() = getServiceDescriptor()

  public val getCapabilitiesMethod:
      MethodDescriptor<GetCapabilitiesRequest, GetCapabilitiesResponse>
    @JvmStatic
    get() = GPConnectGrpc.getGetCapabilitiesMethod()

  public val getStructuredRecordMethod:
      MethodDescriptor<GetStructuredRecordRequest, GetStructuredRecordResponse>
    @JvmStatic
    get() = GPConnectGrpc.getGetStructuredRecordMethod()

  public val getRecordHtmlMethod: MethodDescriptor<GetRecordHtmlRequest, GetRecordHtmlResponse>
    @JvmStatic
    get() = GPConnectGrpc.getGetRecordHtmlMethod()

  public val searchDocumentsMethod:
      MethodDescriptor<SearchDocumentsRequest, SearchDocumentsResponse>
    @JvmStatic
    get() = GPConnectGrpc.getSearchDocumentsMethod()

  public val getDocumentMethod: MethodDescriptor<GetDocumentRequest, GetDocumentResponse>
    @JvmStatic
    get() = GPConnectGrpc.getGetDocumentMethod()

  public val searchSlotsMethod: MethodDescriptor<SearchSlotsRequest, SearchSlotsResponse>
    @JvmStatic
    get() = GPConnectGrpc.getSearchSlotsMethod()

  public val bookAppointmentMethod:
      MethodDescriptor<BookAppointmentRequest, BookAppointmentResponse>
    @JvmStatic
    get() = GPConnectGrpc.getBookAppointmentMethod()

  public val amendAppointmentMethod:
      MethodDescriptor<AmendAppointmentRequest, AmendAppointmentResponse>
    @JvmStatic
    get() = GPConnectGrpc.getAmendAppointmentMethod()

  public val cancelAppointmentMethod:
      MethodDescriptor<CancelAppointmentRequest, CancelAppointmentResponse>
    @JvmStatic
    get() = GPConnectGrpc.getCancelAppointmentMethod()

  public val getAppointmentMethod: MethodDescriptor<GetAppointmentRequest, GetAppointmentResponse>
    @JvmStatic
    get() = GPConnectGrpc.getGetAppointmentMethod()

  public val listAppointmentsMethod:
      MethodDescriptor<ListAppointmentsRequest, ListAppointmentsResponse>
    @JvmStatic
    get() = GPConnectGrpc.getListAppointmentsMethod()

  public val findPatientMethod: MethodDescriptor<FindPatientRequest, FindPatientResponse>
    @JvmStatic
    get() = GPConnectGrpc.getFindPatientMethod()

  public val registerPatientMethod:
      MethodDescriptor<RegisterPatientRequest, RegisterPatientResponse>
    @JvmStatic
    get() = GPConnectGrpc.getRegisterPatientMethod()

  public val findPractitionerMethod:
      MethodDescriptor<FindPractitionerRequest, FindPractitionerResponse>
    @JvmStatic
    get() = GPConnectGrpc.getFindPractitionerMethod()

  public val findOrganizationMethod:
      MethodDescriptor<FindOrganizationRequest, FindOrganizationResponse>
    @JvmStatic
    get() = GPConnectGrpc.getFindOrganizationMethod()

  public val getLocationMethod: MethodDescriptor<GetLocationRequest, GetLocationResponse>
    @JvmStatic
    get() = GPConnectGrpc.getGetLocationMethod()

  /**
   * A stub for issuing RPCs to a(n) spinegate.v1.GPConnect service as suspending coroutines.
   */
  @StubFor(GPConnectGrpc::class)
  public class GPConnectCoroutineStub @JvmOverloads constructor(
    channel: Channel,
    callOptions: CallOptions = DEFAULT,
  ) : AbstractCoroutineStub<GPConnectCoroutineStub>(channel, callOptions) {
    override fun build(channel: Channel, callOptions: CallOptions): GPConnectCoroutineStub = GPConnectCoroutineStub(channel, callOptions)

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun getCapabilities(request: GetCapabilitiesRequest, headers: Metadata = Metadata()): GetCapabilitiesResponse = unaryRpc(
      channel,
      GPConnectGrpc.getGetCapabilitiesMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Returns a [Flow] that, when collected, executes this RPC and emits responses from the
     * server as they arrive.  That flow finishes normally if the server closes its response with
     * [`Status.OK`][io.grpc.Status], and fails by throwing a [StatusException] otherwise.  If
     * collecting the flow downstream fails exceptionally (including via cancellation), the RPC
     * is cancelled with that exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun getStructuredRecord(request: GetStructuredRecordRequest, headers: Metadata = Metadata()): Flow<GetStructuredRecordResponse> = serverStreamingRpc(
      channel,
      GPConnectGrpc.getGetStructuredRecordMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Returns a [Flow] that, when collected, executes this RPC and emits responses from the
     * server as they arrive.  That flow finishes normally if the server closes its response with
     * [`Status.OK`][io.grpc.Status], and fails by throwing a [StatusException] otherwise.  If
     * collecting the flow downstream fails exceptionally (including via cancellation), the RPC
     * is cancelled with that exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun getRecordHtml(request: GetRecordHtmlRequest, headers: Metadata = Metadata()): Flow<GetRecordHtmlResponse> = serverStreamingRpc(
      channel,
      GPConnectGrpc.getGetRecordHtmlMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Returns a [Flow] that, when collected, executes this RPC and emits responses from the
     * server as they arrive.  That flow finishes normally if the server closes its response with
     * [`Status.OK`][io.grpc.Status], and fails by throwing a [StatusException] otherwise.  If
     * collecting the flow downstream fails exceptionally (including via cancellation), the RPC
     * is cancelled with that exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun searchDocuments(request: SearchDocumentsRequest, headers: Metadata = Metadata()): Flow<SearchDocumentsResponse> = serverStreamingRpc(
      channel,
      GPConnectGrpc.getSearchDocumentsMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Returns a [Flow] that, when collected, executes this RPC and emits responses from the
     * server as they arrive.  That flow finishes normally if the server closes its response with
     * [`Status.OK`][io.grpc.Status], and fails by throwing a [StatusException] otherwise.  If
     * collecting the flow downstream fails exceptionally (including via cancellation), the RPC
     * is cancelled with that exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun getDocument(request: GetDocumentRequest, headers: Metadata = Metadata()): Flow<GetDocumentResponse> = serverStreamingRpc(
      channel,
      GPConnectGrpc.getGetDocumentMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Returns a [Flow] that, when collected, executes this RPC and emits responses from the
     * server as they arrive.  That flow finishes normally if the server closes its response with
     * [`Status.OK`][io.grpc.Status], and fails by throwing a [StatusException] otherwise.  If
     * collecting the flow downstream fails exceptionally (including via cancellation), the RPC
     * is cancelled with that exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun searchSlots(request: SearchSlotsRequest, headers: Metadata = Metadata()): Flow<SearchSlotsResponse> = serverStreamingRpc(
      channel,
      GPConnectGrpc.getSearchSlotsMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun bookAppointment(request: BookAppointmentRequest, headers: Metadata = Metadata()): BookAppointmentResponse = unaryRpc(
      channel,
      GPConnectGrpc.getBookAppointmentMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun amendAppointment(request: AmendAppointmentRequest, headers: Metadata = Metadata()): AmendAppointmentResponse = unaryRpc(
      channel,
      GPConnectGrpc.getAmendAppointmentMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun cancelAppointment(request: CancelAppointmentRequest, headers: Metadata = Metadata()): CancelAppointmentResponse = unaryRpc(
      channel,
      GPConnectGrpc.getCancelAppointmentMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun getAppointment(request: GetAppointmentRequest, headers: Metadata = Metadata()): GetAppointmentResponse = unaryRpc(
      channel,
      GPConnectGrpc.getGetAppointmentMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Returns a [Flow] that, when collected, executes this RPC and emits responses from the
     * server as they arrive.  That flow finishes normally if the server closes its response with
     * [`Status.OK`][io.grpc.Status], and fails by throwing a [StatusException] otherwise.  If
     * collecting the flow downstream fails exceptionally (including via cancellation), the RPC
     * is cancelled with that exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun listAppointments(request: ListAppointmentsRequest, headers: Metadata = Metadata()): Flow<ListAppointmentsResponse> = serverStreamingRpc(
      channel,
      GPConnectGrpc.getListAppointmentsMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun findPatient(request: FindPatientRequest, headers: Metadata = Metadata()): FindPatientResponse = unaryRpc(
      channel,
      GPConnectGrpc.getFindPatientMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun registerPatient(request: RegisterPatientRequest, headers: Metadata = Metadata()): RegisterPatientResponse = unaryRpc(
      channel,
      GPConnectGrpc.getRegisterPatientMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun findPractitioner(request: FindPractitionerRequest, headers: Metadata = Metadata()): FindPractitionerResponse = unaryRpc(
      channel,
      GPConnectGrpc.getFindPractitionerMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun findOrganization(request: FindOrganizationRequest, headers: Metadata = Metadata()): FindOrganizationResponse = unaryRpc(
      channel,
      GPConnectGrpc.getFindOrganizationMethod(),
      request,
      callOptions,
      headers
    )

    /**
     * Executes this RPC and returns the response message, suspending until the RPC completes
     * with [`Status.OK`][io.grpc.Status].  If the RPC completes with another status, a corresponding
     * [StatusException] is thrown.  If this coroutine is cancelled, the RPC is also cancelled
     * with the corresponding exception as a cause.
     *
     * @param request The request message to send to the server.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return The single response from the server.
     */
    public suspend fun getLocation(request: GetLocationRequest, headers: Metadata = Metadata()): GetLocationResponse = unaryRpc(
      channel,
      GPConnectGrpc.getGetLocationMethod(),
      request,
      callOptions,
      headers
    )
  }

  /**
   * Skeletal implementation of the spinegate.v1.GPConnect service based on Kotlin coroutines.
   */
  public abstract class GPConnectCoroutineImplBase(
    coroutineContext: CoroutineContext = EmptyCoroutineContext,
  ) : AbstractCoroutineServerImpl(coroutineContext) {
    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.GetCapabilities.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun getCapabilities(request: GetCapabilitiesRequest): GetCapabilitiesResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.GetCapabilities is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.GPConnect.GetStructuredRecord.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open fun getStructuredRecord(request: GetStructuredRecordRequest): Flow<GetStructuredRecordResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.GetStructuredRecord is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.GPConnect.GetRecordHtml.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open fun getRecordHtml(request: GetRecordHtmlRequest): Flow<GetRecordHtmlResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.GetRecordHtml is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.GPConnect.SearchDocuments.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open fun searchDocuments(request: SearchDocumentsRequest): Flow<SearchDocumentsResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.SearchDocuments is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.GPConnect.GetDocument.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open fun getDocument(request: GetDocumentRequest): Flow<GetDocumentResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.GetDocument is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.GPConnect.SearchSlots.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open fun searchSlots(request: SearchSlotsRequest): Flow<SearchSlotsResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.SearchSlots is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.BookAppointment.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun bookAppointment(request: BookAppointmentRequest): BookAppointmentResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.BookAppointment is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.AmendAppointment.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun amendAppointment(request: AmendAppointmentRequest): AmendAppointmentResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.AmendAppointment is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.CancelAppointment.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun cancelAppointment(request: CancelAppointmentRequest): CancelAppointmentResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.CancelAppointment is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.GetAppointment.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun getAppointment(request: GetAppointmentRequest): GetAppointmentResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.GetAppointment is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.GPConnect.ListAppointments.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open fun listAppointments(request: ListAppointmentsRequest): Flow<ListAppointmentsResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.ListAppointments is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.FindPatient.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun findPatient(request: FindPatientRequest): FindPatientResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.FindPatient is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.RegisterPatient.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun registerPatient(request: RegisterPatientRequest): RegisterPatientResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.RegisterPatient is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.FindPractitioner.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun findPractitioner(request: FindPractitionerRequest): FindPractitionerResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.FindPractitioner is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.FindOrganization.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun findOrganization(request: FindOrganizationRequest): FindOrganizationResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.FindOrganization is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.GPConnect.GetLocation.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun getLocation(request: GetLocationRequest): GetLocationResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.GPConnect.GetLocation is unimplemented"))

    final override fun bindService(): ServerServiceDefinition = builder(getServiceDescriptor())
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getGetCapabilitiesMethod(),
      implementation = ::getCapabilities
    ))
      .addMethod(serverStreamingServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getGetStructuredRecordMethod(),
      implementation = ::getStructuredRecord
    ))
      .addMethod(serverStreamingServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getGetRecordHtmlMethod(),
      implementation = ::getRecordHtml
    ))
      .addMethod(serverStreamingServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getSearchDocumentsMethod(),
      implementation = ::searchDocuments
    ))
      .addMethod(serverStreamingServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getGetDocumentMethod(),
      implementation = ::getDocument
    ))
      .addMethod(serverStreamingServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getSearchSlotsMethod(),
      implementation = ::searchSlots
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getBookAppointmentMethod(),
      implementation = ::bookAppointment
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getAmendAppointmentMethod(),
      implementation = ::amendAppointment
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getCancelAppointmentMethod(),
      implementation = ::cancelAppointment
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getGetAppointmentMethod(),
      implementation = ::getAppointment
    ))
      .addMethod(serverStreamingServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getListAppointmentsMethod(),
      implementation = ::listAppointments
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getFindPatientMethod(),
      implementation = ::findPatient
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getRegisterPatientMethod(),
      implementation = ::registerPatient
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getFindPractitionerMethod(),
      implementation = ::findPractitioner
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getFindOrganizationMethod(),
      implementation = ::findOrganization
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = GPConnectGrpc.getGetLocationMethod(),
      implementation = ::getLocation
    )).build()
  }
}
