"""Client stubs of spinegate. The messages and clients are in ``spinegate.v1``."""

from importlib.resources import files

SERVICE_CONFIG: str = files(__name__).joinpath("service_config.json").read_text(encoding="utf-8")
"""The gRPC service config: how long each method may take, how large its messages may be, and which calls gRPC may repeat."""

CHANNEL_OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.service_config", SERVICE_CONFIG),
    # None that somebody's DNS offers instead.
    ("grpc.service_config_disable_resolution", 1),
    # The gateway's own limit, so that no error of it is too large to be read.
    ("grpc.max_metadata_size", 32 << 10),
    ("grpc.absolute_max_metadata_size", 32 << 10),
]
"""What a channel to the gateway is made with: ``grpc.secure_channel(address, credentials, options=CHANNEL_OPTIONS)``."""
