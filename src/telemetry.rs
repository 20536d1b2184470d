//! Logs, to standard error: for people in a terminal, one JSON object a line elsewhere.

pub mod traces;

use std::io::IsTerminal as _;

use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// [`LogFormat::Human`] in a terminal, [`LogFormat::Json`] elsewhere.
    #[default]
    Auto,
    /// One readable line an event; in colours only in a terminal.
    Human,
    /// One JSON object an event, fields at the top level.
    Json,
}

impl LogFormat {
    /// The format of that name.
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "auto" => Some(Self::Auto),
            "human" => Some(Self::Human),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Logs could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("the log filter cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something else in this process writes them already.
    #[error("logs are written already: {0}")]
    Started(#[from] tracing_subscriber::util::TryInitError),
    /// Traces cannot be sent.
    #[error("traces cannot be sent: {0}; mend the settings that begin with otel_, or remove them")]
    Traces(String),
}

/// Whether a text says what to log.
pub fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok()
}

/// Starts writing logs and, where that is wanted, sending traces, for the whole process. Ends with
/// [`traces::flush`].
pub fn start(format: LogFormat, filter: &str, export: Option<&traces::Export>) -> Result<(), TelemetryError> {
    let is_terminal = std::io::stderr().is_terminal();
    let lines = lines(format, filter, is_terminal, std::io::stderr)?;
    #[cfg(feature = "otel")]
    if let Some(export) = export {
        // Traces hold what happens to requests whatever is logged of it. What the sender itself does
        // would otherwise be sent, too, and so on.
        let sent = EnvFilter::new("off,psa_gateway=info");
        let layers = lines.and_then(traces::exported(export)?.with_filter(sent));
        tracing_subscriber::registry().with(layers).try_init()?;
        return Ok(());
    }
    debug_assert!(export.is_none() || cfg!(feature = "otel"), "the configuration refuses it");
    tracing_subscriber::registry().with(lines).try_init()?;
    Ok(())
}

/// A layer of any kind.
type Lines = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

fn lines<W>(format: LogFormat, filter: &str, is_terminal: bool, writer: W) -> Result<Lines, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)?;
    let is_human = format == LogFormat::Human || (format == LogFormat::Auto && is_terminal);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    Ok(if is_human {
        // In a terminal the layer itself decides: it knows NO_COLOR.
        let lines = if is_terminal { lines } else { lines.with_ansi(false) };
        lines.with_filter(filter).boxed()
    } else {
        lines.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = super::lines(format, filter, false, move || writer.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("request", request.id = "r-1").entered();
            tracing::info!(delivery.id = "d-1", "a webhook was stored \u{1b}[31m");
            tracing::debug!("too much");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn outside_a_terminal_each_event_is_a_json_line_with_its_span() {
        let text = logged(LogFormat::Auto, "info");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["delivery.id"], "d-1");
        assert_eq!(line["span"]["request.id"], "r-1");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn people_get_one_line_without_colours_in_files() {
        let text = logged(LogFormat::Human, "info");
        assert!(text.contains("a webhook was stored"), "{text}");
        assert!(text.contains("delivery.id=\"d-1\""), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn the_filter_decides_what_is_logged() {
        assert_eq!(logged(LogFormat::Human, "debug").lines().count(), 2);
        assert_eq!(logged(LogFormat::Human, "error").lines().count(), 0);
        assert!(is_filter("info,psa_gateway::queue=debug"));
        assert!(!is_filter("psa_gateway=loud"));
    }
}
