"""What a Python program needs around the stubs of spinegate: tokens, trace context, errors with their reasons, and the check that
a stream is whole. It serves threads and asyncio alike. Copy it and make it your own."""

from __future__ import annotations

import hashlib
import json
import secrets
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Protocol, cast

import grpc
from google.protobuf.descriptor import EnumDescriptor
from google.rpc import code_pb2, error_details_pb2  # type: ignore[import-untyped] # whose package has no types
from grpc_status import rpc_status
from spinegate import v1

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tokens:
    """Sent with every call."""

    bearer: str = field(repr=False)
    """Says who calls, and for which organisation."""
    cis2: str = field(default="", repr=False)
    """The ID token of a clinician's own sign-in, if PDS shall be asked in their name."""

    @property
    def metadata(self) -> Metadata:
        sent: Metadata = (("authorization", f"Bearer {self.bearer}"),)
        if self.cis2:
            sent += (("spinegate-cis2-id-token", self.cis2),)
        return sent


def sandbox_tokens(admin: str, persona: str) -> Tokens:
    """Asks a sandbox, at the HOST:PORT of its admin listener, for the tokens of one of its personas. With a real gateway your
    identity provider gives them."""
    query = urllib.parse.urlencode({"persona": persona})
    address = f"http://{admin.removeprefix('http://')}/sandbox/token?{query}"
    request = urllib.request.Request(address, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        given = json.load(response)
    return Tokens(given["token"], given.get("cis2_id_token", ""))


def new_trace() -> tuple[str, Metadata]:
    """Begins a W3C trace: its id, and the metadata that takes it to the gateway, which gives the id back in provenance and in
    errors. In a program with OpenTelemetry, opentelemetry-instrumentation-grpc does this."""
    trace_id = secrets.token_hex(16)
    return trace_id, (("traceparent", f"00-{trace_id}-{secrets.token_hex(8)}-01"),)


class Enum(Protocol):
    """What every enum of the stubs is."""

    @property
    def DESCRIPTOR(self) -> EnumDescriptor: ...


def name(enum: Enum, value: int) -> str:
    """The name of a value, or its number: a newer gateway may send one that this program does not know, over which
    ``Enum.Name(value)`` raises ValueError."""
    known = enum.DESCRIPTOR.values_by_number.get(value)
    return known.name if known else str(value)


@dataclass(frozen=True)
class Violation:
    """A field that broke a rule of the request."""

    field: str
    description: str
    """What is wrong with it."""


# The sentences for errors about which the gateway said nothing.
_UNREACHED = "The service cannot be reached. Try again in a moment."
_UNSAID = {"DEADLINE_EXCEEDED": "This took too long. Try again.", "CANCELLED": "The request was cancelled."}


@dataclass(frozen=True)
class Failure:
    """What the gateway says about an error of a call, or about a failure within a stream; and about an error that the gateway did
    not make, what can be said all the same."""

    code: str
    """As every language writes it: NOT_FOUND."""
    reason: str = ""
    """Stable: program against it. Empty when the gateway did not make the error."""
    hop: str = ""
    """Where on the road it failed: PDS."""
    retry: str = field(default="", repr=False)
    """Whether repeating helps: NEVER, SAME_CALL, AFTER_CORRECTION or SAME_REQUEST_ID. Empty when the gateway did not make the
    error."""
    clinician_message: str = field(default="", repr=False)
    """A sentence that can be shown to a clinician. There always is one."""
    trace_id: str = field(default="", repr=False)
    """By which the operator of the gateway finds the call."""
    fields: tuple[Violation, ...] = field(default=(), repr=False)
    """Those of the request that broke a rule."""
    detail: v1.ErrorDetail | None = field(default=None, repr=False)
    """More: how long to wait, a sentence for operators, candidates. None when the gateway did not make the error: it was not
    reached, or the call's own deadline or cancellation came first. For a booking that is the same as OUTCOME_UNKNOWN: it may
    have been made, so make the same call with the same request id."""

    @staticmethod
    def of(error: grpc.RpcError) -> Failure:
        """Reads a call's error."""
        call = cast(grpc.Call, error)  # in Python the error of a call is the call, with asyncio too
        status = rpc_status.from_call(call)
        reason, hop, detail = "", "", None
        fields: tuple[Violation, ...] = ()
        info, request, ours = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), v1.ErrorDetail()
        for packed in status.details if status else ():
            if packed.Unpack(info):
                reason, hop = info.reason, info.metadata["hop"]
            elif packed.Unpack(request):
                fields = tuple(Violation(v.field, v.description) for v in request.field_violations)
            elif packed.Unpack(ours):
                detail = ours
        return Failure._of(call.code().name, reason, hop, fields, detail)

    @staticmethod
    def of_detail(detail: v1.ErrorDetail) -> Failure:
        """Reads a failure within a stream, of one of many targets, which says the same as a call's error."""
        return Failure._of(
            name(code_pb2.Code, detail.code),
            name(v1.ErrorReason, detail.reason).removeprefix("ERROR_REASON_"),
            name(v1.Hop, detail.hop).removeprefix("HOP_"),
            tuple(Violation(v.field, v.description) for v in detail.violations),
            detail,
        )

    @staticmethod
    def _of(
        code: str, reason: str, hop: str, fields: tuple[Violation, ...], detail: v1.ErrorDetail | None
    ) -> Failure:
        if detail is None:
            return Failure(code, reason, hop, clinician_message=_UNSAID.get(code, _UNREACHED), fields=fields)
        retry = name(v1.RetryClass, detail.retry).removeprefix("RETRY_CLASS_")
        trace_id = detail.trace_ids.trace_id
        return Failure(code, reason, hop, retry, detail.clinician_message, trace_id, fields, detail)


