import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node";

import { repeat, Throttle } from "./retry.js";
import { maxRequestBytes, maxResponseBytes, policyOf } from "./serviceconfig.js";

/** The gateway's own limit, so that no error of it is too large to be read. */
const maxMetadataBytes = 32 << 10;

/**
 * Makes a transport to a gateway that keeps to gRPC's service config, for `createClient` of `@connectrpc/connect`. Options are those of
 * `createGrpcTransport`; `nodeOptions` are those of `http2.connect`, for the certificates of TLS. With a `sessionManager` of your own
 * see to it that it takes 32 KiB of metadata.
 */
export function createTransport(options: GrpcTransportOptions): Transport {
  return withServiceConfig(
    createGrpcTransport({
      writeMaxBytes: maxRequestBytes,
      readMaxBytes: maxResponseBytes,
      ...options,
      nodeOptions: { settings: { maxHeaderListSize: maxMetadataBytes }, ...options.nodeOptions },
    }),
  );
}

/**
 * Has a transport keep to gRPC's service config, which Connect does not read by itself: each method has its time-out, and reads are
 * repeated on UNAVAILABLE, a stream only before its first header has come. Interceptors of the transport see each attempt.
 *
 * It is not an interceptor, because Connect decides on the time-out before it calls interceptors.
 */
export function withServiceConfig(transport: Transport): Transport {
  const throttle = new Throttle();
  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      return repeat({ method, signal, timeoutMs, header }, throttle, (remainingMs, sent) =>
        transport.unary(method, signal, remainingMs, sent, input, contextValues),
      );
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      let requests = () => input;
      if (policyOf(method)?.retry) {
        const kept = await all(input); // one request: the config repeats no method that takes several
        requests = () => each(kept);
      }
      const response = await repeat({ method, signal, timeoutMs, header }, throttle, (remainingMs, sent) =>
        transport.stream(method, signal, remainingMs, sent, requests(), contextValues),
      );
      return signal ? { ...response, message: endedBy(signal, response.message) } : response;
    },
  };
}

/**
 * Ends a stream with its signal. Connect clears the timer of a time-out only when somebody reads the end of the stream or its error.
 * Who cancels reads no further, and the timer would keep the program from ending, for as long as the time-out.
 */
function endedBy<T>(signal: AbortSignal, messages: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  const readEnd = (): void => void iterator.next().catch(() => {}); // says that it was cancelled
  signal.addEventListener("abort", readEnd, { once: true });
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        let over = true;
        try {
          const result = await iterator.next();
          over = result.done === true;
          return result;
        } finally {
          if (over) {
            signal.removeEventListener("abort", readEnd);
          }
        }
      },
    }),
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const kept: T[] = [];
  for await (const item of items) {
    kept.push(item);
  }
  return kept;
}

async function* each<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}
