//! Traces where the cargo feature `otel` is on.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::{
    Context,
    propagation::TextMapPropagator as _,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use secrecy::ExposeSecret as _;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, registry::LookupSpan};

use super::Export;
use crate::telemetry::TelemetryError;

/// The name of the one header.
const TRACEPARENT: &str = "traceparent";
/// How long one sending may take; spans that do not get away are dropped, and the gateway goes on.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What sends spans, for the whole process.
static SENDER: Mutex<Option<SdkTracerProvider>> = Mutex::new(None);

/// The current trace, to be written down; none where there is none.
pub fn current() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes a new span go on with a trace that was written down, or that came in a header. What is no
/// `traceparent` changes nothing. Call it before the span is entered.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    let Some(text) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), text.to_owned())]);
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if parent.span().span_context().is_valid() {
        // An error says that the span is not sent, which is all that is wanted.
        let _ = span.set_parent(parent);
    }
}

/// A layer that sends spans to a collector.
pub fn exported<S>(export: &Export) -> Result<impl Layer<S> + Send + Sync + use<S>, TelemetryError>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    // An error says that a provider stands already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base = export.endpoint.as_str().trim_end_matches('/');
    let address = if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
    let headers = export.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address)
        .with_timeout(TIMEOUT)
        .with_headers(headers.collect())
        .build()
        .map_err(|error| TelemetryError::Traces(error.to_string()))?;
    let ratio = f64::from(export.sample_percent.min(100)) / 100.0;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_resource(
            Resource::builder()
                .with_service_name(export.service_name.clone())
                .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        )
        .build();
    Ok(layer(provider))
}

/// A layer that hands spans to this provider, which [`flush`] asks to send what waits.
pub fn layer<S>(provider: SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    let tracer = provider.tracer("psa-gateway");
    *SENDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider);
    tracing_opentelemetry::layer().with_tracer(tracer).with_threads(false).with_location(false)
}

/// Sends what is still waiting, at the end of the process.
pub fn flush() {
    let sender = SENDER.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(sender) = sender else { return };
    // Waits for a thread that sends; a runtime's own threads may not wait.
    let _ = std::thread::spawn(move || {
        if let Err(error) = sender.shutdown() {
            tracing::warn!(error = %error, "some traces could not be sent");
        }
    })
    .join();
}
