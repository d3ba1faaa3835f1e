/** The messages of package `google.rpc`: the details that an error may carry, for `ConnectError.findDetails`, and the names of codes. */
export * from "./google/rpc/code_pb.js";
export * from "./google/rpc/error_details_pb.js";
export * from "./google/rpc/status_pb.js";
