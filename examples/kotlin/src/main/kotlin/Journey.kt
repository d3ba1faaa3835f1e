package io.spinegate.examples.kotlin

import io.grpc.Channel
import io.grpc.InsecureChannelCredentials
import io.grpc.StatusException
import io.spinegate.examples.gateway.Failure
import io.spinegate.examples.gateway.Gateway
import io.spinegate.examples.gateway.Sandbox
import io.spinegate.examples.gateway.Tokens
import io.spinegate.examples.gateway.Trace
import io.spinegate.examples.gateway.WholeRecord
import io.spinegate.v1.BookAppointmentRequest
import io.spinegate.v1.CallContext
import io.spinegate.v1.EndpointDirectoryGrpcKt.EndpointDirectoryCoroutineStub
import io.spinegate.v1.ExpectedDemographics
import io.spinegate.v1.GPConnectGrpcKt.GPConnectCoroutineStub
import io.spinegate.v1.GetCapabilitiesRequest
import io.spinegate.v1.GetStructuredRecordRequest
import io.spinegate.v1.Interaction
import io.spinegate.v1.KnownInteraction
import io.spinegate.v1.PatientTraceGrpcKt.PatientTraceCoroutineStub
import io.spinegate.v1.ResolveEndpointRequest
import io.spinegate.v1.SearchPatientsRequest
import io.spinegate.v1.SearchSlotsRequest
import io.spinegate.v1.Slot
import io.spinegate.v1.TracePatientRequest
import java.time.LocalDate
import java.time.ZoneId
import java.util.UUID
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking

private const val PATIENT = "9990000018"

/**
 * Walks the whole road with spinegate, with coroutines: who is the patient, which system answers for the practice, what can it do, the
 * record, free slots, a booking, and what failures look like. SPINEGATE_ADDRESS and SPINEGATE_ADMIN (HOST:PORT) say where the sandbox
 * is.
 */
fun main() {
    val address = System.getenv("SPINEGATE_ADDRESS") ?: "127.0.0.1:50051"
    val tokens = Sandbox.tokens(System.getenv("SPINEGATE_ADMIN") ?: "127.0.0.1:9090", "clinician")
    // In clear text, for a sandbox on this machine; for any other gateway TlsChannelCredentials.
    Gateway.connect(address, InsecureChannelCredentials.create(), tokens).use { gateway ->
        runBlocking { Journey(gateway.channel, tokens).walk() }
    }
}

private class Journey(channel: Channel, tokens: Tokens) {
    private val patients = PatientTraceCoroutineStub(channel).withCallCredentials(tokens.credentials())
    private val directory = EndpointDirectoryCoroutineStub(channel).withCallCredentials(tokens.credentials())
    private val practices = GPConnectCoroutineStub(channel).withCallCredentials(tokens.credentials())

    /** What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused. */
    private val encounter = CallContext.newBuilder().setSessionId(UUID.randomUUID().toString()).build()

    suspend fun walk() {
        val practice = trace()
        search()
        resolve(practice)
        capabilities(practice)
        record()
        book(practice, firstSlot(practice))
        failures()
    }

    /** Asks PDS who the patient is, compares them with what we hold, and learns where they are registered. */
    private suspend fun trace(): String {
        val trace = Trace.begin()
        val request = TracePatientRequest.newBuilder()
            .setContext(encounter)
            .setNhsNumber(PATIENT)
            .setExpected(ExpectedDemographics.newBuilder().setFamily("Testwell").setBirthDate("1992"))
            .build()
        val answer = patients.withInterceptors(trace).tracePatient(request)
        val registration = answer.registration
        println(
            "trace: ${answer.patient.name.family}, family name ${answer.comparison.family}, " +
                "${registration.status} at ${registration.odsCode}",
        )
        println("trace: the gateway went on with our trace: ${answer.provenance.traceIds.traceId == trace.id}")
        return registration.odsCode
    }

