/**
 * What a Node program needs around the stubs of spinegate: a connection, tokens, trace context, errors with their reasons, and the
 * check that a stream is whole. Copy it and make it your own: it is one file, and needs no packages but those of the imports.
 */

import { createHash, randomBytes } from "node:crypto";

import type { DescEnum } from "@bufbuild/protobuf";
import { type Client, ConnectError } from "@connectrpc/connect";
import { createClient, createTransport } from "@spinegate/client";
import { BadRequestSchema, Code, ErrorInfoSchema } from "@spinegate/client/google/rpc";
import {
  EndpointDirectory,
  type ErrorDetail,
  ErrorDetailSchema,
  ErrorReason,
  type GetStructuredRecordResponse,
  GPConnect,
  Hop,
  PatientTrace,
  type RecordClosing,
  RecordView,
  RetryClass,
} from "@spinegate/client/v1";

/** A connection with a client of each service. */
export interface Gateway {
  patients: Client<typeof PatientTrace>;
  directory: Client<typeof EndpointDirectory>;
  practices: Client<typeof GPConnect>;
}

/**
 * Makes a connection on which every call carries the tokens. It is in clear text, for a sandbox on this machine: for any other gateway
 * the address begins with https, and `nodeOptions` of createTransport takes your own certificates.
 */
