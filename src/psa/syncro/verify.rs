//! *Save & Verify*: the cheapest calls that tell apart what can be wrong.

use serde_json::Value;

use super::{
    Connection,
    errors::{self, Verb, short},
    paging::Place,
    wire,
};
use crate::psa::{Ability, PsaError, StepOutcome, Verification, VerificationStep, http::Answer};

/// The steps, in order.
const STEPS: [(&str, &str, Option<Ability>); 9] = [
    ("host", "Reach Syncro", None),
    ("sign_in", "Sign in", None),
    ("companies", "Read customers", Some(Ability::Companies)),
    ("tickets", "Read tickets", Some(Ability::Tickets)),
    ("close", "Write and close tickets", Some(Ability::Close)),
    ("pick_lists", "Read the lists of values", None),
    ("contacts", "Read contacts", Some(Ability::Contacts)),
    ("configurations", "Read assets", Some(Ability::Configurations)),
    ("billing", "Read recurring invoices", Some(Ability::Billing)),
];

/// What the host and the sign-in are told from; it works with any token and needs no permission.
const ME: &str = "/me";

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

/// What `/me` says, without the token that stands in it too.
#[derive(Default)]
struct Me {
    is_admin: bool,
    may_write_tickets: Option<bool>,
}

impl Connection {
    pub(super) async fn verify_steps(&self) -> Verification {
        let mut verification = Verification::default();
        let mut is_stopped = false;
        let asked = self.api.send(Verb::Get, ME, &[], None).await;
        let mut me = Me::default();
        for (key, label, ability) in STEPS {
            let (outcome, message, field) = if is_stopped {
                (StepOutcome::Skipped, String::from("Not tried, because an earlier step failed."), None)
            } else {
                match key {
                    "host" => self.host_step(asked.as_ref()),
                    "sign_in" => self.sign_in_step(asked.as_ref(), &mut me, &mut verification),
                    "companies" => self.companies_step().await,
                    "tickets" => self.list_step("/tickets", "tickets", "Tickets").await,
                    "close" => write_step(&me),
                    "pick_lists" => self.lists_step().await,
                    "contacts" => self.list_step("/contacts", "contacts", "Contacts").await,
                    "configurations" => self.list_step("/customer_assets", "assets", "Assets").await,
                    _ => self.list_step("/schedules", "schedules", "Recurring invoices").await,
                }
            };
            is_stopped |= outcome == StepOutcome::Failed && matches!(key, "host" | "sign_in");
            verification.steps.push(VerificationStep { key, label, outcome, message, field, ability });
        }
        verification
    }

    /// Every subdomain leads to some host, so only what it answers tells.
    fn host_step(&self, asked: Result<&Answer, &PsaError>) -> Seen {
        let host = self.api.login.base.host_str().unwrap_or_default();
        let answer = match asked {
            Ok(answer) => answer,
            Err(error @ PsaError::RateLimited { .. }) => return failed(error.to_string(), None),
            Err(error) => return failed(error.to_string(), Some("domain")),
        };
        let is_json = serde_json::from_slice::<Value>(&answer.body).is_ok();
        // A refusal need not be JSON: how that of a bad token looks was never written down.
        if matches!(answer.status, 401 | 403 | 429) || (is_json && answer.status == 200) {
            return passed(format!("{host} answers as Syncro does."));
        }
        let seen = match answer.status {
            300..=399 => String::from("it points elsewhere"),
            status if is_json => format!("status {status}"),
            _ => errors::not_json(answer),
        };
        failed(
            format!(
                "{host} answers, but not as Syncro does ({seen}). Use the subdomain that the browser shows when you work in Syncro."
            ),
            if answer.status >= 500 { None } else { Some("domain") },
        )
    }

