/** The steps of conformance/steps.json and what is printed of their answers, as conformance/README.md describes. */

import { type DescMessage, isMessage, type JsonObject, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { GetStructuredRecordResponseSchema } from "@spinegate/client/v1";

import { type Failure, failureOf, type StreamMessage, Whole, WholeRecord } from "./gateway.js";

/** One call and what to print of its answer. */
export interface Step {
  id: string;
  call: string;
  persona?: string;
  cis2?: boolean;
  deadline_ms?: number;
  cancel_after?: string;
  request?: JsonValue;
  requests?: JsonValue[];
  save?: { [name: string]: string };
  print?: string[];
}

/** The step's requests, with what earlier steps saved. */
export function requests(step: Step, saved: ReadonlyMap<string, string>): JsonValue[] {
  let text = JSON.stringify(step.requests ?? [step.request]);
  for (const [name, value] of saved) {
    text = text.replaceAll(`\${${name}}`, value);
  }
  return JSON.parse(text) as JsonValue[];
}

/** What came of a call, as JSON: the response, or for a stream its events by kind, in order of arrival. */
export class Answer {
  #object: JsonObject = {};
  #streamed = false;
  #cancelled = "";
  #whole = new Whole();
  #record: WholeRecord | undefined;

  /** Takes the response of a call without a stream. */
  whole<O extends DescMessage>(schema: O, message: MessageShape<O>): void {
    this.#object = asObject(schema, message);
  }

  /** Reads a stream to its end, or to the first event of a kind: who leaves has cancelled. Of an item in pieces the last one counts. */
  async stream<O extends DescMessage>(
    schema: O,
    messages: AsyncIterable<MessageShape<O> & StreamMessage>,
    cancelAfter: string | undefined,
  ): Promise<void> {
    this.#streamed = true;
    for await (const message of messages) {
      const kind = message.event.case ?? "";
      this.#whole.take(message);
      if (isMessage(message, GetStructuredRecordResponseSchema)) {
        this.#record ??= new WholeRecord();
        this.#record.take(message);
      }
      if (!message.continues) {
        const events = (this.#object[kind] ??= []) as JsonValue[];
        events.push(asObject(schema, message)[kind] ?? null);
      }
      if (kind === cancelAfter) {
        this.#cancelled = kind;
        return;
      }
    }
  }

  /** Prints the step's lines. */
  show(step: Step, error: unknown, traceId: string): void {
    const failure = error === undefined ? undefined : failureOf(error);
    if (failure?.code === "DEADLINE_EXCEEDED") {
      line("code", failure.code); // how far the call came by then differs from run to run
      return;
    }
    if (this.#cancelled !== "") {
      line("cancelled", this.#cancelled);
      return;
    }
    if (this.#streamed) {
      line("events", Object.keys(this.#object).sort().join(","));
    }
    if (failure !== undefined) {
      showFailure(failure, traceId);
      return;
    }
    line("code", "OK");
    let ids = "provenance.trace_ids.trace_id";
    if (this.#streamed) {
      this.#whole.end();
      line("checked", ["sequence", "closing", ...(this.#record ? [this.#record.end().digest] : [])].join(","));
      ids = `opening.${ids}`;
    }
    line("traced", String(this.find(ids).includes(traceId)));
    for (const path of step.print ?? []) {
      line(path, path.endsWith("#") ? String(this.find(path.slice(0, -1)).length) : this.find(path).sort().join(","));
    }
  }

  /** Follows a path through the answer. A list is gone into, element by element; what is not there is left out. */
  find(path: string): string[] {
    return find(this.#object, path.split("."));
  }
}

function showFailure(failure: Failure, traceId: string): void {
  line("code", failure.code);
  line("reason", failure.reason);
  line("hop", failure.hop);
  line("retry", failure.retry);
  line("traced", String(failure.traceId === traceId));
  for (const field of failure.fields.map(({ field }) => field).sort()) {
    line("field", field);
  }
}

function line(name: string, value: string): void {
  console.log(`  ${name}=${value}`);
}

function find(value: JsonValue | undefined, path: string[]): string[] {
  if (value === undefined) {
    return [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((element) => find(element, path));
  }
  const [member, ...rest] = path;
  if (typeof value === "object" && value !== null && member !== undefined) {
    return find(value[member], rest);
  }
  return [typeof value === "string" ? value : JSON.stringify(value)];
}

/** A message as JSON, with the field names of the contract. */
function asObject<O extends DescMessage>(schema: O, message: MessageShape<O>): JsonObject {
  return toJson(schema, message, { useProtoFieldName: true }) as JsonObject;
}