export function connect(address: string, tokens: Tokens): Gateway {
  const transport = createTransport({
    baseUrl: `http://${address}`,
    interceptors: [
      // Called for every attempt: the place to renew a token that has expired.
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${tokens.bearer}`);
        if (tokens.cis2 !== undefined) {
          request.header.set("spinegate-cis2-id-token", tokens.cis2);
        }
        return next(request);
      },
    ],
  });
  return {
    patients: createClient(PatientTrace, transport),
    directory: createClient(EndpointDirectory, transport),
    practices: createClient(GPConnect, transport),
  };
}

/** Sent with every call. */
export interface Tokens {
  /** Says who calls, and for which organisation. */
  bearer: string;
  /** The ID token of a clinician's own sign-in, if PDS shall be asked in their name. */
  cis2: string | undefined;
}

/** Asks a sandbox, at HOST:PORT, for the tokens of one of its personas. With a real gateway your identity provider gives them. */
export async function sandboxTokens(admin: string, persona: string): Promise<Tokens> {
  const base = /^https?:/.test(admin) ? admin : `http://${admin}`;
  const response = await fetch(`${base}/sandbox/token?persona=${encodeURIComponent(persona)}`, { method: "POST" });
  if (!response.ok) {
    throw new Error(`the sandbox answered ${response.status}`);
  }
  const given = (await response.json()) as { token: string; cis2_id_token?: string };
  return { bearer: given.token, cis2: given.cis2_id_token };
}

/**
 * Begins a W3C trace: its id, and the headers of a call that take it to the gateway, which gives the id back in provenance and in
 * errors. In a program with OpenTelemetry, an interceptor with `propagation.inject` does this.
 */
export function newTrace(): { id: string; headers: { traceparent: string } } {
  const id = randomBytes(16).toString("hex");
  return { id, headers: { traceparent: `00-${id}-${randomBytes(8).toString("hex")}-01` } };
}

/** The name of an enum's value as the contract has it; of one that is newer than these stubs its number. */
export function nameOf(schema: DescEnum, value: number): string {
  return schema.value[value]?.name ?? String(value);
}

/** Why a call failed, or one of many targets within a stream. */
export interface Failure {
  /** As every language writes it: NOT_FOUND. */
  code: string;
  /** Stable: program against it. Empty when the gateway did not say it. */
  reason: string;
  /** Where on the road it failed. */
  hop: string;
  /** Whether the same call helps: NEVER, SAME_CALL, AFTER_CORRECTION or SAME_REQUEST_ID. */
  retry: string;
  /** A sentence to show, always. */
  clinicianMessage: string;
  /** What the gateway's operator finds the call by. */
  traceId: string;
  /** Those of the request that broke a rule, and what is wrong with each. */
  fields: { field: string; description: string }[];
  /** More: candidates, how long to wait. Undefined when the gateway did not say it: no connection, or the caller's own end of the call. */
  detail: ErrorDetail | undefined;
}

/** Reads a call's error. Anything that is not one has the code UNKNOWN. */
export function failureOf(error: unknown): Failure {
  const failed = ConnectError.from(error);
  const code = Code[failed.code] ?? "UNKNOWN"; // Connect has the same numbers, and other names
  const [detail] = failed.findDetails(ErrorDetailSchema);
  if (detail === undefined) {
    const clinicianMessage = ownSentences[code] ?? "The service cannot be reached. Try again in a moment.";
    return { code, reason: "", hop: "", retry: "", clinicianMessage, traceId: "", fields: [], detail };
  }
  const failure = failureOfDetail(detail);
  // Beside it are Google's own types, which any gRPC client knows. They have the names of reasons that are newer than these stubs.
  const [info] = failed.findDetails(ErrorInfoSchema);
  const [request] = failed.findDetails(BadRequestSchema);
  return {
    ...failure,
    code,
    reason: info?.reason ?? failure.reason,
    hop: info?.metadata["hop"] ?? failure.hop,
    fields: request?.fieldViolations.map(({ field, description }) => ({ field, description })) ?? failure.fields,
  };
}

/** Reads a `failure` within a stream, which leaves the call alone. */
export function failureOfDetail(detail: ErrorDetail): Failure {
  return {
    code: Code[detail.code] ?? "UNKNOWN",
    reason: ErrorReason[detail.reason] ?? String(detail.reason),
    hop: Hop[detail.hop] ?? String(detail.hop),
    retry: RetryClass[detail.retry] ?? String(detail.retry),
    clinicianMessage: detail.clinicianMessage,
    traceId: detail.traceIds?.traceId ?? "",
    fields: detail.violations.map(({ field, description }) => ({ field, description })),
    detail,
  };
}

/** What to show of errors that are not the gateway's. */
const ownSentences: { [code: string]: string } = {
  DEADLINE_EXCEEDED: "This took too long. Try again.",
  CANCELLED: "The request was cancelled.",
};

/** A stream is not what it says, or not all of it. */
export class NotWhole extends Error {}

/** What the messages of all streams have. */
export interface StreamMessage {
  sequence: number;
  continues: boolean;
  event: { case: string | undefined };
}

/** Checks that a stream is in order and has its end. Every stream of the gateway has this one shape. */
export class Whole {
  #next = 0;
  #closed = false;

  /** Checks the next message. Pieces of one large item share a number. */
  take(message: StreamMessage): void {
    if (this.#closed || message.sequence !== this.#next) {
      throw new NotWhole(`message ${message.sequence} came where ${this.#next} was due`);
    }
    if (!message.continues) {
      this.#next += 1;
    }
    this.#closed = message.event.case === "closing";
  }

  /** Checks a stream that ended with OK. */
  end(): void {
    if (!this.#closed) {
      throw new NotWhole("the stream has no closing message");
    }
  }
}

/**
 * Checks a record stream, and in the end what arrived against the digest that the gateway gave. A record is whole if `end` throws
 * nothing and the verdict of the closing message that it returns is WHOLE.
 */
export class WholeRecord {
  #whole = new Whole();
  #entries = createHash("sha256");
  #content = createHash("sha256");
  #fhir = false;
  #closing: RecordClosing | undefined;

  /** Checks the next message. */
  take(message: GetStructuredRecordResponse): void {
    this.#whole.take(message);
    const { event } = message;
    switch (event.case) {
      case "opening":
        this.#fhir = event.value.view === RecordView.FHIR;
        break;
      case "patient":
        this.#entries.update(event.value.patient?.json ?? "");
        break;
      case "entry":
        this.#entries.update(event.value.json);
        break;
      case "chunk":
        this.#content.update(event.value.data);
        break;
      case "closing":
        this.#closing = event.value;
        break;
    }
  }

  /** Checks a stream that ended with OK. Returns its closing message, and which digest was compared. */
  end(): { closing: RecordClosing; digest: "entries_sha256" | "content_sha256" } {
    this.#whole.end();
    const closing = this.#closing!; // the stream has its end
    const digest = this.#fhir ? "content_sha256" : "entries_sha256";
    const got = (this.#fhir ? this.#content : this.#entries).digest();
    if (!got.equals(this.#fhir ? closing.contentSha256 : closing.entriesSha256)) {
      throw new NotWhole(`what arrived does not have the digest that the gateway gave: ${digest}`);
    }
    return { closing, digest };
  }
}
