//! What a Rust program needs around the stubs of spinegate and their `checks`: a connection that carries tokens and a trace. Copy the
//! directory into yours, as `mod gateway;`, and make it your own. It needs
//!
//! ```sh
//! cargo add anyhow rand                                        # connect.rs
//! cargo add reqwest --no-default-features --features json      # sandbox.rs, which only a sandbox needs
//! cargo add serde --features derive                            # sandbox.rs
//! ```
//!
//! and `spinegate-client` itself, which has tonic and prost for those who use it.

#![allow(dead_code, unused_imports)] // a program may need a part of it only

mod connect;
mod sandbox;

pub use connect::{Credentials, Gateway, Tokens, Trace};
pub use sandbox::sandbox_tokens;
