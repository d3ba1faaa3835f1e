/**
 * Walks the whole road with spinegate: who is the patient, which system answers for the practice, what can it do, the record, free
 * slots, a booking, and what failures look like.
 *
 *     node journey.js    # SPINEGATE_ADDRESS and SPINEGATE_ADMIN, HOST:PORT, say where the sandbox is
 */

import { randomUUID } from "node:crypto";

import {
  BookingOutcomeSchema,
  CapabilitySchema,
  ComparisonSchema,
  KnownInteraction,
  RegistrationStatusSchema,
  RetryClassSchema,
  type Slot,
  SupportSchema,
  VerdictSchema,
} from "@spinegate/client/v1";

import { connect, failureOf, type Gateway, nameOf, newTrace, sandboxTokens, WholeRecord } from "./gateway.js";

const nhsNumber = "9990000018";

const address = process.env["SPINEGATE_ADDRESS"] ?? "127.0.0.1:50051";
const tokens = await sandboxTokens(process.env["SPINEGATE_ADMIN"] ?? "127.0.0.1:9090", "clinician");
const gateway = connect(address, tokens);

/** What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused. */
const encounter = { sessionId: randomUUID() };

const practice = await trace(gateway);
await search(gateway);
await resolve(gateway, practice);
await capabilities(gateway, practice);
await record(gateway);
await book(gateway, practice, await firstSlot(gateway, practice));
await failures(gateway);

/** Asks PDS who the patient is, compares them with what we hold, and learns where they are registered. */
async function trace({ patients }: Gateway): Promise<string> {
  const { id, headers } = newTrace();
  const answer = await patients.tracePatient(
    { context: encounter, nhsNumber, expected: { family: "Testwell", birthDate: "1992" } },
    { headers },
  );
  const { patient, comparison, registration, provenance } = answer;
  if (patient === undefined || comparison === undefined || registration === undefined) {
    throw new Error("messages are optional in the contract; these are always there");
  }
  const family = nameOf(ComparisonSchema, comparison.family);
  const status = nameOf(RegistrationStatusSchema, registration.status);
  console.log(`trace: ${patient.name?.family}, family name ${family}, ${status} at ${registration.odsCode}`);
  console.log(`trace: the gateway went on with our trace: ${provenance?.traceIds?.traceId === id}`);
  return registration.odsCode;
}

/** Finds people by demographics, in no encounter. An empty list proves nothing while absenceNotProven is true. */
async function search({ patients }: Gateway): Promise<void> {
  const answer = await patients.searchPatients({
    family: "Testwell",
    given: ["Ada"],
    birthDateStart: "1990-01-01",
    birthDateEnd: "1995-12-31",
  });
  console.log(`search: ${answer.matches.length} found, absence not proven: ${answer.absenceNotProven}`);
}

/** Asks the directory which system answers. The other methods do this by themselves. */
async function resolve({ directory }: Gateway, odsCode: string): Promise<void> {
  const answer = await directory.resolveEndpoint({
    context: encounter,
    odsCode,
    interaction: { name: { case: "known", value: KnownInteraction.GET_STRUCTURED_RECORD } },
  });
  console.log(`resolve: ${answer.endpoint?.asid}`);
}

/** Asks the practice's system what it can do. */
async function capabilities({ practices }: Gateway, odsCode: string): Promise<void> {
  const answer = await practices.getCapabilities({ context: encounter, odsCode });
  for (const root of answer.roots) {
    const capability = nameOf(CapabilitySchema, root.capability);
    console.log(`capabilities: ${capability} ${nameOf(SupportSchema, root.support)}`);
  }
}

/**
 * Streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and the verdict
 * is WHOLE: use nothing of it as if it were complete otherwise.
 */
async function record({ practices }: Gateway): Promise<void> {
  const whole = new WholeRecord();
  for await (const message of practices.getStructuredRecord({ context: encounter, nhsNumber })) {
    whole.take(message);
    if (message.event.case === "patient") {
      // Always before anything clinical.
      const { comparison } = message.event.value;
      if (comparison === undefined) {
        throw new Error("the gateway always compares");
      }
      const family = nameOf(ComparisonSchema, comparison.family);
      const birthDate = nameOf(ComparisonSchema, comparison.birthDate);
      console.log(`record: of the patient: family name ${family}, birth date ${birthDate}`);
    }
  }
  const { closing, digest } = whole.end();
  console.log(`record: ${digest} agrees, ${nameOf(VerdictSchema, closing.verdict)}`);
}

/** Takes the first free slot of the next week and leaves the loop, which cancels the search and stops what is still being asked. */
async function firstSlot({ practices }: Gateway, odsCode: string): Promise<Slot> {
  const request = { context: encounter, odsCodes: [odsCode, "H86007"], start: day(1), end: day(7) };
  for await (const { event } of practices.searchSlots(request)) {
    if (event.case === "slot" && event.value.odsCode === odsCode) {
      console.log("slots: one found, search cancelled");
      return event.value;
    }
  }
  throw new Error("no slot is free");
}

/** Books the slot. When the outcome is unknown, the same call with the same request id finds it out. */
async function book({ practices }: Gateway, odsCode: string, slot: Slot): Promise<void> {
  const request = {
    context: encounter,
    requestId: randomUUID(),
    nhsNumber,
    odsCode,
    slotHandles: [slot.handle],
    description: "Example",
  };
  for (let made = 0; made < 2; made++) {
    const answer = await practices.bookAppointment(request);
    console.log(`book: ${nameOf(BookingOutcomeSchema, answer.outcome)}`);
  }
}

/** Shows what errors say, and a deadline. */
async function failures({ patients, practices }: Gateway): Promise<void> {
  const nobody = { nhsNumber: "9990000492" };
  // Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
  const another = { context: encounter, nhsNumber: "9990000115" };
  for (const request of [nobody, another]) {
    try {
      await patients.tracePatient(request);
    } catch (error) {
      const { code, reason, hop, detail, clinicianMessage } = failureOf(error);
      const retry = detail && nameOf(RetryClassSchema, detail.retry);
      console.log(`failure: ${code} ${reason} at ${hop}, ${retry}: ${clinicianMessage}`);
    }
  }
  try {
    await practices.getCapabilities({ odsCode: "F84005" }, { timeoutMs: 1500 }); // the practice answers after three seconds
  } catch (error) {
    console.log(`deadline: ${failureOf(error).code}`);
  }
}

/** A day from today on, as the contract writes it. */
function day(fromToday: number): string {
  return new Date(Date.now() + fromToday * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}
