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
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status
from spinegate.v1 import errors_pb2, record_pb2

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
    """Asks a sandbox for the tokens of one of its personas. With a real gateway your identity provider gives them."""
    query = urllib.parse.urlencode({"persona": persona})
    request = urllib.request.Request(f"{admin}/sandbox/token?{query}", method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        given = json.load(response)
    return Tokens(given["token"], given.get("cis2_id_token", ""))


def new_trace() -> tuple[str, Metadata]:
    """Begins a W3C trace: its id, and the metadata that takes it to the gateway, which gives the id back in provenance and in
    errors. In a program with OpenTelemetry, opentelemetry-instrumentation-grpc does this."""
    trace_id = secrets.token_hex(16)
    return trace_id, (("traceparent", f"00-{trace_id}-{secrets.token_hex(8)}-01"),)


@dataclass(frozen=True)
class Failure:
    """An error of a call with what the gateway says about it."""

    code: str
    """As every language writes it: NOT_FOUND."""
    reason: str = ""
    """Stable: program against it. Empty when the error did not come from the gateway."""
    hop: str = ""
    """Where on the road it failed."""
    fields: tuple[str, ...] = ()
    """Those of the request that broke a rule."""
    detail: errors_pb2.ErrorDetail = field(default_factory=errors_pb2.ErrorDetail)
    """More: whether a retry helps, sentences to show, candidates."""

    @staticmethod
    def of(error: grpc.RpcError) -> Failure:
        call = cast(grpc.Call, error)  # in Python the error of a call is the call, with asyncio too
        status = rpc_status.from_call(call)
        if status is None:
            return Failure(call.code().name)
        reason, hop, fields, detail = "", "", (), errors_pb2.ErrorDetail()
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for packed in status.details:
            if packed.Unpack(info):
                reason, hop = info.reason, info.metadata["hop"]
            elif packed.Unpack(request):
                fields = tuple(v.field for v in request.field_violations)
            else:
                packed.Unpack(detail)
        return Failure(code_pb2.Code.Name(status.code), reason, hop, fields, detail)


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
        self.closing = record_pb2.RecordClosing()

    def take(self, message: record_pb2.GetStructuredRecordResponse) -> None:
        """Checks the next message."""
        event = message.WhichOneof("event")
        self._whole.take(message, event == "closing")
        if event == "opening":
            self._fhir = message.opening.view == record_pb2.RECORD_VIEW_FHIR
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
