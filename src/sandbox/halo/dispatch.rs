//! One call from its faults to its answer.

use serde_json::{Value, json};

use super::{
    access::too_many,
    call::Call,
    faults::{self, Doubling, Fault, FaultKind},
    reply::Reply,
    technician::Deed,
    world::{Recorded, World},
};

/// What goes over the wire.
#[derive(Debug)]
pub(super) enum Sent {
    /// Nothing: the connection is cut.
    Nothing,
    /// The answer.
    Whole(Reply),
    /// Its length and its first half.
    Half(Reply),
}

impl World {
    /// Answers Halo's own paths, through the faults that the call meets.
    pub(super) fn dispatch(&mut self, mut call: Call, raw_query: String, met: &[FaultKind]) -> Sent {
        let sent = if self.down {
            Sent::Nothing
        } else if let Some(sent) = met.iter().find_map(|fault| self.instead(fault)) {
            sent
        } else {
            for fault in met {
                if let FaultKind::SearchLag { ms } = fault {
                    call.search_lag_ms = *ms;
                }
            }
            let reply = self.route(&call).unwrap_or_else(|refusal| refusal);
            met.iter().fold(Sent::Whole(reply), afterwards)
        };
        let status = match &sent {
            Sent::Nothing => 0,
            Sent::Whole(reply) | Sent::Half(reply) => reply.status,
        };
        let at = self.now();
        self.record(Recorded { method: call.method, path: call.path, query: raw_query, status, at });
        sent
    }

    /// What a fault answers in place of the work.
    fn instead(&self, fault: &FaultKind) -> Option<Sent> {
        let reply = match fault {
            FaultKind::DropBeforeCommit => return Some(Sent::Nothing),
            FaultKind::ErrorBeforeCommit { status } => broken(*status),
            FaultKind::ExpiredToken { status: 401 } => Reply::empty(401).with("www-authenticate", "Bearer"),
            FaultKind::ExpiredToken { status } => {
                Reply::json(*status, &json!({ "Message": "The access token has expired" }))
            }
            FaultKind::Html { status } => Reply::html(*status),
            FaultKind::RateLimited { retry_after } => {
                too_many(self.options.rate_limit, retry_after.and_then(|secs| i64::try_from(secs).ok()))
            }
            FaultKind::Empty403 => Reply::forbidden(),
            FaultKind::Redirect { to } => Reply::empty(302).with("location", to.clone()),
            _ => return None,
        };
        Some(Sent::Whole(reply))
    }

    /// The sandbox's own paths, which neither faults nor outages touch.
    pub(super) fn control(&mut self, call: &Call) -> Reply {
        let path = call.path.to_ascii_lowercase();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["_ledger", "tickets"]) => Reply::ok(&json!(self.ledger())),
            ("GET", ["_faults"]) => Reply::ok(&json!(self.faults)),
            ("POST", ["_faults"]) => match read_faults(&call.body) {
                Ok(faults) => {
                    self.faults.extend(faults);
                    Reply::ok(&json!(self.faults))
                }
                Err(error) => Reply::json(400, &json!({ "message": error.to_string() })),
            },
            ("DELETE", ["_faults"]) => {
                self.faults.clear();
                Reply::empty(204)
            }
            ("POST", ["_technician", "tickets", id]) => {
                let deed = serde_json::from_slice::<Deed>(&call.body).map_err(|error| error.to_string());
                let done = deed.and_then(|deed| {
                    let id = id.parse().map_err(|_| format!("no ticket {id}"))?;
                    self.do_deed(id, &deed).map_err(|error| error.to_string())
                });
                match done {
                    Ok(()) => Reply::empty(204),
                    Err(message) => Reply::json(400, &json!({ "message": message })),
                }
            }
            _ => Reply::json(404, &json!({ "message": "The sandbox has no such path" })),
        }
    }

    pub(super) fn meet(&mut self, method: &str, path: &str) -> Vec<FaultKind> {
        faults::take(&mut self.faults, method, path)
    }
}

/// One fault or a list of them.
fn read_faults(body: &[u8]) -> serde_json::Result<Vec<Fault>> {
    match serde_json::from_slice::<Value>(body)? {
        Value::Array(faults) => faults.into_iter().map(serde_json::from_value).collect(),
        fault => Ok(vec![serde_json::from_value(fault)?]),
    }
}

/// As Halo and the gateway in front of it fail.
fn broken(status: u16) -> Reply {
    if status == 500 {
        return Reply { status, ..Reply::exception("Object reference not set to an instance of an object.") };
    }
    Reply::html(status)
}

/// What a fault makes of the answer once the work is done.
fn afterwards(sent: Sent, fault: &FaultKind) -> Sent {
    let Sent::Whole(reply) = sent else { return sent };
    match fault {
        FaultKind::DropAfterCommit => Sent::Nothing,
        FaultKind::ErrorAfterCommit { status } => Sent::Whole(broken(*status)),
        FaultKind::HugeBody { bytes } => {
            let padding = "x".repeat(bytes.saturating_sub(r#"{"_warning":""}"#.len()));
            Sent::Whole(Reply::json(reply.status, &json!({ "_warning": padding })))
        }
        FaultKind::TruncatedBody => Sent::Half(reply),
        FaultKind::DuplicateAnswer { form } => Sent::Whole(doubled(reply, *form)),
        _ => Sent::Whole(reply),
    }
}

fn doubled(reply: Reply, form: Doubling) -> Reply {
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(record @ Value::Object(_)) if reply.status < 300 => {
            let records = match form {
                Doubling::Array => vec![record],
                Doubling::Twice => vec![record.clone(), record],
            };
            Reply::json(reply.status, &Value::Array(records))
        }
        _ => reply,
    }
}
