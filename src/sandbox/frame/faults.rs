//! What can go wrong between a client and a vendor, on demand.

use serde::{Deserialize, Serialize};

/// Something to do to the next calls that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Method (or `*`) and the beginning of the path, for example `POST /api/Tickets`; a `*` in the path stands
    /// for anything, and a `$` at its end for the end of the path;
    /// without minding case. `*` alone means every call.
    pub on: String,
    /// What to do.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// To how many calls; `None` (null) means until cleared. One where it is left out.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// How many matching calls to leave alone first.
    #[serde(default)]
    pub skip: u32,
}

#[expect(clippy::unnecessary_wraps, reason = "serde asks for the field's own type")]
fn once() -> Option<u32> {
    Some(1)
}

/// The kinds of fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Do the work, then cut the connection without an answer.
    DropAfterCommit,
    /// Cut the connection before any work.
    DropBeforeCommit,
    /// Answer late, by so many milliseconds of real time; the work comes after the wait.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Do the work at once, and answer late, by so many milliseconds of real time.
    DelayAnswer {
        /// Milliseconds.
        ms: u64,
    },
    /// Answer with this status and do nothing.
    ErrorBeforeCommit {
        /// For example 500, 502 or 504.
        status: u16,
    },
    /// Do the work, then answer with this status.
    ErrorAfterCommit {
        /// For example 500, 502 or 504.
        status: u16,
    },
    /// Answer a record as an array (some builds of HaloPSA do).
    DuplicateAnswer {
        /// Which array.
        #[serde(default)]
        form: Doubling,
    },
    /// Refuse the login: 401, or 400 as some builds of HaloPSA do (n8n-io/n8n#16857).
    ExpiredToken {
        /// 401 or 400.
        #[serde(default = "unauthorized")]
        status: u16,
    },
    /// A ticket created by this call is seen by lists and searches only so much
    /// later by the clock, while asking for it by its id finds it at once.
    SearchLag {
        /// Milliseconds.
        ms: i64,
    },
    /// An HTML page in place of the answer, before any work.
    Html {
        /// 200 where it is left out.
        #[serde(default = "fine")]
        status: u16,
    },
    /// 429 before any work.
    RateLimited {
        /// Seconds for `Retry-After`; no such header without.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The vendor's refusal for want of a permission, before any work.
    #[serde(rename = "empty_403")]
    Empty403,
    /// Do the work, then answer with a JSON object of this size.
    HugeBody {
        /// Bytes.
        bytes: usize,
    },
    /// Do the work, then answer with JSON arrays nested so deep.
    DeepJson {
        /// How deep.
        depth: usize,
    },
    /// Do the work, announce the whole answer and send half of it.
    TruncatedBody,
    /// The vendor's own validation says no, before any work.
    Refuse {
        /// In these words.
        #[serde(default = "some_rule")]
        message: String,
    },
    /// An error inside an answer whose status says that all is well, before any work.
    HiddenError,
    /// 302 to somewhere else, before any work.
    Redirect {
        /// The address; an invented host where it is left out.
        #[serde(default = "elsewhere")]
        to: String,
    },
}

/// How an answer is doubled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubling {
    /// `[record]` in place of `record`, as some builds do (dotMARC).
    #[default]
    Array,
    /// `[record, record]`.
    Twice,
}

fn unauthorized() -> u16 {
    401
}

fn fine() -> u16 {
    200
}

fn elsewhere() -> String {
    "https://moved.invalid/".to_owned()
}

fn some_rule() -> String {
    "A rule of this instance does not allow it".to_owned()
}

impl Fault {
    /// A fault for the next matching call only.
    pub fn once(on: &str, kind: FaultKind) -> Self {
        Self { on: on.to_owned(), kind, times: Some(1), skip: 0 }
    }

    /// A fault for every matching call until it is cleared.
    pub fn always(on: &str, kind: FaultKind) -> Self {
        Self { on: on.to_owned(), kind, times: None, skip: 0 }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let on = self.on.trim().to_ascii_lowercase();
        let (verb, prefix) = match on.split_once(char::is_whitespace) {
            Some((verb, prefix)) => (verb, prefix.trim()),
            None if on.starts_with('/') => ("*", on.as_str()),
            None => (on.as_str(), ""),
        };
        (verb == "*" || verb.eq_ignore_ascii_case(method)) && begins(&path.to_ascii_lowercase(), prefix)
    }
}

/// Whether a path begins with a pattern in which `*` stands for anything.
fn begins(path: &str, pattern: &str) -> bool {
    let is_whole = pattern.ends_with('$');
    let pattern = pattern.trim_end_matches('$');
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    !is_whole || rest.is_empty()
}

/// Takes from `faults` what this call meets, and counts it off.
pub(super) fn take(faults: &mut Vec<Fault>, method: &str, path: &str) -> Vec<FaultKind> {
    let mut met = Vec::new();
    for fault in faults.iter_mut().filter(|fault| fault.matches(method, path)) {
        if fault.skip > 0 {
            fault.skip -= 1;
        } else if fault.times != Some(0) {
            fault.times = fault.times.map(|times| times - 1);
            met.push(fault.kind.clone());
        }
    }
    faults.retain(|fault| fault.times != Some(0));
    met
}
