//! One call from its faults to its answer, and the sandbox's own paths.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    call::Call,
    faults::{self, Doubling, Fault, FaultKind},
    reply::Reply,
    world::{Deed, Failure, Inside, Recorded, World},
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

/// The body of `POST /_technician/tickets/{id}`.
#[derive(Deserialize)]
struct PersonsDeed {
    who: String,
    #[serde(flatten)]
    deed: Deed,
}

impl<W: World> Inside<W> {
    /// Answers one of the vendor's own paths, through the faults that the call meets.
    pub(super) fn dispatch(&mut self, mut call: Call, met: &[FaultKind]) -> Sent {
        let sent = if self.down {
            Sent::Nothing
        } else if let Some(sent) = met.iter().find_map(|fault| self.instead(&call, fault)) {
            sent
        } else {
            for fault in met {
                if let FaultKind::SearchLag { ms } = fault {
                    call.search_lag_ms = *ms;
                }
            }
            let reply = self.world.answer(&call);
            met.iter().fold(Sent::Whole(reply), |sent, fault| self.afterwards(&call, sent, fault))
        };
        let status = match &sent {
            Sent::Nothing => 0,
            Sent::Whole(reply) | Sent::Half(reply) => reply.status,
        };
        let at = self.ground.clock.now();
        self.record(Recorded { method: call.method, path: call.path, query: call.query_string, status, at });
        sent
    }

    /// What a fault answers in place of the work.
    fn instead(&self, call: &Call, fault: &FaultKind) -> Option<Sent> {
        let failure = match fault {
            FaultKind::DropBeforeCommit => return Some(Sent::Nothing),
            FaultKind::Html { status } => {
                return Some(Sent::Whole(Reply::html(*status, "We will be right back")));
            }
            FaultKind::Redirect { to } => {
                return Some(Sent::Whole(Reply::empty(302).with("location", to.clone())));
            }
            FaultKind::ErrorBeforeCommit { status } => Failure::Broken { status: *status },
            FaultKind::ExpiredToken { status } => Failure::ExpiredLogin { status: *status },
            FaultKind::RateLimited { retry_after } => Failure::RateLimited { retry_after: *retry_after },
            FaultKind::Empty403 => Failure::Forbidden,
            FaultKind::Refuse { message } => Failure::Refused { message: message.clone() },
            FaultKind::HiddenError => Failure::Hidden,
            _ => return None,
        };
        Some(Sent::Whole(self.world.fail(call, &failure)))
    }

    /// What a fault makes of the answer once the work is done.
    fn afterwards(&self, call: &Call, sent: Sent, fault: &FaultKind) -> Sent {
        let Sent::Whole(reply) = sent else { return sent };
        match fault {
            FaultKind::DropAfterCommit => Sent::Nothing,
            FaultKind::ErrorAfterCommit { status } => {
                Sent::Whole(self.world.fail(call, &Failure::Broken { status: *status }))
            }
            FaultKind::HugeBody { bytes } => {
                let padding = "x".repeat(bytes.saturating_sub(r#"{"padding":""}"#.len()));
                Sent::Whole(Reply::json(reply.status, &json!({ "padding": padding })))
            }
            FaultKind::DeepJson { depth } => {
                let nested = format!("{}{}", "[".repeat(*depth), "]".repeat(*depth));
                Sent::Whole(Reply::text(reply.status, "application/json; charset=utf-8", nested))
            }
            FaultKind::TruncatedBody => Sent::Half(reply),
            FaultKind::DuplicateAnswer { form } => Sent::Whole(doubled(reply, *form)),
            _ => Sent::Whole(reply),
        }
    }

    /// The sandbox's own paths, which neither faults nor outages touch.
    pub(super) fn control(&mut self, call: &Call) -> Reply {
        let parts = call.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["_ledger", "tickets"]) => Reply::ok(&json!(self.world.ledger())),
            ("GET", ["_ledger", "calls"]) => Reply::ok(&json!(self.calls)),
            ("GET", ["_ledger", "billing"]) => Reply::ok(&json!(self.world.billing())),
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
                let deed = serde_json::from_slice::<PersonsDeed>(&call.body).map_err(|e| e.to_string());
                let done = deed.and_then(|persons| {
                    self.world.deed(id, &persons.who, &persons.deed).map_err(|error| error.to_string())
                });
                match done {
                    Ok(()) => Reply::empty(204),
                    Err(message) => Reply::json(400, &json!({ "message": message })),
                }
            }
            _ => Reply::json(404, &json!({ "message": "the sandbox has no such path" })),
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
