use std::any::Any;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gateway::{Gateway, Trace};
use prost::{Message, Name};
use prost_reflect::{DynamicMessage, ReflectMessage};
use spinegate_client::checks::{Whole, WholeRecord};
use spinegate_client::v1::GetStructuredRecordResponse;
use tonic::{Request, Response, Status, Streaming};

use crate::Step;
use crate::contract::{Contract, object};
use crate::transcript::Answer;

/// What came of a call, also when it failed.
type Came = Result<(Answer, Option<Status>)>;

/// A step's call.
pub struct Call<'a> {
    pub step: &'a Step,
    pub contract: &'a Contract,
    pub trace: Trace,
    /// As JSON.
    pub requests: Vec<String>,
}

impl Call<'_> {
    pub async fn make(&self, gateway: Gateway) -> Came {
        let Gateway { patients: mut p, directory: mut d, practices: mut g } = gateway;
        // A method that the gateway learns is one line here.
        match self.step.call.as_str() {
            "PatientTrace/TracePatient" => self.answer(p.trace_patient(self.request()?).await),
            "PatientTrace/SearchPatients" => self.answer(p.search_patients(self.request()?).await),
            "PatientTrace/TracePatients" => self.stream(p.trace_patients(self.all_requests()?).await).await,
            "PatientTrace/ListRelatedPersons" => self.answer(p.list_related_persons(self.request()?).await),
            "EndpointDirectory/ResolveEndpoint" => self.answer(d.resolve_endpoint(self.request()?).await),
            "EndpointDirectory/ResolveEndpoints" => self.stream(d.resolve_endpoints(self.request()?).await).await,
            "GPConnect/GetCapabilities" => self.answer(g.get_capabilities(self.request()?).await),
            "GPConnect/GetStructuredRecord" => self.stream(g.get_structured_record(self.request()?).await).await,
            "GPConnect/SearchSlots" => self.stream(g.search_slots(self.request()?).await).await,
            "GPConnect/BookAppointment" => self.answer(g.book_appointment(self.request()?).await),
            other => bail!("{other} has no line in the table of methods"),
        }
    }

    fn request<M: Message + Name + Default>(&self) -> Result<Request<M>> {
        let text = self.requests.first().context("the step has no request")?;
        Ok(self.with_metadata(self.contract.read(text)?))
    }

    /// Of a method whose caller streams.
    fn all_requests<M>(&self) -> Result<Request<impl tokio_stream::Stream<Item = M> + Send + 'static>>
    where
        M: Message + Name + Default + 'static,
    {
        let messages: Vec<M> = self.requests.iter().map(|text| self.contract.read(text)).collect::<Result<_>>()?;
        Ok(self.with_metadata(tokio_stream::iter(messages)))
    }

    fn with_metadata<T>(&self, message: T) -> Request<T> {
        let mut request = self.trace.with(message);
        if let Some(deadline) = self.step.deadline_ms {
            request.set_timeout(Duration::from_millis(deadline));
        }
        request
    }

    fn answer<M: Message + Name>(&self, came: Result<Response<M>, Status>) -> Came {
        let mut answer = Answer::default();
        match came {
            Ok(message) => answer.object = object(&self.contract.dynamic(message.get_ref())?)?,
            Err(status) => return Ok((answer, Some(status))),
        }
        Ok((answer, None))
    }

    /// Reads a stream to its end, or to the first event of a kind: what is left of it is dropped, and so cancelled.
    async fn stream<M>(&self, came: Result<Response<Streaming<M>>, Status>) -> Came
    where
        M: Message + Name + 'static,
    {
        let mut answer = Answer { streamed: true, ..Answer::default() };
        let mut messages = match came {
            Ok(messages) => messages.into_inner(),
            Err(status) => return Ok((answer, Some(status))),
        };
        let (mut whole, mut record) = (Whole::default(), None);
        loop {
            let message = match messages.message().await {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(status) => return Ok((answer, Some(status))),
            };
            let dynamic = self.contract.dynamic(&message)?;
            let (kind, sequence, continues) = event(&dynamic)?;
            whole.take(sequence, continues, kind == "closing")?;
            if let Some(message) = (&message as &dyn Any).downcast_ref::<GetStructuredRecordResponse>() {
                record.get_or_insert_with(WholeRecord::default).take(message)?;
            }
            if !continues {
                answer.add(&kind, object(&dynamic)?);
            }
            if self.step.cancel_after.as_ref() == Some(&kind) {
                answer.cancelled = Some(kind);
                return Ok((answer, None));
            }
        }
        whole.end()?;
        answer.checked = vec!["sequence", "closing"];
        if let Some(record) = record {
            answer.checked.push(record.end()?);
        }
        Ok((answer, None))
    }
}

/// The kind of a stream's event, its place, and whether more of it follows.
fn event(message: &DynamicMessage) -> Result<(String, i32, bool)> {
    let descriptor = message.descriptor();
    let mut kinds = descriptor
        .oneofs()
        .filter(|oneof| oneof.name() == "event")
        .flat_map(|oneof| oneof.fields().collect::<Vec<_>>());
    let kind = kinds.find(|field| message.has_field(field)).context("a message of a stream has no event")?;
    let value = |name| message.get_field_by_name(name).with_context(|| format!("a message of a stream has no {name}"));
    let sequence = value("sequence")?.as_i32().context("the sequence is not an int32")?;
    let continues = value("continues")?.as_bool().context("continues is not a bool")?;
    Ok((kind.name().to_string(), sequence, continues))
}
