import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient as createConnectClient, type Transport } from "@connectrpc/connect";

import { drain } from "./drain.js";

/**
 * Makes a client of a service, as Connect's own `createClient` does, but whoever leaves a loop over a stream has cancelled the call:
 * `break`, `return` and an error in the loop's body stop what the gateway still asks. Connect's clients pass none of it on.
 */
export function createClient<Desc extends DescService>(service: Desc, transport: Transport): Client<Desc> {
  const client = createConnectClient(service, transport);
  const calls = client as { [method: string]: unknown };
  for (const { localName, methodKind } of service.methods) {
    if (methodKind === "server_streaming" || methodKind === "bidi_streaming") {
      calls[localName] = leavable(calls[localName] as Streaming);
    }
  }
  return client;
}

type Streaming = (request: unknown, options?: CallOptions) => AsyncIterable<unknown>;

/** Gives each call a signal of its own, which is aborted with the caller's, or when the loop is left. */
function leavable(call: Streaming): Streaming {
  return (request, options) => {
    const { signal } = options ?? {};
    const own = new AbortController();
    const cancel = (): void => own.abort(signal?.reason);
    if (signal?.aborted) {
      cancel();
    }
    signal?.addEventListener("abort", cancel);
    // A signal may outlive many calls: a call that is over does not hang on to it.
    const over = (): void => signal?.removeEventListener("abort", cancel);

    const messages = call(request, { ...options, signal: own.signal });
    return {
      [Symbol.asyncIterator]() {
        const iterator = messages[Symbol.asyncIterator]();
        return {
          async next() {
            let ended = true;
            try {
              const result = await iterator.next();
              ended = result.done === true;
              return result;
            } finally {
              if (ended) {
                over();
              }
            }
          },
          async return() {
            over();
            own.abort();
            void drain(iterator); // not awaited: who leaves does not wait for the gateway
            return { done: true, value: undefined };
          },
        };
      },
    };
  };
}
