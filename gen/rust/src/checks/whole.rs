use std::fmt;

use sha2::{Digest, Sha256};

use crate::v1::get_structured_record_response::Event;
use crate::v1::{GetStructuredRecordResponse, RecordClosing, RecordView};

/// A stream is not what it says, or not all of it.
#[derive(Debug)]
pub struct NotWhole(String);

impl fmt::Display for NotWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotWhole {}

/// Checks that a stream is in order and has its end. Every stream of the gateway has this one shape.
#[derive(Default)]
pub struct Whole {
    next: i32,
    closed: bool,
}

impl Whole {
    /// Checks the next message by what the messages of all streams have. Pieces of one large item share a number.
    pub fn take(&mut self, sequence: i32, continues: bool, closing: bool) -> Result<(), NotWhole> {
        if self.closed || sequence != self.next {
            return Err(NotWhole(format!("message {sequence} came where {} was due", self.next)));
        }
        if !continues {
            self.next += 1;
        }
        self.closed = closing;
        Ok(())
    }

    /// Checks a stream that ended with OK.
    pub fn end(&self) -> Result<(), NotWhole> {
        if self.closed { Ok(()) } else { Err(NotWhole("the stream has no closing message".into())) }
    }
}

/// Checks a record stream, and in the end what arrived against the digest that the gateway gave. A record is whole if
/// [`end`](WholeRecord::end) finds nothing and the verdict of `closing` is `Verdict::Whole`.
#[derive(Default)]
pub struct WholeRecord {
    whole: Whole,
    entries: Sha256,
    content: Sha256,
    fhir: bool,
    /// What the gateway said at the end.
    pub closing: RecordClosing,
}

impl WholeRecord {
    /// Checks the next message.
    pub fn take(&mut self, message: &GetStructuredRecordResponse) -> Result<(), NotWhole> {
        let closing = matches!(message.event, Some(Event::Closing(_)));
        self.whole.take(message.sequence, message.continues, closing)?;
        match &message.event {
            Some(Event::Opening(opening)) => self.fhir = opening.view() == RecordView::Fhir,
            Some(Event::Patient(compared)) => {
                if let Some(patient) = &compared.patient {
                    self.entries.update(&patient.json);
                }
            }
            Some(Event::Entry(entry)) => self.entries.update(&entry.json),
            Some(Event::Chunk(chunk)) => self.content.update(&chunk.data),
            Some(Event::Closing(closing)) => self.closing = closing.clone(),
            _ => {}
        }
        Ok(())
    }

    /// Checks a stream that ended with OK. Returns the digest that was compared: `entries_sha256` or `content_sha256`.
    pub fn end(&self) -> Result<&'static str, NotWhole> {
        self.whole.end()?;
        let (name, got, said) = if self.fhir {
            ("content_sha256", &self.content, &self.closing.content_sha256)
        } else {
            ("entries_sha256", &self.entries, &self.closing.entries_sha256)
        };
        if got.clone().finalize()[..] != said[..] {
            return Err(NotWhole(format!("what arrived does not have the digest that the gateway gave: {name}")));
        }
        Ok(name)
    }
}
