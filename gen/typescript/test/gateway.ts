import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createTransport } from "@spinegate/client";

/** A call as the server saw it. */
export type Received = http2.IncomingHttpHeaders;

type Handler = (stream: http2.ServerHttp2Stream, header: Received, call: number) => void;

/** Serves gRPC for the length of a test, with one handler for every call, and gives a transport to it. */
export async function gateway(t: TestContext, handle: Handler, interceptors: Interceptor[] = []): Promise<Transport> {
  return createTransport({ baseUrl: await serve(t, handle), interceptors });
}

/** Serves gRPC on a loopback port for the length of a test, with one handler for every call, and gives its address. */
export async function serve(t: TestContext, handle: Handler): Promise<string> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  let calls = 0;
  server.on("stream", (stream, header) => {
    stream.on("error", () => {}); // a client that cancels resets it
    calls += 1;
    handle(stream, header, calls);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    sessions.forEach((session) => session.destroy());
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const header = { ":status": 200, "content-type": "application/grpc" };

/** Answers with nothing but a status, as gRPC servers do when a call fails before its first message. */
export function fail(stream: http2.ServerHttp2Stream, code: number, trailer: Record<string, string> = {}): void {
  stream.respond({ ...header, "grpc-status": String(code), ...trailer }, { endStream: true });
}

/** Begins an answer with messages, and leaves it open. */
export function open(stream: http2.ServerHttp2Stream, messages: Uint8Array[]): void {
  stream.respond(header, { waitForTrailers: true });
  for (const message of messages) {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.write(Buffer.concat([prefix, message]));
  }
}

/** Answers with messages, then a status. */
export function answer(
  stream: http2.ServerHttp2Stream,
  messages: Uint8Array[],
  code: number,
  trailer: Record<string, string> = {},
): void {
  open(stream, messages);
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code), ...trailer }));
  stream.end();
}
