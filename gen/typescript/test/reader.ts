/** A program that reads one stream, in the way that it is told, and prints what it came to. It must end by itself. */

import { Code, ConnectError, createClient as createConnectClient } from "@connectrpc/connect";
import { createClient, createTransport } from "@spinegate/client";
import { GPConnect } from "@spinegate/client/v1";

/** What a reader does when it has had five messages. */
export type Way = "abort" | "abort and await" | "abort while it waits" | "abort and leave" | "break" | "throw" | "read to the end";

/** What it printed. */
export interface Outcome {
  sequences: number[];
  end: string;
}

const enough = 5;

async function read(way: Way, abort: AbortController, messages: AsyncIterable<{ sequence: number }>): Promise<Outcome> {
  const sequences: number[] = [];
  try {
    for await (const { sequence } of messages) {
      sequences.push(sequence);
      if (sequences.length !== enough) {
        continue;
      }
      switch (way) {
        case "abort":
          abort.abort();
          break;
        case "abort and await":
          setImmediate(() => abort.abort());
          for (let turns = 0; turns < 20; turns++) {
            await new Promise(setImmediate);
          }
          break;
        case "abort while it waits":
          setImmediate(() => abort.abort());
          break;
        case "abort and leave":
          abort.abort();
          return { sequences, end: "left" };
        case "break":
          return { sequences, end: "left" };
        case "throw":
          throw new Error("left");
      }
    }
    return { sequences, end: "OK" };
  } catch (error) {
    return { sequences, end: error instanceof ConnectError ? Code[error.code] : (error as Error).message };
  }
}

const [address, whose, way] = process.argv.slice(2) as [string, string, Way];
const abort = new AbortController();
const make = whose === "ours" ? createClient : createConnectClient;
const practices = make(GPConnect, createTransport({ baseUrl: address }));
// No time-out: it is the method's, of two minutes.
console.log(JSON.stringify(await read(way, abort, practices.getStructuredRecord({}, { signal: abort.signal }))));
