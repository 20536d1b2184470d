//! Whatever the program logs while a test runs is searched for the secrets that the test knows of.

use std::{
    io::{self, Write},
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

static KNOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

/// Takes log lines and keeps those that hold a secret.
#[derive(Clone, Copy, Debug, Default)]
struct Searching;

impl Write for Searching {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        for secret in KNOWN.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if line.contains(secret.as_str()) {
                FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_string());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Searching {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Begins to search, at the finest level for our own lines.
pub fn watch() {
    STARTED.call_once(|| {
        let filter =
            EnvFilter::new("info,psa_gateway=trace,actix=trace,reqwest=trace,sea_orm=debug,sqlx=debug");
        let lines = tracing_subscriber::fmt::layer().json().with_writer(Searching).with_filter(filter);
        let watching = tracing_subscriber::registry().with(lines);
        #[cfg(feature = "otel")]
        let watching =
            watching.with(crate::traces::kept().with_filter(EnvFilter::new("off,psa_gateway=info")));
        watching.init();
    });
}

/// From now on this must stand in no line.
pub fn is_secret(text: &str) {
    assert!(text.len() >= 16, "too short to be told from other text");
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
}

/// The secrets that stand in a text.
pub fn secrets_in(text: &str) -> Vec<String> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.iter().filter(|secret| text.contains(secret.as_str())).cloned().collect()
}

/// The lines that held a secret.
pub fn found() -> Vec<String> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
