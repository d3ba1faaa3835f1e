"""Failures: of calls, within streams, and those that the gateway did not make."""

import asyncio
import socket
import unittest
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status
from spinegate import v1

from gateway import Failure, Violation, name

DETAIL = v1.ErrorDetail(
    reason=v1.ERROR_REASON_SEARCH_INVALID,
    code=code_pb2.INVALID_ARGUMENT,
    hop=v1.HOP_GATEWAY,
    retry=v1.RETRY_CLASS_AFTER_CORRECTION,
    trace_ids=v1.TraceIds(trace_id="4bf92f3577b34da6a3ce929d0e0e4736"),
    clinician_message="Not enough details to search for the patient.",
    violations=[v1.FieldViolation(field="birth_date_start", description="is required")],
)
FAILURE = Failure(
    code="INVALID_ARGUMENT",
    reason="SEARCH_INVALID",
    hop="GATEWAY",
    retry="AFTER_CORRECTION",
    clinician_message="Not enough details to search for the patient.",
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    fields=(Violation("birth_date_start", "is required"),),
    detail=DETAIL,
)


def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
    """Answers as the gateway does."""
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT)
    violation = error_details_pb2.BadRequest.FieldViolation(field="birth_date_start", description="is required")
    for detail in (
        error_details_pb2.ErrorInfo(reason="SEARCH_INVALID", metadata={"hop": "GATEWAY"}),
        DETAIL,
        error_details_pb2.BadRequest(field_violations=[violation]),
    ):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort_with_status raises")


class Failures(unittest.TestCase):
    def test_a_failure_in_a_stream_reads_as_a_calls_error_does(self) -> None:
        server = grpc.server(futures.ThreadPoolExecutor(1))
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"SearchPatients": grpc.unary_unary_rpc_method_handler(refuse)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("spinegate.v1.PatientTrace", methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            with self.assertRaises(grpc.RpcError) as raised:
                v1.PatientTraceStub(channel).SearchPatients(v1.SearchPatientsRequest())
        server.stop(None).wait()
        self.assertEqual(Failure.of(raised.exception), FAILURE)
        self.assertEqual(Failure.of_detail(DETAIL), FAILURE)
        self.assertEqual(repr(FAILURE), "Failure(code='INVALID_ARGUMENT', reason='SEARCH_INVALID', hop='GATEWAY')")

    def test_values_that_are_newer_are_numbers(self) -> None:
        failure = Failure.of_detail(v1.ErrorDetail(reason=9001, code=99, hop=9002, retry=9003))  # type: ignore[arg-type]
        self.assertEqual((failure.code, failure.reason, failure.hop, failure.retry), ("99", "9001", "9002", "9003"))
        self.assertEqual(name(v1.Verdict, v1.VERDICT_WHOLE), "VERDICT_WHOLE")
        self.assertEqual(name(v1.Verdict, 9004), "9004")

    def test_an_error_that_the_gateway_did_not_make_has_a_sentence(self) -> None:
        unreached = Failure("UNAVAILABLE", clinician_message="The service cannot be reached. Try again in a moment.")
        late = Failure("DEADLINE_EXCEEDED", clinician_message="This took too long. Try again.")
        cancelled = Failure("CANCELLED", clinician_message="The request was cancelled.")
        request = v1.BookAppointmentRequest()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            with grpc.insecure_channel(address) as channel:
                practices = v1.GPConnectStub(channel)
                with self.assertRaises(grpc.RpcError) as raised:
                    practices.BookAppointment(request, timeout=0.1)
                self.assertEqual(Failure.of(raised.exception), late)
                messages = practices.SearchSlots(v1.SearchSlotsRequest())
                messages.cancel()
                with self.assertRaises(grpc.RpcError) as raised:
                    next(messages)
                self.assertEqual(Failure.of(raised.exception), cancelled)
        # Now nobody listens there any more.
        with grpc.insecure_channel(address) as channel:
            with self.assertRaises(grpc.RpcError) as raised:
                v1.GPConnectStub(channel).BookAppointment(request)
            self.assertEqual(Failure.of(raised.exception), unreached)

        async def book() -> None:
            async with grpc.aio.insecure_channel(address) as channel:
                await v1.GPConnectStub(channel).BookAppointment(request)

        with self.assertRaises(grpc.RpcError) as raised:
            asyncio.run(book())
        self.assertEqual(Failure.of(raised.exception), unreached)


if __name__ == "__main__":
    unittest.main()
