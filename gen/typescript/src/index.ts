/** Client stubs of spinegate. The messages and services are in `@spinegate/client/v1`, the details of errors in `@spinegate/client/google/rpc`. */
export { createClient } from "./client.js";
export { createTransport, withServiceConfig } from "./transport.js";