class NotWhole(Exception):
    """A stream is not what it says, or not all of it."""


class Message(Protocol):
    """What the messages of all streams have."""

    sequence: int
    continues: bool


class Whole:
    """Checks that a stream is in order and has its end. Every stream of the gateway has this one shape."""

    def __init__(self) -> None:
        self._next = 0
        self._closed = False

    def take(self, message: Message, closing: bool) -> None:
        """Checks the next message. Pieces of one large item share a number."""
        if self._closed or message.sequence != self._next:
            raise NotWhole(f"message {message.sequence} came where {self._next} was due")
        if not message.continues:
            self._next += 1
        self._closed = closing

    def end(self) -> None:
        """Checks a stream that ended with OK."""
        if not self._closed:
            raise NotWhole("the stream has no closing message")


class Record:
    """Checks a record stream, and in the end what arrived against the digest that the gateway gave. A record is whole if ``end``
    finds nothing and the verdict of ``closing`` is VERDICT_WHOLE."""

    def __init__(self) -> None:
        self._whole = Whole()
        self._entries = hashlib.sha256()
        self._content = hashlib.sha256()
        self._fhir = False
        self.closing = v1.RecordClosing()

    def take(self, message: v1.GetStructuredRecordResponse) -> None:
        """Checks the next message."""
        event = message.WhichOneof("event")
        self._whole.take(message, event == "closing")
        if event == "opening":
            self._fhir = message.opening.view == v1.RECORD_VIEW_FHIR
        elif event == "patient":
            self._entries.update(message.patient.patient.json)
        elif event == "entry":
            self._entries.update(message.entry.json)
        elif event == "chunk":
            self._content.update(message.chunk.data)
        elif event == "closing":
            self.closing = message.closing

    def end(self) -> str:
        """Checks a stream that ended with OK. Returns the digest that was compared: entries_sha256 or content_sha256."""
        self._whole.end()
        name, got, said = "entries_sha256", self._entries, self.closing.entries_sha256
        if self._fhir:
            name, got, said = "content_sha256", self._content, self.closing.content_sha256
        if got.digest() != said:
            raise NotWhole(f"what arrived does not have the digest that the gateway gave: {name}")
        return name
