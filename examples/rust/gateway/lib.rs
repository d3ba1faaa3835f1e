//! What a Rust program needs around the stubs of spinegate: a connection, tokens, trace context, errors with their reasons, and the
//! check that a stream is whole. Copy it and make it your own.

mod connect;
mod failure;
mod sandbox;
mod whole;

pub use connect::{Credentials, Gateway, Tokens, Trace};
pub use failure::Failure;
pub use sandbox::sandbox_tokens;
pub use whole::{NotWhole, Record, Whole};
