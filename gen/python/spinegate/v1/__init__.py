"""Messages and clients of the package spinegate.v1. Generated from proto/api."""
