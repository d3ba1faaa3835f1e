//! What a program checks for itself: why a call failed, and that a stream is whole. With the feature `checks`.

mod failure;
mod whole;

pub use failure::{Failure, Violation};
pub use tonic_types;
pub use whole::{NotWhole, Whole, WholeRecord};

use crate::v1::Provenance;

/// The id of an answer's trace, by which the gateway's operator finds the call. Of a failure it is [`Failure::trace_id`].
pub fn trace_id(provenance: &Option<Provenance>) -> &str {
    provenance.as_ref().and_then(|said| said.trace_ids.as_ref()).map_or("", |ids| &ids.trace_id)
}
