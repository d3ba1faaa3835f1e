import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node";

import { drain } from "./drain.js";
import { repeat, Throttle } from "./retry.js";
import { maxRequestBytes, maxResponseBytes, policyOf } from "./serviceconfig.js";

/** The gateway's own limit, so that no error of it is too large to be read. */
const maxMetadataBytes = 32 << 10;

/**
 * Makes a transport to a gateway that keeps to gRPC's service config, for `createClient`. Options are those of
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
 * Ends a stream with its signal: from then on its reader is given the signal's error and nothing else. What is left is drained, also when
 * the reader never comes back. Nobody but the reader may read before that: a message that another takes is a gap in a record, and
 * an error that another takes looks like the end of it.
 */
function endedBy<T>(signal: AbortSignal, messages: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let ended = false;
  const end = (): void => void drain(iterator);
  if (signal.aborted) {
    end();
  }
  signal.addEventListener("abort", end, { once: true });
  const close = (): void => {
    ended = true;
    signal.removeEventListener("abort", end);
  };
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (ended) {
          return { done: true, value: undefined };
        }
        try {
          refuse(signal);
          const result = await iterator.next();
          if (result.done) {
            refuse(signal); // it may be no end, but what is left after the abort
            close();
          }
          return result;
        } catch (reason) {
          close();
          throw reason;
        }
      },
    }),
  };
}

/** Throws what Connect throws for a signal that is aborted. */
function refuse(signal: AbortSignal): void {
  if (signal.aborted) {
    throw ConnectError.from(signal.reason, Code.Canceled);
  }
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
