/**
 * What a Node program needs around the stubs of spinegate: a connection, tokens, trace context, errors with their reasons, and the
 * check that a stream is whole. Copy it and make it your own.
 */

import { createHash, randomBytes } from "node:crypto";

import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { createTransport } from "@spinegate/client";
import { BadRequestSchema, Code, ErrorInfoSchema } from "@spinegate/client/google/rpc";
import {
  EndpointDirectory,
  type ErrorDetail,
  ErrorDetailSchema,
  type GetStructuredRecordResponse,
  GPConnect,
  PatientTrace,
  type RecordClosing,
  RecordView,
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

/** Asks a sandbox for the tokens of one of its personas. With a real gateway your identity provider gives them. */
export async function sandboxTokens(admin: string, persona: string): Promise<Tokens> {
  const response = await fetch(`${admin}/sandbox/token?persona=${encodeURIComponent(persona)}`, { method: "POST" });
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

/** An error of a call with what the gateway says about it. */
export interface Failure {
  /** As every language writes it: NOT_FOUND. */
  code: string;
  /** Stable: program against it. Empty when the error did not come from the gateway. */
  reason: string;
  /** Where on the road it failed. */
  hop: string;
  /** Those of the request that broke a rule. */
  fields: string[];
  /** More: whether a retry helps, sentences to show, candidates. Absent when the error did not come from the gateway. */
  detail: ErrorDetail | undefined;
}

/** Reads a call's error. Anything that is not one has the code UNKNOWN. */
export function failureOf(error: unknown): Failure {
  const failed = ConnectError.from(error);
  const [info] = failed.findDetails(ErrorInfoSchema);
  const [request] = failed.findDetails(BadRequestSchema);
  const [detail] = failed.findDetails(ErrorDetailSchema);
  return {
    code: Code[failed.code] ?? "UNKNOWN", // Connect has the same numbers, and other names
    reason: info?.reason ?? "",
    hop: info?.metadata["hop"] ?? "",
    fields: request?.fieldViolations.map((violation) => violation.field) ?? [],
    detail,
  };
}

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
export class Record {
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
