//! Whatever the program logs while a test runs is searched for the secrets that the test knows of.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use aho_corasick::AhoCorasick;
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

static KNOWN: Mutex<Known> = Mutex::new(Known { all: Vec::new(), gathered: None });
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

/// The secrets of all tests so far.
struct Known {
    all: Vec<String>,
    /// What finds the first of them at once, and how many it knows.
    gathered: Option<(AhoCorasick, usize)>,
}

/// How many are looked for one by one before all are gathered anew.
const APART: usize = 64;

impl Known {
    fn get() -> MutexGuard<'static, Self> {
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&mut self, secret: &str) {
        self.all.push(secret.to_owned());
        let apart = self.all.len() - self.gathered.as_ref().map_or(0, |(_, count)| *count);
        if apart > APART + self.all.len() / 8 {
            let search = AhoCorasick::new(&self.all).expect("some thousands of short texts");
            self.gathered = Some((search, self.all.len()));
        }
    }

    fn stands_in(&self, text: &str) -> bool {
        let (is_found, count) = match &self.gathered {
            Some((search, count)) => (search.is_match(text), *count),
            None => (false, 0),
        };
        is_found || self.all[count..].iter().any(|secret| text.contains(secret.as_str()))
    }
}

/// Takes log lines and keeps those that hold a secret.
#[derive(Clone, Copy, Debug, Default)]
struct Searching;

impl Write for Searching {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if Known::get().stands_in(&line) {
            FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_string());
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
    Known::get().add(text);
}

/// The secrets that stand in a text.
pub fn secrets_in(text: &str) -> Vec<String> {
    Known::get().all.iter().filter(|secret| text.contains(secret.as_str())).cloned().collect()
}

/// The lines that held a secret.
pub fn found() -> Vec<String> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
