//! *Save & Verify*: the cheapest calls that tell apart what can be wrong.

use serde_json::Value;

use super::{
    Connection,
    auth::{self, Discovered},
    errors, wire,
};
use crate::psa::{Ability, PsaError, StepOutcome, Verification, VerificationStep};

/// The steps, in order.
const STEPS: [(&str, &str, Option<Ability>); 12] = [
    ("host", "Reach Halo", None),
    ("sign_in", "Sign in", None),
    ("companies", "Read clients", Some(Ability::Companies)),
    ("tickets", "Read tickets", Some(Ability::Tickets)),
    ("ticket_write", "Write tickets", Some(Ability::Tickets)),
    ("close", "Close tickets", Some(Ability::Close)),
    ("configurations", "Read assets", Some(Ability::Configurations)),
    ("contacts", "Read users", Some(Ability::Contacts)),
    ("billing", "Read recurring invoices", Some(Ability::Billing)),
    ("webhooks", "Read webhooks", Some(Ability::Webhooks)),
    ("pick_lists", "Read the lists of values", None),
    ("agent", "Know the agent behind the application", None),
];

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
            let seen = if is_stopped {
                (StepOutcome::Skipped, String::from("Not tried, because an earlier step failed."), None)
            } else {
                self.step(key, &mut verification).await
            };
            let (outcome, message, field) = seen;
            is_stopped |= outcome == StepOutcome::Failed && matches!(key, "host" | "sign_in");
            verification.steps.push(VerificationStep { key, label, outcome, message, field, ability });
        }
        verification
    }

    async fn step(&self, key: &str, verification: &mut Verification) -> Seen {
        match key {
            "host" => self.host_step().await,
            "sign_in" => self.sign_in_step(verification).await,
            "companies" => match self.count("/Client", "clients").await {
                Ok(count) => passed(format!("Clients can be read{count}.")),
                Err(error) => failed(error.to_string(), None),
            },
            "tickets" => self.tickets_step().await,
            "ticket_write" => {
                self.write_step(
                    "The application may write tickets. Whether the role of its agent may too shows with the first \
                     ticket: send a test ticket.",
                )
                .await
            }
            "close" => {
                self.write_step(
                    "The application may close tickets. Whether its agent may use an action that closes them shows \
                     with the first one.",
                )
                .await
            }
            "configurations" => self.look("/Asset", "assets", "Assets can be read").await,
            "contacts" => self.look("/Users", "users", "Users can be read").await,
            "billing" => self.look("/RecurringInvoice", "invoices", "Recurring invoices can be read").await,
            "webhooks" => self.webhooks_step().await,
            "pick_lists" => self.lists_step().await,
            _ => self.agent_step(verification).await,
        }
    }

    async fn host_step(&self) -> Seen {
        let host = self.api.login.base.host_str().unwrap_or_default();
        match auth::discover(&self.api.login, &self.api.http).await {
            Ok(Discovered::Found(_)) => passed(format!("{host} is Halo.")),
            Ok(Discovered::Untrusted(_)) => passed(format!("{host} is Halo; see the next step.")),
            Ok(Discovered::Nothing(answer)) => {
                let status = answer.status;
                // Where the user typed the authorisation server, signing in there tells more than this.
                let is_halo = self.api.login.authorisation_server.is_some()
                    || auth::is_oauth2_at_usual_place(&self.api.login, &self.api.http).await;
                if is_halo {
                    return not_proven(format!(
                        "{host} does not tell where to sign in (status {status}); the usual place is tried."
                    ));
                }
                let seen = if (300..400).contains(&status) {
                    String::from("it points elsewhere")
                } else if serde_json::from_slice::<Value>(&answer.body).is_ok() {
                    format!("status {status}, and nothing on where to sign in")
                } else {
                    errors::not_json(&answer)
                };
                let what = format!(
                    "{host} answers, but not as Halo does ({seen}). Use the address that the browser shows when you work in Halo."
                );
                failed(what, Some("domain"))
            }
            Err(error) => failed(error.to_string(), Some("domain")),
        }
    }

    async fn sign_in_step(&self, verification: &mut Verification) -> Seen {
        let token = self.api.sign_in.token(&self.api.login, &self.api.http, None).await;
        if let Some(server) = self.api.sign_in.server().await {
            let found = &mut verification.discovered;
            found.insert(String::from("authorisation_server"), server.address.to_string());
            if let Some(tenant) = server.tenant {
                found.insert(String::from("tenant"), tenant);
            }
        }
        match token {
            Ok(token) => {
                verification.discovered.insert(String::from("scope"), token.scope.clone());
                verification.warnings.extend(more_than_needed(&token.scope));
                if let Ok(info) = self.api.get("/InstanceInfo", &[]).await
                    && let Some(version) = wire::text(&info, "version")
                {
                    verification.discovered.insert(String::from("version"), errors::short(version));
                }
                passed("Client ID and secret are right.")
            }
            Err(PsaError::Unauthorized { detail }) => {
                let field = auth::field_to_blame(&detail);
                failed(detail, Some(field))
            }
            Err(error @ PsaError::RateLimited { .. }) => failed(error.to_string(), None),
            Err(error) => {
                let is_typed = self.api.login.authorisation_server.is_some();
                failed(error.to_string(), Some(if is_typed { "authorisation_server" } else { "domain" }))
            }
        }
    }

    async fn tickets_step(&self) -> Seen {
        if let Err(error) = self.api.get("/TicketType", &[("can_create_only", String::from("true"))]).await {
            return failed(error.to_string(), None);
        }
        match self.count("/Tickets", "tickets").await {
            Ok(count) => passed(format!("Tickets can be read{count}.")),
            Err(error) => failed(error.to_string(), None),
        }
    }

    /// Writing cannot be tried without leaving something behind; the scope is what can be looked at.
    async fn write_step(&self, allowed: &str) -> Seen {
        let token = match self.api.sign_in.token(&self.api.login, &self.api.http, None).await {
            Ok(token) => token,
            Err(error) => return failed(error.to_string(), None),
        };
        if token.scope.is_empty() {
            return not_proven("Halo does not say what the application may do; the first ticket will tell.");
        }
        if scopes(&token.scope).any(|scope| matches!(scope, "all" | "all:standard" | "edit:tickets")) {
            not_proven(allowed)
        } else {
            let message = format!(
                "The application lacks the permission edit:tickets (it has: {}). Tick it on the Permissions tab of the application in Halo.",
                token.scope
            );
            failed(message, None)
        }
    }

    /// Reads one row of what tickets can do without.
    async fn look(&self, path: &str, key: &str, found: &str) -> Seen {
        match self.count(path, key).await {
            Ok(count) => passed(format!("{found}{count}.")),
            Err(PsaError::Rejected { reason, .. }) => {
                not_proven(format!("Halo does not offer them: {reason}."))
            }
            Err(error) => failed(error.to_string(), None),
        }
    }

    async fn webhooks_step(&self) -> Seen {
        let answer = self.api.get("/Webhook", &[("type", String::from("0"))]).await;
        match answer.map(|answer| wire::rows(answer, "webhooks").is_some()) {
            Ok(true) => passed("Webhooks can be read. Whether one can be registered shows when it is."),
            Ok(false) => not_proven("Halo's answer on webhooks holds no list."),
            Err(PsaError::Rejected { reason, .. }) => {
                not_proven(format!("Halo does not offer them: {reason}."))
            }
            Err(error) => failed(error.to_string(), None),
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
                let is_vital = |l: &&crate::sync::remote::RemotePickList| {
                    matches!(l.key.as_str(), "ticket_type" | "status")
                };
                if lists.iter().filter(is_vital).any(|l| l.problem.is_some() || l.items.is_empty()) {
                    failed(format!("Ticket types or statuses cannot be read. {}", problems.join("; ")), None)
                } else if problems.is_empty() {
                    passed("All lists can be read.")
                } else {
                    passed(format!(
                        "The lists that are needed can be read; not these: {}",
                        problems.join("; ")
                    ))
                }
            }
        }
    }

    async fn agent_step(&self, verification: &mut Verification) -> Seen {
        match self.api.get_record("/Agent/me", &[]).await {
            Ok(Some(agent)) => {
                let id = wire::id(&agent, "id").map(|id| id.to_string()).unwrap_or_default();
                let name = wire::text(&agent, "name").map_or_else(|| id.clone(), errors::short);
                verification.discovered.insert(String::from("agent_id"), id);
                verification.discovered.insert(String::from("agent_name"), name.clone());
                passed(format!("Tickets and notes will be written as {name}."))
            }
            Ok(None) | Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => not_proven(
                "Halo does not say which agent the application signs in as. Set its login type to Agent and choose one.",
            ),
            Err(error) => failed(error.to_string(), None),
        }
    }

    /// Reads one row; for people, how many there are.
    async fn count(&self, path: &str, key: &str) -> Result<String, PsaError> {
        let query = [
            ("pageinate", String::from("true")),
            ("page_size", String::from("1")),
            ("page_no", String::from("1")),
        ];
        let answer: Value = self.api.get(path, &query).await?;
        match wire::rows(answer, key) {
            Some((_, Some(total))) => Ok(format!(" ({total})")),
            Some((_, None)) => Ok(String::new()),
            None => Err(PsaError::Unavailable { detail: format!("Halo's answer to {path} holds no list") }),
        }
    }
}

fn scopes(granted: &str) -> impl Iterator<Item = &str> {
    granted.split([' ', ',']).filter(|scope| !scope.is_empty())
}

/// What is granted and not needed, for people.
fn more_than_needed(granted: &str) -> Option<String> {
    if scopes(granted).any(|scope| matches!(scope, "all" | "all:standard")) {
        return Some(String::from(
            "The application may do far more than needed. On its Permissions tab in Halo leave read:tickets, \
             edit:tickets and read:customers; edit:customers only to create clients, read:assets and edit:assets for \
             configurations, read:invoices and edit:invoices for billing, and admin to register webhooks.",
        ));
    }
    scopes(granted).any(|scope| scope == "admin").then(|| {
        String::from(
            "The application was granted admin and may do far more than needed. The gateway needs it to register \
             its webhook and to look after it: where that is entered by hand, take admin away on the Permissions tab \
             in Halo and leave read:tickets, edit:tickets and read:customers.",
        )
    })
}