    fn sign_in_step(
        &self,
        asked: Result<&Answer, &PsaError>,
        me: &mut Me,
        verification: &mut Verification,
    ) -> Seen {
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => return failed(error.to_string(), None),
        };
        let said = match self.api.classify(Verb::Get, ME, answer) {
            Ok(said) => said,
            Err(PsaError::Forbidden { .. }) => {
                return not_proven("Syncro knows the token, but does not say whose it is.");
            }
            Err(PsaError::Unauthorized { detail }) => {
                let message = format!(
                    "{detail}. Check that the token was copied whole, was made in this account, and has neither been deleted nor run out."
                );
                return failed(message, Some("api_key"));
            }
            Err(error) => return failed(error.to_string(), None),
        };
        if wire::id(&said, "user_id").is_none() && wire::text(&said, "user_name").is_none() {
            return failed(
                "The host does not say who the token signs in as: it may not be Syncro.",
                Some("domain"),
            );
        }
        let found = &mut verification.discovered;
        let name = wire::text(&said, "user_name").map(short).unwrap_or_default();
        if let Some(id) = wire::id(&said, "user_id") {
            found.insert(String::from("user_id"), id.to_string());
        }
        if !name.is_empty() {
            found.insert(String::from("user_name"), name.clone());
        }
        let subdomain = wire::text(&said, "subdomain").map(short);
        if let Some(subdomain) = &subdomain {
            found.insert(String::from("subdomain"), subdomain.clone());
        }
        if let (Some(real), Some(typed)) = (&subdomain, self.api.login.account())
            && !real.eq_ignore_ascii_case(typed)
        {
            verification.warnings.push(format!(
                "Syncro calls this account {real}, not {typed}: links to tickets may lead to the old name."
            ));
        }
        me.is_admin = wire::is(&said, "admin") == Some(true);
        let ticket = said.get("permissions").and_then(|all| all.get("ticket"));
        me.may_write_tickets = ticket.and_then(|ticket| wire::is(ticket, "write"));
        if me.is_admin {
            verification.warnings.push(String::from(
                "The token's user is an administrator in Syncro, who may do far more than is needed here. Make a token with custom permissions for a user of its own.",
            ));
        }
        passed(format!("The token is right; tickets and notes will be written as {name}."))
    }

    async fn companies_step(&self) -> Seen {
        match self.page("/customers", "customers", &[], Place::START).await {
            Ok(page) if page.total == Some(1) => passed(
                "One customer can be read. Where there are more, the token belongs to a single-customer user: make it as another user.",
            ),
            Ok(page) => {
                let count = page.total.map(|total| format!(" ({total})")).unwrap_or_default();
                passed(format!("Customers can be read{count}."))
            }
            Err(error) => refusal("/customers", error),
        }
    }

    async fn list_step(&self, path: &str, key: &str, what: &str) -> Seen {
        match self.page(path, key, &[], Place::START).await {
            Ok(_) => passed(format!("{what} can be read.")),
            Err(error) => refusal(path, error),
        }
    }

    async fn lists_step(&self) -> Seen {
        let read = match self.all_pick_lists().await {
            Ok(read) => read,
            Err(error) => return refusal("/tickets/settings", error),
        };
        let problems: Vec<_> =
            read.lists.iter().filter_map(|l| Some(format!("{}: {}", l.key, l.problem.as_ref()?))).collect();
        if read.lists.iter().any(|l| l.key == "status" && l.items.is_empty()) {
            return failed(format!("The statuses of tickets cannot be read. {}", problems.join("; ")), None);
        }
        let mut message = if problems.is_empty() {
            String::from("All lists can be read.")
        } else {
            format!("The lists that are needed can be read; not these: {}", problems.join("; "))
        };
        if read.requires_ticket_type {
            message.push_str(
                " This account takes no ticket without a ticket type: choose one in every ticket profile.",
            );
        }
        passed(message)
    }
}

/// The token was taken a moment ago, so a 401 of whatever words is about what it may do.
fn refusal(path: &str, error: PsaError) -> Seen {
    match error {
        PsaError::Unauthorized { detail } => failed(
            format!(
                "{detail}, although the token is known: it lacks the permission {}. Tick it in the token's custom permissions (More > Admin > API > API Tokens).",
                errors::permission(Verb::Get, path)
            ),
            Some("api_key"),
        ),
        error @ PsaError::Forbidden { .. } => failed(error.to_string(), Some("api_key")),
        error => failed(error.to_string(), None),
    }
}

/// Writing cannot be tried without leaving something behind; what `/me` says is broad, and all there is.
fn write_step(me: &Me) -> Seen {
    if me.may_write_tickets == Some(false) && !me.is_admin {
        return failed(
            "Syncro says that the token may not write tickets. Tick Tickets - Create and Tickets - Edit in its custom permissions (More > Admin > API > API Tokens).",
            Some("api_key"),
        );
    }
    not_proven(
        "Whether the token has both Tickets - Create and Tickets - Edit shows with the first ticket: send a test ticket.",
    )
}
