import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { EventEmitter, getEventListeners, once } from "node:events";
import { constants, type ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { create, toBinary } from "@bufbuild/protobuf";
import { createClient, createTransport } from "@spinegate/client";
import { GetStructuredRecordResponseSchema, GPConnect } from "@spinegate/client/v1";

import { answer, open, serve } from "./gateway.js";
import type { Outcome, Way } from "./reader.js";

/** Entries of a record, in order. */
function entries(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, sequence) =>
    toBinary(
      GetStructuredRecordResponseSchema,
      create(GetStructuredRecordResponseSchema, { sequence, event: { case: "entry", value: { json: new Uint8Array(1000) } } }),
    ),
  );
}

/** Runs reader.ts, which fails if it does not end by itself long before the call's time-out. */
async function read(address: string, whose: "ours" | "connect", way: Way): Promise<Outcome> {
  const program = fileURLToPath(new URL("reader.js", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, address, whose, way], { timeout: 30_000 });
  return JSON.parse(stdout) as Outcome;
}

const five = [0, 1, 2, 3, 4];

test("who stops reading has an error or none, no gap, and a program that ends", async (t) => {
  const ways: { way: Way; sent: number; end: string; connect: boolean }[] = [
    { way: "abort", sent: 200, end: "Canceled", connect: true },
    { way: "abort", sent: 5, end: "Canceled", connect: true },
    { way: "abort and await", sent: 200, end: "Canceled", connect: true },
    { way: "abort and await", sent: 5, end: "Canceled", connect: true },
    { way: "abort while it waits", sent: 5, end: "Canceled", connect: true },
    { way: "abort and leave", sent: 200, end: "left", connect: true },
    // Connect's own client passes nothing on of these.
    { way: "break", sent: 200, end: "left", connect: false },
    { way: "throw", sent: 200, end: "left", connect: false },
    { way: "break", sent: 5, end: "left", connect: false },
  ];
  for (const { way, sent, end, connect } of ways) {
    for (const whose of connect ? (["ours", "connect"] as const) : (["ours"] as const)) {
      await t.test(`${way}, ${sent} sent, client of ${whose}`, async (t) => {
        let reset: Promise<number | undefined> | undefined;
        const address = await serve(t, (stream) => {
          reset = once(stream, "close").then(() => stream.rstCode);
          open(stream, entries(sent));
        });
        assert.deepEqual(await read(address, whose, way), { sequences: five, end });
        assert.equal(await reset, constants.NGHTTP2_CANCEL);
      });
    }
  }
});

test("a stream that is read to its end is whole", async (t) => {
  const address = await serve(t, (stream) => answer(stream, entries(200), 0));
  assert.deepEqual(await read(address, "ours", "read to the end"), { sequences: [...Array(200).keys()], end: "OK" });
});

test("a call that is left before it is read is cancelled, and fails nobody", async (t) => {
  const calls = new EventEmitter();
  const address = await serve(t, (stream) => calls.emit("call", stream));
  const messages = createClient(GPConnect, createTransport({ baseUrl: address })).getStructuredRecord({});
  const [stream] = (await once(calls, "call")) as [ServerHttp2Stream];
  await messages[Symbol.asyncIterator]().return?.();
  await once(stream, "close");
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
});

test("a signal is left alone by calls that are over", async (t) => {
  const address = await serve(t, (stream) => answer(stream, entries(1), 0));
  const practices = createClient(GPConnect, createTransport({ baseUrl: address }));
  const { signal } = new AbortController();
  for await (const _ of practices.getStructuredRecord({}, { signal })) {
    assert.equal(getEventListeners(signal, "abort").length, 1);
  }
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
