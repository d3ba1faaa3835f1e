import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "@spinegate/client/google/rpc";
import { ErrorDetailSchema, ErrorReason, Hop, RetryClass, Verdict, VerdictSchema } from "@spinegate/client/v1";

import { connect, failureOf, failureOfDetail, nameOf } from "./gateway.js";

const violation = { field: "nhs_number", description: "has another check digit" };
const detail = create(ErrorDetailSchema, {
  code: Code.InvalidArgument,
  reason: ErrorReason.NHS_NUMBER_INVALID,
  hop: Hop.GATEWAY,
  retry: RetryClass.AFTER_CORRECTION,
  clinicianMessage: "The NHS number is not valid. Check it and try again.",
  traceIds: { traceId: "0af7651916cd43dd8448eb211c80319c" },
  violations: [violation],
});

test("a thrown error and a failure within a stream read the same", () => {
  const want = {
    code: "INVALID_ARGUMENT",
    reason: "NHS_NUMBER_INVALID",
    hop: "GATEWAY",
    retry: "AFTER_CORRECTION",
    clinicianMessage: detail.clinicianMessage,
    traceId: "0af7651916cd43dd8448eb211c80319c",
    fields: [violation],
    detail,
  };
  const thrown = new ConnectError("", Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: { reason: "NHS_NUMBER_INVALID", metadata: { hop: "GATEWAY" } } },
    { desc: BadRequestSchema, value: { fieldViolations: [violation] } },
    { desc: ErrorDetailSchema, value: detail },
  ]);
  assert.deepEqual(failureOf(thrown), want);
  assert.deepEqual(failureOfDetail(detail), want);
});

test("what is newer than the stubs has its number", () => {
  const newer = failureOfDetail({ ...detail, reason: 999 as ErrorReason, hop: 99 as Hop, retry: 9 as RetryClass });
  assert.deepEqual([newer.reason, newer.hop, newer.retry], ["999", "99", "9"]);
  assert.deepEqual([nameOf(VerdictSchema, Verdict.WHOLE), nameOf(VerdictSchema, 99)], ["VERDICT_WHOLE", "99"]);
});

test("an error that is not the gateway's says so, and has a sentence", async () => {
  const { patients } = connect("127.0.0.1:1", { bearer: "", cis2: undefined }); // where nobody listens
  const failed = await patients.tracePatient({}).then(() => assert.fail("somebody listens"), failureOf);
  assert.deepEqual([failed.code, failed.reason, failed.detail], ["UNAVAILABLE", "", undefined]);
  assert.equal(failed.clinicianMessage, "The service cannot be reached. Try again in a moment.");
  assert.equal(failureOf(new ConnectError("", Code.DeadlineExceeded)).clinicianMessage, "This took too long. Try again.");
  assert.equal(failureOf(new ConnectError("", Code.Canceled)).clinicianMessage, "The request was cancelled.");
});
