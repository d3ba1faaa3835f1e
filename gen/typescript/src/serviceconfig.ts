import { readFileSync } from "node:fs";

import type { DescMethod } from "@bufbuild/protobuf";

import { Code } from "./google/rpc/code_pb.js";

/** The members of a gRPC service config that the file has. */
interface ServiceConfig {
  methodConfig: {
    name: { service: string; method: string }[];
    timeout: string;
    maxRequestMessageBytes: number;
    maxResponseMessageBytes: number;
    retryPolicy?: {
      maxAttempts: number;
      initialBackoff: string;
      maxBackoff: string;
      backoffMultiplier: number;
      retryableStatusCodes: (keyof typeof Code)[];
    };
  }[];
  retryThrottling: { maxTokens: number; tokenRatio: number };
}

/** When calls of a method are repeated, and how. */
export interface RetryPolicy {
  /** How often a call is made at most, the first time included. */
  maxAttempts: number;
  initialBackoffMs: number;
  maxBackoffMs: number;
  backoffMultiplier: number;
  /** The numbers of gRPC's codes are those of Connect, too. */
  codes: ReadonlySet<number>;
}

/** What the service config says of a method. */
export interface MethodPolicy {
  timeoutMs: number;
  /** Absent for methods that are never repeated. */
  retry: RetryPolicy | undefined;
}

const config = JSON.parse(readFileSync(new URL("../service_config.json", import.meta.url), "utf8")) as ServiceConfig;

/** When repeating stops because too much fails. */
export const retryThrottling = config.retryThrottling;

/** The largest request of any method, in bytes. */
export const maxRequestBytes = Math.max(...config.methodConfig.map((c) => c.maxRequestMessageBytes));

/** The largest message that the gateway sends, in bytes. */
export const maxResponseBytes = Math.max(...config.methodConfig.map((c) => c.maxResponseMessageBytes));

const policies = new Map<string, MethodPolicy>(
  config.methodConfig.flatMap(({ name, timeout, retryPolicy }) => {
    const policy: MethodPolicy = {
      timeoutMs: milliseconds(timeout),
      retry: retryPolicy && {
        maxAttempts: retryPolicy.maxAttempts,
        initialBackoffMs: milliseconds(retryPolicy.initialBackoff),
        maxBackoffMs: milliseconds(retryPolicy.maxBackoff),
        backoffMultiplier: retryPolicy.backoffMultiplier,
        codes: new Set(retryPolicy.retryableStatusCodes.map((code) => Code[code])),
      },
    };
    return name.map(({ service, method }): [string, MethodPolicy] => [`${service}/${method}`, policy]);
  }),
);

/** What the service config says of a method; undefined for the methods of other services. */
export function policyOf(method: DescMethod): MethodPolicy | undefined {
  return policies.get(`${method.parent.typeName}/${method.name}`);
}

/** Reads a duration of proto JSON, such as `0.2s`. */
function milliseconds(duration: string): number {
  return Number.parseFloat(duration) * 1000;
}
