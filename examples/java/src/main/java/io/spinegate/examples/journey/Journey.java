package io.spinegate.examples.journey;

import io.grpc.InsecureChannelCredentials;
import io.grpc.StatusException;
import io.spinegate.examples.gateway.Failure;
import io.spinegate.examples.gateway.Gateway;
import io.spinegate.examples.gateway.NotWholeException;
import io.spinegate.examples.gateway.Sandbox;
import io.spinegate.examples.gateway.Trace;
import io.spinegate.examples.gateway.WholeRecord;
import io.spinegate.v1.BookAppointmentRequest;
import io.spinegate.v1.CallContext;
import io.spinegate.v1.ExpectedDemographics;
import io.spinegate.v1.GetCapabilitiesRequest;
import io.spinegate.v1.GetStructuredRecordRequest;
import io.spinegate.v1.GetStructuredRecordResponse;
import io.spinegate.v1.Interaction;
import io.spinegate.v1.KnownInteraction;
import io.spinegate.v1.ResolveEndpointRequest;
import io.spinegate.v1.SearchPatientsRequest;
import io.spinegate.v1.SearchSlotsRequest;
import io.spinegate.v1.SearchSlotsResponse;
import io.spinegate.v1.Slot;
import io.spinegate.v1.TracePatientRequest;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.UUID;

/**
 * Walks the whole road with spinegate: who is the patient, which system answers for the practice, what can it do, the record, free
 * slots, a booking, and what failures look like. SPINEGATE_ADDRESS and SPINEGATE_ADMIN (HOST:PORT) say where the sandbox
 * is.
 */
public final class Journey {
  private static final String PATIENT = "9990000018";

  private final Gateway gateway;

  /** What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused. */
  private final CallContext encounter = CallContext.newBuilder().setSessionId(UUID.randomUUID().toString()).build();

  private Journey(Gateway gateway) {
    this.gateway = gateway;
  }

  public static void main(String[] args) throws Exception {
    var address = System.getenv().getOrDefault("SPINEGATE_ADDRESS", "127.0.0.1:50051");
    var admin = System.getenv().getOrDefault("SPINEGATE_ADMIN", "127.0.0.1:9090");
    // In clear text, for a sandbox on this machine; for any other gateway TlsChannelCredentials.
    try (var gateway = Gateway.connect(address, InsecureChannelCredentials.create(), Sandbox.tokens(admin, "clinician"))) {
      new Journey(gateway).walk();
    }
  }

  private void walk() throws StatusException, InterruptedException, NotWholeException {
    var practice = trace();
    search();
    resolve(practice);
    capabilities(practice);
    record();
    book(practice, firstSlot(practice));
    failures();
  }

  /** Asks PDS who the patient is, compares them with what we hold, and learns where they are registered. */
  private String trace() throws StatusException {
    var trace = Trace.begin();
    var answer = gateway.patients().withInterceptors(trace).tracePatient(TracePatientRequest.newBuilder()
        .setContext(encounter)
        .setNhsNumber(PATIENT)
        .setExpected(ExpectedDemographics.newBuilder().setFamily("Testwell").setBirthDate("1992"))
        .build());
    var registration = answer.getRegistration();
    System.out.printf("trace: %s, family name %s, %s at %s%n", answer.getPatient().getName().getFamily(),
        answer.getComparison().getFamily(), registration.getStatus(), registration.getOdsCode());
    var passedOn = answer.getProvenance().getTraceIds().getTraceId().equals(trace.id());
    System.out.printf("trace: the gateway went on with our trace: %b%n", passedOn);
    return registration.getOdsCode();
  }

  /** Finds people by demographics, in no encounter. An empty list proves nothing while absence_not_proven is true. */
  private void search() throws StatusException {
    var answer = gateway.patients().searchPatients(SearchPatientsRequest.newBuilder()
        .setFamily("Testwell")
        .addGiven("Ada")
        .setBirthDateStart("1990-01-01")
        .setBirthDateEnd("1995-12-31")
        .build());
    System.out.printf("search: %d found, absence not proven: %b%n", answer.getMatchesCount(), answer.getAbsenceNotProven());
  }

