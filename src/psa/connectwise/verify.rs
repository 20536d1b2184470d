//! *Save & Verify*: the cheapest calls that tell apart what can be wrong.

use super::{
    Connection, boards,
    discovery::{self, Told},
    errors, wire,
};
use crate::psa::{Ability, PsaError, StepOutcome, Verification, VerificationStep};

/// The steps, in order.
const STEPS: [(&str, &str, Option<Ability>); 10] = [
    ("host", "Reach ConnectWise", None),
    ("sign_in", "Sign in", None),
    ("companies", "Read companies", Some(Ability::Companies)),
    ("tickets", "Read tickets", Some(Ability::Tickets)),
    ("close", "Close tickets", Some(Ability::Close)),
    ("configurations", "Read configurations", Some(Ability::Configurations)),
    ("contacts", "Read contacts", Some(Ability::Contacts)),
    ("billing", "Read agreements", Some(Ability::Billing)),
    ("webhooks", "Read callbacks", Some(Ability::Webhooks)),
    ("pick_lists", "Read the lists of values", None),
];

/// Boards that are looked at for a status that closes.
const BOARDS: usize = 5;

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

impl Connection {
    pub(super) async fn verify_steps(&self) -> Verification {
        let mut verification = Verification::default();
        let mut is_stopped = false;
        for (key, label, ability) in STEPS {
            let (outcome, message, field) = if is_stopped {
                (StepOutcome::Skipped, String::from("Not tried, because an earlier step failed."), None)
            } else {
                self.step(key, &mut verification).await
            };
            is_stopped |= outcome == StepOutcome::Failed && matches!(key, "host" | "sign_in");
            verification.steps.push(VerificationStep { key, label, outcome, message, field, ability });
        }
        verification
    }

    async fn step(&self, key: &str, verification: &mut Verification) -> Seen {
        match key {
            "host" => self.host_step(verification).await,
            "sign_in" => self.sign_in_step(verification).await,
            "companies" => self.look("/company/companies", "Companies can be read.").await,
            "tickets" => {
                let found = "Service tickets can be read. Whether they can be created and changed too (Service \
                             Desk > Service Tickets: Add and Edit) shows with the first one: send a test ticket.";
                self.look("/service/tickets", found).await
            }
            "close" => not_proven(
                "ConnectWise does not tell in advance. Closing is a right of its own: tick Service Desk > Close \
                 Service Tickets (Edit and Inquire) in the security role of the API member.",
            ),
            "configurations" => self.look("/company/configurations", "Configurations can be read.").await,
            "contacts" => self.look("/company/contacts", "Contacts can be read.").await,
            "billing" => self.look("/finance/agreements", "Agreements can be read.").await,
            "webhooks" => {
                let found = "Callbacks can be read. Whether one can be registered shows when it is.";
                self.look("/system/callbacks", found).await
            }
            _ => self.lists_step().await,
        }
    }

    async fn host_step(&self, verification: &mut Verification) -> Seen {
        if let Err(PsaError::Unauthorized { detail }) = self.api.client_id() {
            return failed(detail, None);
        }
        let login = &self.api.login;
        let host = login.site.host_str().unwrap_or_default();
        match self.api.discovery.afresh(login, &self.api.http).await {
            Ok(Told::Place(place)) => {
                let mut found = |key: &str, value: &str| {
                    verification.discovered.insert(key.to_owned(), value.to_owned());
                };
                found("site", host);
                found("api", place.base.host_str().unwrap_or_default());
                found("codebase", &place.codebase);
                for (key, value) in [("version", &place.version), ("company_name", &place.company_name)] {
                    if let Some(value) = value {
                        found(key, value);
                    }
                }
                if let Some(is_cloud) = place.is_cloud {
                    found("hosting", if is_cloud { "cloud" } else { "on premises" });
                }
                if place.is_guess {
                    return not_proven(format!(
                        "{host} does not tell where its API is; at the usual place it answers as ConnectWise does."
                    ));
                }
                passed(format!("{host} is ConnectWise PSA and knows the company {}.", login.company_id))
            }
            Ok(Told::NoSuchCompany) => failed(discovery::no_such_company(login), Some("company_id")),
            Ok(Told::Stranger(seen)) => {
                let advice = "Use the address that the browser shows when you work in ConnectWise PSA.";
                failed(format!("{host} does not tell where its API is: {seen}. {advice}"), Some("domain"))
            }
            Err(error @ PsaError::RateLimited { .. }) => failed(error.to_string(), None),
            Err(error) => failed(error.to_string(), Some("domain")),
        }
    }

    async fn sign_in_step(&self, verification: &mut Verification) -> Seen {
        match self.api.get("/system/info", &[]).await {
            Ok(info) => {
                let texts =
                    [("version", "version"), ("region", "cloudRegion"), ("time_zone", "serverTimeZone")];
                if !texts.iter().any(|(_, theirs)| wire::text(&info, theirs).is_some()) {
                    let what = "ConnectWise answers without saying what it is. On the cloud that can mean wrong keys";
                    return failed(what, Some("public_key"));
                }
                for (ours, theirs) in texts {
                    if let Some(text) = wire::text(&info, theirs) {
                        verification.discovered.insert(ours.to_owned(), errors::short(text));
                    }
                }
                passed("Company ID and keys are right.")
            }
            // Who is told of a missing right was let in.
            Err(PsaError::Forbidden { .. }) => passed("Company ID and keys are right."),
            Err(PsaError::Unauthorized { detail }) => {
                let is_ours = detail.contains("connectwise_client_id");
                failed(detail, (!is_ours).then_some("public_key"))
            }
            Err(error @ PsaError::RateLimited { .. }) => failed(error.to_string(), None),
            Err(error) => failed(error.to_string(), Some("domain")),
        }
    }

    /// Reads one row.
    async fn look(&self, path: &str, found: &str) -> Seen {
        let query = [("pageSize", String::from("1")), ("fields", String::from("id"))];
        match self.api.rows(path, &query).await {
            Ok(_) => passed(found),
            Err(error) => failed(error.to_string(), None),
        }
    }

    /// Reads what no profile can do without, and of the first boards only: all lists take many calls.
    async fn lists_step(&self) -> Seen {
        let boards = match self.service_boards().await {
            Ok(boards) => boards,
            Err(error) => return failed(error.to_string(), None),
        };
        if boards.is_empty() {
            let message = "No active service board can be seen. Give the API member a role and a location that \
                           see the board for these tickets.";
            return failed(message, None);
        }
        let mut can_close = false;
        for board in boards.iter().filter_map(|row| wire::id(row, "id")).take(BOARDS) {
            match self.of_board(board, "statuses").await {
                Ok(statuses) => can_close = statuses.iter().any(|row| boards::closes(row) == Some(true)),
                Err(error) => return failed(error.to_string(), None),
            }
            if can_close {
                break;
            }
        }
        if !can_close {
            return failed("The first boards have no status that closes tickets.", None);
        }
        match self.all_rows("/service/priorities", &[]).await {
            Ok(_) => passed(format!("Boards ({}), statuses and priorities can be read.", boards.len())),
            Err(error) => failed(error.to_string(), None),
        }
    }
}
