"""gRPC's generator for Python as a plugin that buf can call: it exists inside the protoc of grpcio-tools only."""

import pathlib
import sys
import tempfile

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from grpc_tools import protoc


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    with tempfile.TemporaryDirectory() as directory:
        files = pathlib.Path(directory, "files.binpb")
        files.write_bytes(descriptor_pb2.FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = pathlib.Path(directory, "out")
        out.mkdir()
        arguments = ["protoc", f"--descriptor_set_in={files}", f"--grpc_python_out={out}"]
        if protoc.main(arguments + list(request.file_to_generate)) != 0:
            sys.exit("protoc failed")
        for made in sorted(out.rglob("*.py")):
            response.file.add(name=made.relative_to(out).as_posix(), content=made.read_text(encoding="utf-8"))
    sys.stdout.buffer.write(response.SerializeToString())


main()
