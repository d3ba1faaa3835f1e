use anyhow::Context;
use spinegate_client::Configured;
use spinegate_client::tonic::metadata::{Ascii, MetadataValue};
use spinegate_client::tonic::service::{Interceptor, interceptor::InterceptedService};
use spinegate_client::tonic::transport::{Channel, Endpoint};
use spinegate_client::tonic::{Request, Status};
use spinegate_client::v1::{
    endpoint_directory_client::EndpointDirectoryClient, gp_connect_client::GpConnectClient,
    patient_trace_client::PatientTraceClient,
};

type Connection = InterceptedService<Configured<Channel>, Credentials>;

/// A connection with a client of each service. Clones are cheap and share the connection.
#[derive(Clone)]
pub struct Gateway {
    pub patients: PatientTraceClient<Connection>,
    pub directory: EndpointDirectoryClient<Connection>,
    pub practices: GpConnectClient<Connection>,
}

impl Gateway {
    /// Makes a connection on which every call carries the tokens. It is in clear text, for a sandbox on this machine: for any other
    /// gateway use `https://`, the crate's feature `tls` and `Endpoint::tls_config`. A wrong address shows only with the first call, as
    /// `UNAVAILABLE`.
    pub fn connect(address: &str, tokens: &Tokens) -> anyhow::Result<Self> {
        // Time-outs, and what may be repeated, are the crate's.
        let channel = spinegate_client::connect(Endpoint::from_shared(format!("http://{address}"))?);
        let credentials = Credentials::new(tokens)?;
        Ok(Self {
            patients: PatientTraceClient::with_interceptor(channel.clone(), credentials.clone()),
            directory: EndpointDirectoryClient::with_interceptor(channel.clone(), credentials.clone()),
            practices: GpConnectClient::with_interceptor(channel, credentials),
        })
    }
}

/// Sent with every call.
#[derive(Clone)]
pub struct Tokens {
    /// Says who calls, and for which organisation.
    pub bearer: String,
    /// The ID token of a clinician's own sign-in, if PDS shall be asked in their name.
    pub cis2: String,
}

/// Adds the tokens to every call, and the trace: the place to renew a token that has expired.
#[derive(Clone)]
pub struct Credentials {
    bearer: MetadataValue<Ascii>,
    cis2: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    fn new(tokens: &Tokens) -> anyhow::Result<Self> {
        Ok(Self {
            bearer: secret(&format!("Bearer {}", tokens.bearer))?,
            cis2: (!tokens.cis2.is_empty()).then(|| secret(&tokens.cis2)).transpose()?,
        })
    }
}

/// A value that is left out of what is printed for debugging.
fn secret(text: &str) -> anyhow::Result<MetadataValue<Ascii>> {
    let mut value: MetadataValue<Ascii> = text.parse().context("a token has characters that metadata cannot have")?;
    value.set_sensitive(true);
    Ok(value)
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let trace = request.extensions().get::<Trace>().copied().unwrap_or_else(Trace::new);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.bearer.clone());
        if let Some(cis2) = &self.cis2 {
            metadata.insert("spinegate-cis2-id-token", cis2.clone());
        }
        metadata.insert("traceparent", trace.parent());
        Ok(request)
    }
}

/// A W3C trace. The gateway goes on with that in a request's extensions, and gives the id back in provenance and in errors. In a
/// program with OpenTelemetry the interceptor takes the trace from its context instead.
#[derive(Clone, Copy)]
pub struct Trace(u128);

impl Trace {
    /// Begins a trace.
    #[allow(clippy::new_without_default)] // no two are equal
    pub fn new() -> Self {
        Self(rand::random_range(1..=u128::MAX))
    }

    /// Its id as the gateway gives it back.
    pub fn id(self) -> String {
        format!("{:032x}", self.0)
    }

    /// The request as part of the trace.
    pub fn with<T>(self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(self);
        request
    }

    fn parent(self) -> MetadataValue<Ascii> {
        let span = rand::random_range(1..=u64::MAX);
        let text = format!("00-{}-{span:016x}-01", self.id());
        text.parse().expect("digits and hyphens are a value of metadata")
    }
}
