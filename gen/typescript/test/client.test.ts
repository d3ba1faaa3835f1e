import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { constants } from "node:http2";
import { test } from "node:test";

import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import * as v1 from "@spinegate/client/v1";
import { BadRequestSchema, StatusSchema } from "@spinegate/client/google/rpc";

import { answer, fail, gateway, open, type Received } from "./gateway.js";

const patient = toBinary(v1.TracePatientResponseSchema, create(v1.TracePatientResponseSchema, { supersededFrom: "9990000034" }));
const atOnce = { "grpc-retry-pushback-ms": "0" };

function hasCode(code: Code): (error: unknown) => boolean {
  return (error) => error instanceof ConnectError && error.code === code;
}

test("a read is repeated while the gateway is unavailable", async (t) => {
  const seen: Received[] = [];
  const transport = await gateway(t, (stream, header, call) => {
    seen.push(header);
    call < 3 ? fail(stream, Code.Unavailable, call === 1 ? {} : atOnce) : answer(stream, [patient], 0);
  });
  const got = await createClient(v1.PatientTrace, transport).tracePatient({}, { headers: { authorization: "Bearer one" } });
  assert.equal(got.supersededFrom, "9990000034");
  assert.deepEqual(seen.map((header) => header["grpc-previous-rpc-attempts"]), [undefined, "1", "2"]);
  assert.deepEqual(seen.map((header) => header.authorization), Array(3).fill("Bearer one"));
  const budgets = seen.map((header) => Number.parseInt(header["grpc-timeout"] as string));
  assert.ok(budgets[1]! < budgets[0]!, "the attempts share one time-out");
});

test("a read is given up after three attempts", async (t) => {
  let calls = 0;
  const transport = await gateway(t, (stream) => {
    calls += 1;
    fail(stream, Code.Unavailable, atOnce);
  });
  await assert.rejects(createClient(v1.PatientTrace, transport).tracePatient({}), hasCode(Code.Unavailable));
  assert.equal(calls, 3);
});

test("nothing is repeated that must not be", async (t) => {
  const cases = [
    { what: "a booking", trailer: atOnce, code: Code.Unavailable, book: true },
    { what: "another code", trailer: atOnce, code: Code.Internal, book: false },
    { what: "the gateway says no", trailer: { "grpc-retry-pushback-ms": "-1" }, code: Code.Unavailable, book: false },
  ];
  for (const { what, trailer, code, book } of cases) {
    await t.test(what, async (t) => {
      let calls = 0;
      const transport = await gateway(t, (stream) => {
        calls += 1;
        fail(stream, code, trailer);
      });
      const made = book
        ? createClient(v1.GPConnect, transport).bookAppointment({})
        : createClient(v1.PatientTrace, transport).tracePatient({});
      await assert.rejects(made, hasCode(code));
      assert.equal(calls, 1);
    });
  }
});

test("repeating stops while most calls fail", async (t) => {
  let calls = 0;
  const transport = await gateway(t, (stream) => {
    calls += 1;
    fail(stream, Code.Unavailable, atOnce);
  });
  const patients = createClient(v1.PatientTrace, transport);
  for (let made = 0; made < 3; made++) {
    await assert.rejects(patients.tracePatient({}), hasCode(Code.Unavailable));
  }
  assert.equal(calls, 3 + 2 + 1); // ten tokens: the fifth failure leaves half of them
});

test("a stream is repeated until its first header, and not after", async (t) => {
  const opening = toBinary(
    v1.GetStructuredRecordResponseSchema,
    create(v1.GetStructuredRecordResponseSchema, { event: { case: "opening", value: {} } }),
  );
  const sent: Promise<Buffer[]>[] = [];
  const transport = await gateway(t, (stream, _, call) => {
    sent.push(stream.toArray());
    call === 1 ? fail(stream, Code.Unavailable, atOnce) : answer(stream, [opening], Code.Unavailable, atOnce);
  });
  const events: (string | undefined)[] = [];
  await assert.rejects(async () => {
    for await (const message of createClient(v1.GPConnect, transport).getStructuredRecord({ nhsNumber: "9990000018" })) {
      events.push(message.event.case);
    }
  }, hasCode(Code.Unavailable));
  assert.deepEqual(events, ["opening"]);
  const bodies = (await Promise.all(sent)).map((chunks) => Buffer.concat(chunks).toString("hex"));
  assert.deepEqual(bodies, Array(2).fill(Buffer.concat([Buffer.of(0, 0, 0, 0, 12, 0x12, 10), Buffer.from("9990000018")]).toString("hex")));
});

