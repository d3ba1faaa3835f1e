"""Walks the whole road with spinegate: who is the patient, which system answers for the practice, what can it do, the record,
free slots, a booking, and what failures look like.

    python journey.py    # SPINEGATE_ADDRESS and SPINEGATE_ADMIN (HOST:PORT) say where the sandbox is
"""

import datetime
import os
import uuid

import grpc
import spinegate
from spinegate import v1

from gateway import Failure, Record, Tokens, name, new_trace, sandbox_tokens

PATIENT = "9990000018"


def main() -> None:
    address = os.environ.get("SPINEGATE_ADDRESS", "127.0.0.1:50051")
    tokens = sandbox_tokens(os.environ.get("SPINEGATE_ADMIN", "127.0.0.1:9090"), "clinician")
    # In clear text, for a sandbox on this machine; for any other gateway grpc.secure_channel.
    with grpc.insecure_channel(address, options=spinegate.CHANNEL_OPTIONS) as channel:
        Journey(channel, tokens).walk()


class Journey:
    def __init__(self, channel: grpc.Channel, tokens: Tokens) -> None:
        self.patients = v1.PatientTraceStub(channel)
        self.directory = v1.EndpointDirectoryStub(channel)
        self.practices = v1.GPConnectStub(channel)
        self.metadata = tokens.metadata
        # What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused.
        self.encounter = v1.CallContext(session_id=str(uuid.uuid4()))

    def walk(self) -> None:
        practice = self.trace()
        self.search()
        self.resolve(practice)
        self.capabilities(practice)
        self.record()
        self.book(practice, self.first_slot(practice))
        self.failures()

    def trace(self) -> str:
        """Asks PDS who the patient is, compares them with what we hold, and learns where they are registered."""
        trace_id, traceparent = new_trace()
        answer = self.patients.TracePatient(
            v1.TracePatientRequest(
                context=self.encounter,
                nhs_number=PATIENT,
                expected=v1.ExpectedDemographics(family="Testwell", birth_date="1992"),
            ),
            metadata=self.metadata + traceparent,
        )
        family = name(v1.Comparison, answer.comparison.family)
        status = name(v1.RegistrationStatus, answer.registration.status)
        print(f"trace: {answer.patient.name.family}, family name {family}, {status} at {answer.registration.ods_code}")
        passed_on = answer.provenance.trace_ids.trace_id == trace_id
        print(f"trace: the gateway went on with our trace: {str(passed_on).lower()}")
        return answer.registration.ods_code

    def search(self) -> None:
        """Finds people by demographics, in no encounter. An empty list proves nothing while absence_not_proven is true."""
        answer = self.patients.SearchPatients(
            v1.SearchPatientsRequest(family="Testwell", given=["Ada"], birth_date_start="1990-01-01", birth_date_end="1995-12-31"),
            metadata=self.metadata,
        )
        print(f"search: {len(answer.matches)} found, absence not proven: {str(answer.absence_not_proven).lower()}")

    def resolve(self, practice: str) -> None:
        """Asks the directory which system answers. The other methods do this by themselves."""
        answer = self.directory.ResolveEndpoint(
            v1.ResolveEndpointRequest(
                context=self.encounter,
                ods_code=practice,
                interaction=v1.Interaction(known=v1.KNOWN_INTERACTION_GET_STRUCTURED_RECORD),
            ),
            metadata=self.metadata,
        )
        print(f"resolve: {answer.endpoint.asid}")

    def capabilities(self, practice: str) -> None:
        """Asks the practice's system what it can do."""
        answer = self.practices.GetCapabilities(
            v1.GetCapabilitiesRequest(context=self.encounter, ods_code=practice), metadata=self.metadata
        )
        for root in answer.roots:
            capability = name(v1.Capability, root.capability)
            print(f"capabilities: {capability} {name(v1.Support, root.support)}")

    def record(self) -> None:
        """Streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and
        the verdict is WHOLE: use nothing of it as if it were complete otherwise."""
        whole = Record()
        request = v1.GetStructuredRecordRequest(context=self.encounter, nhs_number=PATIENT)
        for message in self.practices.GetStructuredRecord(request, metadata=self.metadata):
            whole.take(message)
            if message.HasField("patient"):  # always before anything clinical
                family = name(v1.Comparison, message.patient.comparison.family)
                birth_date = name(v1.Comparison, message.patient.comparison.birth_date)
                print(f"record: of the patient: family name {family}, birth date {birth_date}")
        digest = whole.end()
        print(f"record: {digest} agrees, {name(v1.Verdict, whole.closing.verdict)}")

    def first_slot(self, practice: str) -> v1.Slot:
        """Takes the first free slot of the next week and cancels the search, which stops what is still being asked."""
        today = datetime.date.today()
        messages = self.practices.SearchSlots(
            v1.SearchSlotsRequest(
                context=self.encounter,
                ods_codes=[practice, "H86007"],
                start=(today + datetime.timedelta(days=1)).isoformat(),
                end=(today + datetime.timedelta(days=7)).isoformat(),
            ),
            metadata=self.metadata,
        )
        try:
            for message in messages:
                if message.slot.ods_code == practice:
                    print("slots: one found, search cancelled")
                    return message.slot
            raise LookupError("no slot is free")
        finally:
            # To leave the loop does not cancel: the gateway would go on asking practices. Whoever reads on after this gets a
            # grpc.RpcError with the code CANCELLED.
            messages.cancel()

    def book(self, practice: str, slot: v1.Slot) -> None:
        """Books the slot. When the outcome is unknown, or no answer came at all, the same call with the same request id finds it
        out."""
        request = v1.BookAppointmentRequest(
            context=self.encounter,
            request_id=str(uuid.uuid4()),
            nhs_number=PATIENT,
            ods_code=practice,
            slot_handles=[slot.handle],
            description="Example",
        )
        for _ in range(2):
            answer = self.practices.BookAppointment(request, metadata=self.metadata)
            print(f"book: {name(v1.BookingOutcome, answer.outcome)}")

    def failures(self) -> None:
        """Shows what errors say, and a deadline."""
        nobody = v1.TracePatientRequest(nhs_number="9990000492")
        # Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
        another = v1.TracePatientRequest(context=self.encounter, nhs_number="9990000115")
        for request in (nobody, another):
            try:
                self.patients.TracePatient(request, metadata=self.metadata)
            except grpc.RpcError as error:
                failure = Failure.of(error)
                came, retry = f"{failure.code} {failure.reason} at {failure.hop}", f"RETRY_CLASS_{failure.retry}"
                print(f"failure: {came}, {retry}: {failure.clinician_message}")
        try:
            self.practices.GetCapabilities(
                v1.GetCapabilitiesRequest(ods_code="F84005"),
                metadata=self.metadata,
                timeout=1.5,  # the practice answers after three seconds
            )
        except grpc.RpcError as error:
            print(f"deadline: {Failure.of(error).code}")


if __name__ == "__main__":
    main()
