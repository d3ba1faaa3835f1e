"""Makes the calls of conformance/steps.json and prints what came, with asyncio."""

import asyncio
import functools
import json
import os
import sys
from typing import Any

import grpc
import spinegate
from spinegate import v1

from gateway import Tokens, new_trace, sandbox_tokens
from transcript import Answer, Step, as_object, requests

STUBS: dict[str, Any] = {
    "PatientTrace": v1.PatientTraceStub,
    "EndpointDirectory": v1.EndpointDirectoryStub,
    "GPConnect": v1.GPConnectStub,
}


@functools.cache
def tokens(persona: str) -> Tokens:
    return sandbox_tokens(os.environ["SPINEGATE_ADMIN"], persona)


async def call(channel: grpc.aio.Channel, step: Step, saved: dict[str, str]) -> Answer:
    service, name = step["call"].split("/")
    method = getattr(STUBS[service](channel), name)
    who = tokens(step.get("persona", "clinician"))
    if not step.get("cis2"):
        who = Tokens(who.bearer)
    trace_id, traceparent = new_trace()
    timeout = step["deadline_ms"] / 1000 if "deadline_ms" in step else None
    sent = requests(step, saved)
    answer, error = Answer(step.get("cancel_after", "")), None
    try:
        came = method(iter(sent) if "requests" in step else sent[0], metadata=who.metadata + traceparent, timeout=timeout)
        if isinstance(came, grpc.aio.UnaryUnaryCall):
            answer.object = as_object(await came)
        else:
            answer.streamed = True
            async for message in came:
                if answer.take(message):
                    came.cancel()
                    break  # whoever reads on gets asyncio.CancelledError
    except grpc.RpcError as failed:
        error = failed
    answer.show(step, error, trace_id)
    return answer


async def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        steps: list[Step] = json.load(file)
    saved: dict[str, str] = {}
    async with grpc.aio.insecure_channel(os.environ["SPINEGATE_ADDRESS"], options=spinegate.CHANNEL_OPTIONS) as channel:
        for step in steps:
            print(step["id"])
            answer = await call(channel, step, saved)
            for name, path in step.get("save", {}).items():
                saved[name] = answer.find(path)[0]


asyncio.run(main())