    /** Finds people by demographics, in no encounter. An empty list proves nothing while absence_not_proven is true. */
    private suspend fun search() {
        val request = SearchPatientsRequest.newBuilder()
            .setFamily("Testwell")
            .addGiven("Ada")
            .setBirthDateStart("1990-01-01")
            .setBirthDateEnd("1995-12-31")
            .build()
        val answer = patients.searchPatients(request)
        println("search: ${answer.matchesCount} found, absence not proven: ${answer.absenceNotProven}")
    }

    /** Asks the directory which system answers. The other methods do this by themselves. */
    private suspend fun resolve(practice: String) {
        val request = ResolveEndpointRequest.newBuilder()
            .setContext(encounter)
            .setOdsCode(practice)
            .setInteraction(Interaction.newBuilder().setKnown(KnownInteraction.KNOWN_INTERACTION_GET_STRUCTURED_RECORD))
            .build()
        println("resolve: ${directory.resolveEndpoint(request).endpoint.asid}")
    }

    /** Asks the practice's system what it can do. */
    private suspend fun capabilities(practice: String) {
        val request = GetCapabilitiesRequest.newBuilder().setContext(encounter).setOdsCode(practice).build()
        val answer = practices.getCapabilities(request)
        for (root in answer.rootsList) {
            println("capabilities: ${root.capability} ${root.support}")
        }
    }

    /**
     * Streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and the
     * verdict is WHOLE: use nothing of it as if it were complete otherwise.
     */
    private suspend fun record() {
        val whole = WholeRecord()
        val request = GetStructuredRecordRequest.newBuilder().setContext(encounter).setNhsNumber(PATIENT).build()
        practices.getStructuredRecord(request).collect { message ->
            whole.take(message)
            if (message.hasPatient()) { // always before anything clinical
                val comparison = message.patient.comparison
                println("record: of the patient: family name ${comparison.family}, birth date ${comparison.birthDate}")
            }
        }
        println("record: ${whole.end()} agrees, ${whole.closing().verdict}")
    }

    /** Takes the first free slot of the next week, which cancels the search and stops what is still being asked. */
    private suspend fun firstSlot(practice: String): Slot {
        val today = LocalDate.now(ZoneId.of("Europe/London")) // days are those of the UK
        val request = SearchSlotsRequest.newBuilder()
            .setContext(encounter)
            .addOdsCodes(practice)
            .addOdsCodes("H86007")
            .setStart(today.plusDays(1).toString())
            .setEnd(today.plusDays(7).toString())
            .build()
        val slot = practices.searchSlots(request).first { it.slot.odsCode == practice }.slot
        println("slots: one found, search cancelled")
        return slot
    }

    /** Books the slot. When the outcome is unknown, or no answer came, the same call with the same request id finds it out. */
    private suspend fun book(practice: String, slot: Slot) {
        val request = BookAppointmentRequest.newBuilder()
            .setContext(encounter)
            .setRequestId(UUID.randomUUID().toString())
            .setNhsNumber(PATIENT)
            .setOdsCode(practice)
            .addSlotHandles(slot.handle)
            .setDescription("Example")
            .build()
        repeat(2) { println("book: ${practices.bookAppointment(request).outcome}") }
    }

    /** Shows what errors say, and a deadline. */
    private suspend fun failures() {
        val nobody = TracePatientRequest.newBuilder().setNhsNumber("9990000492").build()
        // Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
        val another = TracePatientRequest.newBuilder().setContext(encounter).setNhsNumber("9990000115").build()
        for (request in listOf(nobody, another)) {
            try {
                patients.tracePatient(request)
            } catch (error: StatusException) {
                val failure = Failure.of(error)
                println(
                    "failure: ${failure.code} ${failure.reason} at ${failure.hop}, RETRY_CLASS_${failure.retry}: " +
                        failure.clinicianMessage,
                )
            }
        }
        try {
            practices.withDeadlineAfter(1500, TimeUnit.MILLISECONDS) // the practice answers after three seconds
                .getCapabilities(GetCapabilitiesRequest.newBuilder().setOdsCode("F84005").build())
        } catch (error: StatusException) {
            println("deadline: ${Failure.of(error).code}")
        }
    }
}
