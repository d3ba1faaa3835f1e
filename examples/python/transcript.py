"""The steps of conformance/steps.json and what is printed of their answers, as conformance/README.md describes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from spinegate import v1

from gateway import Failure, Record, Whole

Step = dict[str, Any]

# A method that the gateway learns is one line here.
REQUESTS: dict[str, Callable[[], Message]] = {
    "PatientTrace/TracePatient": v1.TracePatientRequest,
    "PatientTrace/SearchPatients": v1.SearchPatientsRequest,
    "PatientTrace/TracePatients": v1.TracePatientsRequest,
    "PatientTrace/ListRelatedPersons": v1.ListRelatedPersonsRequest,
    "EndpointDirectory/ResolveEndpoint": v1.ResolveEndpointRequest,
    "EndpointDirectory/ResolveEndpoints": v1.ResolveEndpointsRequest,
    "GPConnect/GetCapabilities": v1.GetCapabilitiesRequest,
    "GPConnect/GetStructuredRecord": v1.GetStructuredRecordRequest,
    "GPConnect/SearchSlots": v1.SearchSlotsRequest,
    "GPConnect/BookAppointment": v1.BookAppointmentRequest,
}


def requests(step: Step, saved: dict[str, str]) -> list[Message]:
    """The step's requests, with what earlier steps saved."""
    made = []
    for request in step.get("requests") or [step["request"]]:
        text = json.dumps(request)
        for name, value in saved.items():
            text = text.replace("${" + name + "}", value)
        made.append(json_format.Parse(text, REQUESTS[step["call"]]()))
    return made


class Answer:
    """What came of a call, as JSON: the response, or for a stream its events by kind, in order of arrival."""

    def __init__(self, cancel_after: str = "") -> None:
        self.object: dict[str, Any] = {}
        self.streamed = False
        self.cancelled = ""
        self._cancel_after = cancel_after
        self._whole = Whole()
        self._record: Record | None = None

    def take(self, message: Any) -> bool:
        """Takes a message of a stream. True: cancel it now. Of an item in pieces the last one counts."""
        kind = message.WhichOneof("event")
        self._whole.take(message, kind == "closing")
        if isinstance(message, v1.GetStructuredRecordResponse):
            self._record = self._record or Record()
            self._record.take(message)
        if not message.continues:
            self.object.setdefault(kind, []).append(as_object(message)[kind])
        if kind == self._cancel_after:
            self.cancelled = kind
        return bool(self.cancelled)

    def show(self, step: Step, error: grpc.RpcError | None, trace_id: str) -> None:
        """Prints the step's lines."""
        failure = Failure.of(error) if error else None
        if failure and failure.code == "DEADLINE_EXCEEDED":
            line("code", failure.code)  # how far the call came by then differs from run to run
            return
        if self.cancelled:
            line("cancelled", self.cancelled)
            return
        if self.streamed:
            line("events", ",".join(sorted(self.object)))
        if failure:
            show_failure(failure, trace_id)
            return
        line("code", "OK")
        ids = "provenance.trace_ids.trace_id"
        if self.streamed:
            self._whole.end()
            line("checked", ",".join(["sequence", "closing"] + ([self._record.end()] if self._record else [])))
            ids = "opening." + ids
        line("traced", as_text(trace_id in self.find(ids)))
        for path in step.get("print", []):
            if path.endswith("#"):
                line(path, str(len(self.find(path[:-1]))))
            else:
                line(path, ",".join(sorted(self.find(path))))

    def find(self, path: str) -> list[str]:
        """Follows a path through the answer. A list is gone into, element by element; what is not there is left out."""
        return find(self.object, path.split("."))


def show_failure(failure: Failure, trace_id: str) -> None:
    line("code", failure.code)
    line("reason", failure.reason)
    line("hop", failure.hop)
    line("retry", failure.retry)
    line("traced", as_text(failure.trace_id == trace_id))
    for field in sorted(broken.field for broken in failure.fields):
        line("field", field)


def line(name: str, value: str) -> None:
    print(f"  {name}={value}")


def find(value: Any, path: list[str]) -> list[str]:
    if isinstance(value, list):
        return [found for element in value for found in find(element, path)]
    if isinstance(value, dict) and path:
        return find(value[path[0]], path[1:]) if path[0] in value else []
    return [as_text(value)]


def as_text(value: Any) -> str:
    """A value as JSON spells it, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def as_object(message: Message) -> dict[str, Any]:
    """A message as JSON, with the field names of the contract."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
