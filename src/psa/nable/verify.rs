//! *Save & Verify*: the cheapest calls that tell apart what can be wrong.

use super::{Connection, errors, wire::Rows};
use crate::psa::{Ability, PsaError, StepOutcome, Verification, VerificationStep, http::Answer};

/// The steps, in order.
const STEPS: [(&str, &str, Option<Ability>); 8] = [
    ("host", "Reach MSP Manager's API", None),
    ("sign_in", "Sign in", None),
    ("companies", "Read customers", Some(Ability::Companies)),
    ("tickets", "Read tickets", Some(Ability::Tickets)),
    ("service_items", "Read service items", Some(Ability::Tickets)),
    ("close", "Change tickets", Some(Ability::Close)),
    ("contacts", "Read contacts", Some(Ability::Contacts)),
    ("pick_lists", "Read the lists of values", None),
];

/// What is said of every connection, because it holds for all.
const NOTES_ARE_SEEN: &str = "Notes of the gateway are put at the end of a ticket's description, which the customer \
                              may see: MSP Manager's API offers no private notes.";

type Seen = (StepOutcome, String, Option<&'static str>);

fn passed(message: impl Into<String>) -> Seen {
    (StepOutcome::Passed, message.into(), None)
}

fn not_proven(message: impl Into<String>) -> Seen {
    (StepOutcome::NotProven, message.into(), None)
}

fn failed(message: impl Into<String>, field: Option<&'static str>) -> Seen {
    (StepOutcome::Failed, message.into(), field)
}

/// What the first calls showed; later steps use it again.
#[derive(Default)]
struct Way {
    tickets: Option<Result<Rows, PsaError>>,
    customers: Option<Result<Rows, PsaError>>,
}

impl Connection {
    pub(super) async fn verify_steps(&self) -> Verification {
        let mut verification = Verification::default();
        let host = self.api.login.base.host_str().unwrap_or_default().to_owned();
        verification.discovered.insert(String::from("api"), self.api.login.base.to_string());
        verification.warnings.push(String::from(NOTES_ARE_SEEN));
        let mut way = Way::default();
        let mut is_stopped = false;
        for (key, label, ability) in STEPS {
            let (outcome, message, field) = if is_stopped {
                (StepOutcome::Skipped, String::from("Not tried, because an earlier step failed."), None)
            } else {
                match key {
                    "host" => self.host_step(&host, &mut way).await,
                    "sign_in" => self.sign_in_step(&mut way).await,
                    "companies" => self.customers_step(&mut way).await,
                    "tickets" => rows_step(way.tickets.as_ref(), "Tickets"),
                    "service_items" => self.service_items_step().await,
                    "close" => not_proven(
                        "Whether the role of the key's user may create and change tickets shows with the first \
                         ticket: send a test ticket, which is created, noted and closed.",
                    ),
                    "contacts" => rows_step(Some(&self.one("contacts").await), "Contacts"),
                    _ => self.lists_step().await,
                }
            };
            is_stopped |= outcome == StepOutcome::Failed && matches!(key, "host" | "sign_in");
            verification.steps.push(VerificationStep { key, label, outcome, message, field, ability });
        }
        verification
    }

    async fn one(&self, path: &str) -> Result<Rows, PsaError> {
        self.api.probe(path).await.and_then(|(_, rows)| rows)
    }

    /// The call that a client tests its settings with: 200 where host and key are right.
    async fn host_step(&self, host: &str, way: &mut Way) -> Seen {
        let (answer, rows) = match self.api.probe("Tickets").await {
            Ok(probe) => probe,
            Err(error @ PsaError::RateLimited { .. }) => return failed(error.to_string(), None),
            Err(error) => return failed(error.to_string(), Some("domain")),
        };
        let seen = judge(host, &answer, &rows);
        way.tickets = Some(rows);
        seen
    }

    async fn sign_in_step(&self, way: &mut Way) -> Seen {
        let refusal = match &way.tickets {
            Some(Err(error @ (PsaError::Unauthorized { .. } | PsaError::Forbidden { .. }))) => error.clone(),
            Some(Err(error)) => return failed(error.to_string(), None),
            _ => return passed("The API key is right."),
        };
        // A key that may read customers is right; it is tickets that it may not see.
        let customers = self.one("customers").await;
        let is_known = customers.is_ok();
        way.customers = Some(customers);
        match (is_known, refusal) {
            (true, PsaError::Unauthorized { detail }) => {
                let missing =
                    format!("to see tickets, in the role of the user whose API key this is ({detail})");
                way.tickets = Some(Err(PsaError::Forbidden { missing }));
                passed("The API key is right.")
            }
            (true, _) => passed("The API key is right."),
            (false, PsaError::Forbidden { missing }) => failed(
                format!(
                    "MSP Manager refuses everything to this API key: give its user's role the permission to use \
                     the API ({missing})"
                ),
                Some("public_key"),
            ),
            (false, error) => failed(
                format!(
                    "{error}. The API key is wrong, or it was revoked: create another under My Account > API KEYS."
                ),
                Some("public_key"),
            ),
        }
    }

    async fn customers_step(&self, way: &mut Way) -> Seen {
        if way.customers.is_none() {
            way.customers = Some(self.one("customers").await);
        }
        rows_step(way.customers.as_ref(), "Customers")
    }

    async fn service_items_step(&self) -> Seen {
        match self.one("ServiceItems").await {
            Ok(rows) if rows.items.is_empty() => failed(
                "There is no service item in MSP Manager, or the role of the key's user may see none. A ticket \
                 is created against a service item of its customer: without one there is no ticket.",
                None,
            ),
            result => rows_step(Some(&result), "Service items"),
        }
    }

    async fn lists_step(&self) -> Seen {
        match self.all_pick_lists().await {
            Err(error) => failed(error.to_string(), None),
            Ok(lists) => {
                let problems: Vec<_> = lists
                    .iter()
                    .filter_map(|l| Some(format!("{}: {}", l.key, l.problem.as_ref()?)))
                    .collect();
                let problems = problems.join("; ");
                let is_vital = |list: &crate::sync::remote::RemotePickList| {
                    matches!(list.key.as_str(), "status" | "service_item") && list.problem.is_some()
                };
                if lists.iter().any(is_vital) {
                    failed(format!("The lists that tickets need cannot be read. {problems}"), None)
                } else if problems.is_empty() {
                    passed("All lists can be read.")
                } else {
                    passed(format!("The lists that are needed can be read; not these: {problems}"))
                }
            }
        }
    }
}

/// Whether the host is the API, whatever it thinks of the key.
fn judge(host: &str, answer: &Answer, rows: &Result<Rows, PsaError>) -> Seen {
    let is_page = errors::is_page(answer);
    let seen = match (answer.status, rows) {
        (_, Ok(_)) | (401, _) => return passed(format!("{host} is MSP Manager's API.")),
        (403, _) if !is_page => return passed(format!("{host} is MSP Manager's API.")),
        (429 | 500.., Err(error)) => return failed(error.to_string(), None),
        (300..=399, _) => String::from("it points elsewhere"),
        (status, _) if is_page || (200..=299).contains(&status) => errors::not_json(answer),
        (status, _) => format!("status {status}"),
    };
    failed(
        format!(
            "{host} answers, but not as MSP Manager's API does ({seen}). Leave the domain empty unless you were \
             told another."
        ),
        Some("domain"),
    )
}

fn rows_step(result: Option<&Result<Rows, PsaError>>, what: &str) -> Seen {
    match result {
        Some(Ok(_)) => passed(format!("{what} can be read.")),
        Some(Err(error)) => failed(error.to_string(), None),
        None => not_proven(format!("{what} were not asked for.")),
    }
}
