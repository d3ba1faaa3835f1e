import { setTimeout } from "node:timers/promises";

import type { DescMethod } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";

import { policyOf, retryThrottling, type RetryPolicy } from "./serviceconfig.js";

/** Stops repeating while much fails, so that clients do not keep down a gateway in trouble. One for each transport. */
export class Throttle {
  private tokens = retryThrottling.maxTokens;

  succeeded(): void {
    this.tokens = Math.min(retryThrottling.maxTokens, this.tokens + retryThrottling.tokenRatio);
  }

  /** Counts a failure. True: go on repeating. */
  failed(): boolean {
    this.tokens = Math.max(0, this.tokens - 1);
    return this.tokens > retryThrottling.maxTokens / 2;
  }
}

/** What an attempt needs to know of the call that it belongs to. */
export interface Call {
  method: DescMethod;
  signal: AbortSignal | undefined;
  timeoutMs: number | undefined;
  header: HeadersInit | undefined;
}

/**
 * Makes a call as the service config says: within the method's time-out or the caller's, whichever is shorter, all attempts and
 * pauses together; and again while it fails with a code that may be repeated. It follows gRFC A6, as gRPC's own clients do.
 */
export async function repeat<T>(
  { method, signal, timeoutMs, header }: Call,
  throttle: Throttle,
  attempt: (timeoutMs: number | undefined, header: Headers) => Promise<T>,
): Promise<T> {
  const policy = policyOf(method);
  if (policy === undefined) {
    return attempt(timeoutMs, new Headers(header));
  }
  // Connect takes 0 and less for no time-out at all.
  const limit = timeoutMs !== undefined && timeoutMs > 0 ? Math.min(timeoutMs, policy.timeoutMs) : policy.timeoutMs;
  const deadline = performance.now() + limit;
  for (let made = 1; ; made++) {
    const sent = new Headers(header);
    if (made > 1) {
      sent.set("grpc-previous-rpc-attempts", String(made - 1));
    }
    try {
      const answer = await attempt(Math.max(1, Math.ceil(deadline - performance.now())), sent);
      throttle.succeeded();
      return answer;
    } catch (reason) {
      const pause = policy.retry && pauseAfter(ConnectError.from(reason), made, policy.retry, throttle);
      if (pause === undefined || performance.now() + pause >= deadline) {
        throw reason;
      }
      await sleep(pause, signal);
    }
  }
}

/** How long to wait before the next attempt, in milliseconds; undefined if there shall be none. */
function pauseAfter(error: ConnectError, made: number, retry: RetryPolicy, throttle: Throttle): number | undefined {
  if (!retry.codes.has(error.code)) {
    return undefined;
  }
  const allowed = throttle.failed();
  if (!allowed || made >= retry.maxAttempts) {
    return undefined;
  }
  const pushback = error.metadata.get("grpc-retry-pushback-ms");
  if (pushback !== null) {
    return /^\d+$/.test(pushback) ? Number(pushback) : undefined; // anything else says: not again
  }
  const backoff = Math.min(retry.initialBackoffMs * retry.backoffMultiplier ** (made - 1), retry.maxBackoffMs);
  return backoff * (0.8 + 0.4 * Math.random());
}

async function sleep(pause: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(pause, undefined, signal && { signal });
  } catch (reason) {
    throw ConnectError.from(reason); // CANCELED, as if a call had been cancelled
  }
}