  /** Asks the directory which system answers. The other methods do this by themselves. */
  private void resolve(String practice) throws StatusException {
    var answer = gateway.directory().resolveEndpoint(ResolveEndpointRequest.newBuilder()
        .setContext(encounter)
        .setOdsCode(practice)
        .setInteraction(Interaction.newBuilder().setKnown(KnownInteraction.KNOWN_INTERACTION_GET_STRUCTURED_RECORD))
        .build());
    System.out.printf("resolve: %s%n", answer.getEndpoint().getAsid());
  }

  /** Asks the practice's system what it can do. */
  private void capabilities(String practice) throws StatusException {
    var answer = gateway.practices().getCapabilities(GetCapabilitiesRequest.newBuilder()
        .setContext(encounter)
        .setOdsCode(practice)
        .build());
    for (var root : answer.getRootsList()) {
      System.out.printf("capabilities: %s %s%n", root.getCapability(), root.getSupport());
    }
  }

  /**
   * Streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and the
   * verdict is WHOLE: use nothing of it as if it were complete otherwise.
   */
  private void record() throws StatusException, InterruptedException, NotWholeException {
    var whole = new WholeRecord();
    var messages = gateway.practices().getStructuredRecord(GetStructuredRecordRequest.newBuilder()
        .setContext(encounter)
        .setNhsNumber(PATIENT)
        .build());
    try {
      for (GetStructuredRecordResponse message; (message = messages.read()) != null; ) { // null: the stream ended with OK
        whole.take(message);
        if (message.hasPatient()) { // always before anything clinical
          var comparison = message.getPatient().getComparison();
          System.out.printf("record: of the patient: family name %s, birth date %s%n", comparison.getFamily(),
              comparison.getBirthDate());
        }
      }
    } finally {
      messages.cancel("no longer read", null); // to leave the loop does not cancel; after the end this does nothing
    }
    var digest = whole.end();
    System.out.printf("record: %s agrees, %s%n", digest, whole.closing().getVerdict());
  }

  /** Takes the first free slot of the next week and cancels the search, which stops what is still being asked. */
  private Slot firstSlot(String practice) throws StatusException, InterruptedException {
    var today = LocalDate.now(ZoneId.of("Europe/London")); // days are those of the UK
    var messages = gateway.practices().searchSlots(SearchSlotsRequest.newBuilder()
        .setContext(encounter)
        .addOdsCodes(practice)
        .addOdsCodes("H86007")
        .setStart(today.plusDays(1).toString())
        .setEnd(today.plusDays(7).toString())
        .build());
    for (SearchSlotsResponse message; (message = messages.read()) != null; ) {
      if (message.getSlot().getOdsCode().equals(practice)) {
        messages.cancel("one is enough", null); // to leave the loop does not cancel
        System.out.println("slots: one found, search cancelled");
        return message.getSlot();
      }
    }
    throw new NoSuchElementException("no slot is free");
  }

  /** Books the slot. When the outcome is unknown, or no answer came at all, the same call with the same request id finds it out. */
  private void book(String practice, Slot slot) throws StatusException {
    var request = BookAppointmentRequest.newBuilder()
        .setContext(encounter)
        .setRequestId(UUID.randomUUID().toString())
        .setNhsNumber(PATIENT)
        .setOdsCode(practice)
        .addSlotHandles(slot.getHandle())
        .setDescription("Example")
        .build();
    for (var call = 0; call < 2; call++) {
      System.out.printf("book: %s%n", gateway.practices().bookAppointment(request).getOutcome());
    }
  }

  /** Shows what errors say, and a deadline. */
  private void failures() {
    var nobody = TracePatientRequest.newBuilder().setNhsNumber("9990000492").build();
    // Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
    var another = TracePatientRequest.newBuilder().setContext(encounter).setNhsNumber("9990000115").build();
    for (var request : List.of(nobody, another)) {
      try {
        gateway.patients().tracePatient(request);
      } catch (StatusException error) {
        var failure = Failure.of(error);
        System.out.printf("failure: %s %s at %s, RETRY_CLASS_%s: %s%n", failure.code(), failure.reason(), failure.hop(),
            failure.retry(), failure.clinicianMessage());
      }
    }
    try {
      gateway.practices()
          .withDeadlineAfter(Duration.ofMillis(1500)) // the practice answers after three seconds
          .getCapabilities(GetCapabilitiesRequest.newBuilder().setOdsCode("F84005").build());
    } catch (StatusException error) {
      System.out.printf("deadline: %s%n", Failure.of(error).code());
    }
  }
}
