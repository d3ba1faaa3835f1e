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
import io.grpc.kotlin.ClientCalls.bidiStreamingRpc
import io.grpc.kotlin.ClientCalls.unaryRpc
import io.grpc.kotlin.ServerCalls.bidiStreamingServerMethodDefinition
import io.grpc.kotlin.ServerCalls.unaryServerMethodDefinition
import io.grpc.kotlin.StubFor
import io.spinegate.v1.PatientTraceGrpc.getServiceDescriptor
import kotlin.String
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.jvm.JvmOverloads
import kotlin.jvm.JvmStatic
import kotlinx.coroutines.flow.Flow

/**
 * Holder for Kotlin coroutine-based client and server APIs for spinegate.v1.PatientTrace.
 */
public object PatientTraceGrpcKt {
  public const val SERVICE_NAME: String = PatientTraceGrpc.SERVICE_NAME

  @JvmStatic
  public val serviceDescriptor: ServiceDescriptor
    get() = getServiceDescriptor()

  public val tracePatientMethod: MethodDescriptor<TracePatientRequest, TracePatientResponse>
    @JvmStatic
    get() = PatientTraceGrpc.getTracePatientMethod()

  public val searchPatientsMethod: MethodDescriptor<SearchPatientsRequest, SearchPatientsResponse>
    @JvmStatic
    get() = PatientTraceGrpc.getSearchPatientsMethod()

  public val tracePatientsMethod: MethodDescriptor<TracePatientsRequest, TracePatientsResponse>
    @JvmStatic
    get() = PatientTraceGrpc.getTracePatientsMethod()

  public val listRelatedPersonsMethod:
      MethodDescriptor<ListRelatedPersonsRequest, ListRelatedPersonsResponse>
    @JvmStatic
    get() = PatientTraceGrpc.getListRelatedPersonsMethod()

  /**
   * A stub for issuing RPCs to a(n) spinegate.v1.PatientTrace service as suspending coroutines.
   */
  @StubFor(PatientTraceGrpc::class)
  public class PatientTraceCoroutineStub @JvmOverloads constructor(
    channel: Channel,
    callOptions: CallOptions = DEFAULT,
  ) : AbstractCoroutineStub<PatientTraceCoroutineStub>(channel, callOptions) {
    override fun build(channel: Channel, callOptions: CallOptions): PatientTraceCoroutineStub = PatientTraceCoroutineStub(channel, callOptions)

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
    public suspend fun tracePatient(request: TracePatientRequest, headers: Metadata = Metadata()): TracePatientResponse = unaryRpc(
      channel,
      PatientTraceGrpc.getTracePatientMethod(),
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
    public suspend fun searchPatients(request: SearchPatientsRequest, headers: Metadata = Metadata()): SearchPatientsResponse = unaryRpc(
      channel,
      PatientTraceGrpc.getSearchPatientsMethod(),
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
     * The [Flow] of requests is collected once each time the [Flow] of responses is
     * collected. If collection of the [Flow] of responses completes normally or
     * exceptionally before collection of `requests` completes, the collection of
     * `requests` is cancelled.  If the collection of `requests` completes
     * exceptionally for any other reason, then the collection of the [Flow] of responses
     * completes exceptionally for the same reason and the RPC is cancelled with that reason.
     *
     * @param requests A [Flow] of request messages.
     *
     * @param headers Metadata to attach to the request.  Most users will not need this.
     *
     * @return A flow that, when collected, emits the responses from the server.
     */
    public fun tracePatients(requests: Flow<TracePatientsRequest>, headers: Metadata = Metadata()): Flow<TracePatientsResponse> = bidiStreamingRpc(
      channel,
      PatientTraceGrpc.getTracePatientsMethod(),
      requests,
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
    public suspend fun listRelatedPersons(request: ListRelatedPersonsRequest, headers: Metadata = Metadata()): ListRelatedPersonsResponse = unaryRpc(
      channel,
      PatientTraceGrpc.getListRelatedPersonsMethod(),
      request,
      callOptions,
      headers
    )
  }

  /**
   * Skeletal implementation of the spinegate.v1.PatientTrace service based on Kotlin coroutines.
   */
  public abstract class PatientTraceCoroutineImplBase(
    coroutineContext: CoroutineContext = EmptyCoroutineContext,
  ) : AbstractCoroutineServerImpl(coroutineContext) {
    /**
     * Returns the response to an RPC for spinegate.v1.PatientTrace.TracePatient.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun tracePatient(request: TracePatientRequest): TracePatientResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.PatientTrace.TracePatient is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.PatientTrace.SearchPatients.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun searchPatients(request: SearchPatientsRequest): SearchPatientsResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.PatientTrace.SearchPatients is unimplemented"))

    /**
     * Returns a [Flow] of responses to an RPC for spinegate.v1.PatientTrace.TracePatients.
     *
     * If creating or collecting the returned flow fails with a [StatusException], the RPC
     * will fail with the corresponding [io.grpc.Status].  If it fails with a
     * [java.util.concurrent.CancellationException], the RPC will fail with status `Status.CANCELLED`.  If creating
     * or collecting the returned flow fails for any other reason, the RPC will fail with
     * `Status.UNKNOWN` with the exception as a cause.
     *
     * @param requests A [Flow] of requests from the client.  This flow can be
     *        collected only once and throws [java.lang.IllegalStateException] on attempts to collect
     *        it more than once.
     */
    public open fun tracePatients(requests: Flow<TracePatientsRequest>): Flow<TracePatientsResponse> = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.PatientTrace.TracePatients is unimplemented"))

    /**
     * Returns the response to an RPC for spinegate.v1.PatientTrace.ListRelatedPersons.
     *
     * If this method fails with a [StatusException], the RPC will fail with the corresponding
     * [io.grpc.Status].  If this method fails with a [java.util.concurrent.CancellationException], the RPC will fail
     * with status `Status.CANCELLED`.  If this method fails for any other reason, the RPC will
     * fail with `Status.UNKNOWN` with the exception as a cause.
     *
     * @param request The request from the client.
     */
    public open suspend fun listRelatedPersons(request: ListRelatedPersonsRequest): ListRelatedPersonsResponse = throw StatusException(UNIMPLEMENTED.withDescription("Method spinegate.v1.PatientTrace.ListRelatedPersons is unimplemented"))

    final override fun bindService(): ServerServiceDefinition = builder(getServiceDescriptor())
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = PatientTraceGrpc.getTracePatientMethod(),
      implementation = ::tracePatient
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = PatientTraceGrpc.getSearchPatientsMethod(),
      implementation = ::searchPatients
    ))
      .addMethod(bidiStreamingServerMethodDefinition(
      context = this.context,
      descriptor = PatientTraceGrpc.getTracePatientsMethod(),
      implementation = ::tracePatients
    ))
      .addMethod(unaryServerMethodDefinition(
      context = this.context,
      descriptor = PatientTraceGrpc.getListRelatedPersonsMethod(),
      implementation = ::listRelatedPersons
    )).build()
  }
}
