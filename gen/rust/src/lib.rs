#![doc = include_str!("../README.md")]

#[cfg(feature = "checks")]
pub mod checks;
mod deadline;
mod service_config;

pub use prost;
pub use prost_types;
pub use service_config::{Configured, SERVICE_CONFIG};
pub use tonic;
use tonic::transport::{Channel, Endpoint};

/// Messages and clients of the package `spinegate.v1`.
#[allow(clippy::all, clippy::pedantic, rustdoc::bare_urls)]
pub mod v1 {
    include!("generated/spinegate.v1.rs");
}

/// The gateway's own limit for metadata, in bytes: no error of it is too large to be read.
pub const MAX_METADATA: u32 = 32 << 10;

/// A channel to the gateway, for the clients in [`v1`], cheap to clone. Must be called where tokio runs. It connects with the first
/// call: a wrong address shows only then, as `UNAVAILABLE`.
pub fn connect(endpoint: Endpoint) -> Configured<Channel> {
    Configured::new(endpoint.http2_max_header_list_size(MAX_METADATA).connect_lazy())
}
