/** Makes the calls of conformance/steps.json and prints what came, as conformance/README.md describes. */

import { readFile } from "node:fs/promises";

import {
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type CallOptions, ConnectError } from "@connectrpc/connect";
import { EndpointDirectory, GPConnect, PatientTrace } from "@spinegate/client/v1";

import { connect, type Gateway, newTrace, sandboxTokens, type StreamMessage } from "./gateway.js";
import { Answer, requests, type Step } from "./transcript.js";

/** Makes a call with requests in JSON and puts what comes into the answer. */
type Call = (gateway: Gateway, requests: JsonValue[], options: CallOptions, answer: Answer, step: Step) => Promise<void>;

// A method that the gateway learns is one line here.
const calls: { [call: string]: Call } = {
  "PatientTrace/TracePatient": unary(PatientTrace.method.tracePatient, (g) => g.patients.tracePatient),
  "PatientTrace/SearchPatients": unary(PatientTrace.method.searchPatients, (g) => g.patients.searchPatients),
  "PatientTrace/TracePatients": bidi(PatientTrace.method.tracePatients, (g) => g.patients.tracePatients),
  "PatientTrace/ListRelatedPersons": unary(PatientTrace.method.listRelatedPersons, (g) => g.patients.listRelatedPersons),
  "EndpointDirectory/ResolveEndpoint": unary(EndpointDirectory.method.resolveEndpoint, (g) => g.directory.resolveEndpoint),
  "EndpointDirectory/ResolveEndpoints": stream(EndpointDirectory.method.resolveEndpoints, (g) => g.directory.resolveEndpoints),
  "GPConnect/GetCapabilities": unary(GPConnect.method.getCapabilities, (g) => g.practices.getCapabilities),
  "GPConnect/GetStructuredRecord": stream(GPConnect.method.getStructuredRecord, (g) => g.practices.getStructuredRecord),
  "GPConnect/SearchSlots": stream(GPConnect.method.searchSlots, (g) => g.practices.searchSlots),
  "GPConnect/BookAppointment": unary(GPConnect.method.bookAppointment, (g) => g.practices.bookAppointment),
};

function unary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  of: (gateway: Gateway) => (request: MessageShape<I>, options: CallOptions) => Promise<MessageShape<O>>,
): Call {
  return async (gateway, [request], options, answer) => {
    answer.whole(method.output, await of(gateway)(fromJson(method.input, request!), options));
  };
}

function stream<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  of: (gateway: Gateway) => (request: MessageShape<I>, options: CallOptions) => AsyncIterable<MessageShape<O> & StreamMessage>,
): Call {
  return async (gateway, [request], options, answer, step) => {
    const messages = of(gateway)(fromJson(method.input, request!), options);
    await answer.stream(method.output, messages, step.cancel_after);
  };
}

function bidi<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  of: (gateway: Gateway) => (requests: AsyncIterable<MessageShape<I>>, options: CallOptions) => AsyncIterable<MessageShape<O> & StreamMessage>,
): Call {
  return async (gateway, requests, options, answer, step) => {
    const messages = requests.map((request) => fromJson(method.input, request));
    const sent = (async function* () {
      yield* messages;
    })();
    await answer.stream(method.output, of(gateway)(sent, options), step.cancel_after);
  };
}

const gateways = new Map<string, Gateway>();

/** The connection of the step's persona, who may be signed in with CIS2. */
async function connection({ persona = "clinician", cis2 = false }: Step): Promise<Gateway> {
  const key = `${persona} ${cis2}`;
  let gateway = gateways.get(key);
  if (gateway === undefined) {
    const tokens = await sandboxTokens(process.env["SPINEGATE_ADMIN"]!, persona);
    gateway = connect(process.env["SPINEGATE_ADDRESS"]!, cis2 ? tokens : { ...tokens, cis2: undefined });
    gateways.set(key, gateway);
  }
  return gateway;
}

const steps = JSON.parse(await readFile(process.argv[2]!, "utf8")) as Step[];
const saved = new Map<string, string>();
for (const step of steps) {
  console.log(step.id);
  const { id, headers } = newTrace();
  const options = step.deadline_ms === undefined ? { headers } : { headers, timeoutMs: step.deadline_ms };
  const answer = new Answer();
  const gateway = await connection(step);
  let error: unknown;
  try {
    await calls[step.call]!(gateway, requests(step, saved), options, answer, step);
  } catch (failed) {
    if (!(failed instanceof ConnectError)) {
      throw failed; // a request that cannot be made, a stream that is not whole
    }
    error = failed;
  }
  answer.show(step, error, id);
  for (const [name, path] of Object.entries(step.save ?? {})) {
    saved.set(name, answer.find(path)[0]!);
  }
}