test("a call has the shorter of its own time-out and the method's", async (t) => {
  const cases = [
    { own: undefined, least: 29_000, most: 30_000 },
    { own: 0, least: 29_000, most: 30_000 },
    { own: 1_500, least: 1_000, most: 1_500 },
    { own: 90_000, least: 29_000, most: 30_000 },
  ];
  for (const { own, least, most } of cases) {
    await t.test(`own ${own}`, async (t) => {
      let sent = "";
      const transport = await gateway(t, (stream, header) => {
        sent = header["grpc-timeout"] as string;
        answer(stream, [patient], 0);
      });
      await createClient(v1.PatientTrace, transport).tracePatient({}, own === undefined ? {} : { timeoutMs: own });
      const got = Number(/^(\d+)m$/.exec(sent)?.[1]);
      assert.ok(got >= least && got <= most, sent);
    });
  }
});

test("a deadline ends a call, and cancelling ends a pause", { timeout: 5000 }, async (t) => {
  const silent = await gateway(t, () => {});
  await assert.rejects(createClient(v1.PatientTrace, silent).tracePatient({}, { timeoutMs: 20 }), hasCode(Code.DeadlineExceeded));

  const cancel = new AbortController();
  const cancelAfterAttempt: Interceptor = (next) => (request) => next(request).finally(() => setImmediate(() => cancel.abort()));
  const failing = await gateway(
    t,
    (stream) => fail(stream, Code.Unavailable, { "grpc-retry-pushback-ms": "20000" }),
    [cancelAfterAttempt],
  );
  await assert.rejects(createClient(v1.PatientTrace, failing).tracePatient({}, { signal: cancel.signal }), hasCode(Code.Canceled));
});

test("cancelling a stream ends it at the gateway and leaves no timer", async (t) => {
  let reset: Promise<number> | undefined;
  const transport = await gateway(t, (stream) => {
    reset = once(stream, "close").then(() => stream.rstCode);
    open(stream, [toBinary(v1.SearchSlotsResponseSchema, create(v1.SearchSlotsResponseSchema))]);
  });
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  const before = timers();
  const cancel = new AbortController();
  for await (const _ of createClient(v1.GPConnect, transport).searchSlots({}, { signal: cancel.signal, timeoutMs: 5000 })) {
    assert.equal(timers(), before + 1);
    cancel.abort();
    break;
  }
  assert.equal(await reset, constants.NGHTTP2_CANCEL);
  assert.equal(timers(), before);
});

test("a pause that would outlast the deadline is not begun", async (t) => {
  const transport = await gateway(t, (stream) => fail(stream, Code.Unavailable, { "grpc-retry-pushback-ms": "40000" }));
  await assert.rejects(createClient(v1.PatientTrace, transport).tracePatient({}), hasCode(Code.Unavailable));
});

test("a message of 4 MiB arrives, and no larger one", async (t) => {
  const envelope = 2 * 5; // tags and lengths of fields of this size
  const transport = await gateway(t, (stream, _, call) => {
    const data = new Uint8Array((4 << 20) - envelope + call - 1);
    const message = create(v1.GetStructuredRecordResponseSchema, { event: { case: "chunk", value: { data } } });
    answer(stream, [toBinary(v1.GetStructuredRecordResponseSchema, message)], 0);
  });
  const practices = createClient(v1.GPConnect, transport);
  for await (const message of practices.getStructuredRecord({})) {
    assert.equal(message.event.case, "chunk");
  }
  await assert.rejects(async () => {
    for await (const _ of practices.getStructuredRecord({}));
  }, hasCode(Code.ResourceExhausted));
});

test("an error with 30 KiB of details is read", async (t) => {
  const details = create(BadRequestSchema, { fieldViolations: [{ field: "nhs_number", description: "x".repeat(22_000) }] });
  const status = create(StatusSchema, { code: Code.InvalidArgument, details: [anyPack(BadRequestSchema, details)] });
  const trailer = { "grpc-status-details-bin": Buffer.from(toBinary(StatusSchema, status)).toString("base64").replace(/=+$/, "") };
  let allowed: number | undefined;
  const transport = await gateway(t, (stream) => {
    allowed = stream.session?.remoteSettings.maxHeaderListSize;
    answer(stream, [], Code.InvalidArgument, trailer);
  });
  await assert.rejects(createClient(v1.PatientTrace, transport).tracePatient({}), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "nhs_number");
    return true;
  });
  assert.equal(allowed, 32 << 10); // gRPC servers go by what the client says
});

test("every generated file is exported", async () => {
  const generated = new URL("../dist/spinegate/v1/", import.meta.url);
  for (const file of readdirSync(generated).filter((name) => name.endsWith(".js"))) {
    for (const name of Object.keys((await import(new URL(file, generated).href)) as object)) {
      assert.ok(name in v1, `${name} of ${file}`);
    }
  }
});
