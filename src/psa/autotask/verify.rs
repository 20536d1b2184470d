//! *Save & Verify*: the cheapest calls that tell apart what can be wrong.
//!
//! A security level that may not see something gives empty lists as often as errors, so each ability asks for
//! one row and for what the entity says about itself.

use serde_json::Value;

use super::{
    Connection,
    api::Query,
    errors, wire,
    zone::{Lost, discover},
};
use crate::psa::{Ability, PsaError, StepOutcome, Verification, VerificationStep};

/// The steps, in order.
const STEPS: [(&str, &str, Option<Ability>); 10] = [
    ("host", "Find the zone", None),
    ("sign_in", "Sign in", None),
    ("companies", "Read companies", Some(Ability::Companies)),
    ("tickets", "Read and write tickets", Some(Ability::Tickets)),
    ("close", "Close tickets", Some(Ability::Close)),
    ("configurations", "Read configuration items", Some(Ability::Configurations)),
    ("contacts", "Read contacts", Some(Ability::Contacts)),
    ("billing", "Read contracts and adjust services", Some(Ability::Billing)),
    ("webhooks", "Register webhooks", Some(Ability::Webhooks)),
    ("pick_lists", "Read the lists of values", None),
];

/// From this part of the customer's calls of an hour on, we leave the rest to others.
const HOLD_FROM_PERCENT: i64 = 90;
/// From this part on Autotask slows every integration down.
const SLOW_FROM_PERCENT: i64 = 50;

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

/// Where permissions are ticked.
const LEVEL: &str = "Admin > Account Settings & Users > Resources/Users (HR) > Security Levels";

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
        if !is_stopped {
            self.look_at_rights(&mut verification).await;
            self.look_at_usage(&mut verification).await;
        }
        verification
    }

    async fn step(&self, key: &str, verification: &mut Verification) -> Seen {
        match key {
            "host" => self.host_step(verification).await,
            "sign_in" => self.sign_in_step(verification).await,
            "companies" => match self.sees("Companies").await {
                Ok(true) => passed("Companies can be read."),
                Ok(false) => failed(
                    format!(
                        "Autotask shows not even your own company: the security level may not see companies. Tick CRM, companies, All, at {LEVEL}."
                    ),
                    None,
                ),
                Err(error) => failed(error.to_string(), None),
            },
            "tickets" => self.tickets_step().await,
            "close" => self.close_step().await,
            "configurations" => self.reading_step("ConfigurationItems", "configuration items", "CRM").await,
            "contacts" => self.reading_step("Contacts", "contacts", "CRM").await,
            "billing" => self.billing_step().await,
            "webhooks" => self.webhooks_step().await,
            _ => self.lists_step().await,
        }
    }

    async fn host_step(&self, verification: &mut Verification) -> Seen {
        let host = self.api.login.start.host_str().unwrap_or_default();
        match discover(&self.api.login, &self.api.http).await {
            Ok(zone) => {
                let found = &mut verification.discovered;
                let seen = zone.base.host_str().unwrap_or_default().to_owned();
                let name = zone.name.unwrap_or_else(|| seen.clone());
                found.insert(String::from("zone"), name.clone());
                found.insert(String::from("api_host"), seen);
                if let Some(web) = zone.web {
                    found.insert(String::from("web_address"), web.to_string());
                }
                if let Some(instance) = zone.instance {
                    found.insert(String::from("database"), instance.to_string());
                }
                passed(format!("The API user lives in the zone {name}."))
            }
            // The host answers as Autotask does; the next step says what is wrong.
            Err(Lost::UnknownUser) => passed(format!("{host} is Autotask; see the next step.")),
            Err(Lost::Failed(error @ PsaError::RateLimited { .. })) => failed(error.to_string(), None),
            Err(lost) => failed(PsaError::from(lost).to_string(), Some("domain")),
        }
    }

    async fn sign_in_step(&self, verification: &mut Verification) -> Seen {
        match self.api.get("Version").await {
            Ok(version) => {
                let number = ["majorVersion", "minorVersion", "build"]
                    .iter()
                    .filter_map(|key| wire::int(&version, key).map(|number| number.to_string()))
                    .collect::<Vec<_>>();
                let found = &mut verification.discovered;
                if !number.is_empty() {
                    found.insert(String::from("version"), number.join("."));
                }
                found.insert(String::from("user"), errors::short(&self.api.login.username));
                passed("User name, secret and integration code are right.")
            }
            Err(PsaError::Unauthorized { detail }) => {
                let text = detail.to_lowercase();
                if text.contains("integration") && !text.contains("which of") {
                    failed(
                        format!("{detail}. Copy the API tracking identifier of the API user again."),
                        Some("integration_code"),
                    )
                } else if text.contains("no api user") || text.contains("zone information") {
                    failed(
                        format!("{detail}. Copy the user name (key) again, with what follows the @."),
                        Some("username"),
                    )
                } else {
                    failed(
                        format!(
                            "{detail}. The user name is known, so look at the secret first (a new one can be generated), then at the integration code, and whether the user is active."
                        ),
                        Some("secret"),
                    )
                }
            }
            Err(error) => failed(error.to_string(), None),
        }
    }

    /// Whether an entity shows a row.
    async fn sees(&self, entity: &str) -> Result<bool, PsaError> {
        let query = Query { entity, fields: &["id"], filter: Vec::new() };
        Ok(!self.api.page(&query, None, 1).await?.rows.is_empty())
    }

    /// What an entity says that this login may do with it.
    pub(super) async fn rights(&self, entity: &str) -> Result<Value, PsaError> {
        let answer = self.api.get(&format!("{entity}/entityInformation")).await?;
        wire::get(&answer, "info")
            .filter(|info| info.is_object())
            .cloned()
            .ok_or_else(|| PsaError::Unavailable { detail: format!("Autotask says nothing about {entity}") })
    }

    async fn tickets_step(&self) -> Seen {
        let rights = match self.rights("Tickets").await {
            Ok(rights) => rights,
            Err(error) => return failed(error.to_string(), None),
        };
        for (action, access, words) in
            [("canQuery", "userAccessForQuery", "see"), ("canCreate", "userAccessForCreate", "create")]
        {
            if !may(&rights, action, access) {
                return failed(
                    format!(
                        "The security level may not {words} tickets. Tick Service Desk, tickets, at {LEVEL}."
                    ),
                    None,
                );
            }
        }
        match self.sees("Tickets").await {
            Ok(true) => passed("Tickets can be read and created."),
            Ok(false) => not_proven(
                "Autotask shows no ticket: there is none yet, or the security level hides them (Service Desk, tickets, All). Send a test ticket.",
            ),
            Err(error) => failed(error.to_string(), None),
        }
    }

    async fn close_step(&self) -> Seen {
        match self.rights("Tickets").await {
            Ok(rights) if !may(&rights, "canUpdate", "userAccessForUpdate") => failed(
                format!(
                    "The security level may not change tickets. Tick Service Desk, tickets, edit, at {LEVEL}."
                ),
                None,
            ),
            Ok(_) => not_proven(
                "Tickets may be changed. Whether their category demands more before it lets them be completed shows with the first one.",
            ),
            Err(error) => failed(error.to_string(), None),
        }
    }

    async fn reading_step(&self, entity: &str, words: &str, section: &str) -> Seen {
        match self.sees(entity).await {
            Ok(true) => passed(format!("There are {words} to be read.")),
            Ok(false) => not_proven(format!(
                "Autotask shows no {words}: there are none, or the security level hides them ({section}, {words}, at {LEVEL})."
            )),
            Err(error) => failed(error.to_string(), None),
        }
    }

    async fn billing_step(&self) -> Seen {
        match self.rights("ContractServiceAdjustments").await {
            Ok(rights) if may(&rights, "canCreate", "userAccessForCreate") => {
                self.reading_step("Contracts", "contracts", "Contracts").await
            }
            Ok(_) => failed(
                format!(
                    "The security level may not adjust the services of contracts. Tick Contracts at {LEVEL}."
                ),
                None,
            ),
            Err(error) => failed(error.to_string(), None),
        }
    }

    async fn webhooks_step(&self) -> Seen {
        let lacking = format!(
            "The security level may not register webhooks. Tick Can create Webhooks (under Other, off by default; maximum 1 or more) at {LEVEL}."
        );
        match self.rights("TicketWebhooks").await {
            Ok(rights) if !may(&rights, "canCreate", "userAccessForCreate") => failed(lacking, None),
            Ok(_) => match self.sees("TicketWebhooks").await {
                Ok(_) => not_proven(
                    "Webhooks can be looked at. Whether Can create Webhooks is ticked in the security level shows when one is registered.",
                ),
                Err(PsaError::Forbidden { .. }) => failed(lacking, None),
                Err(error) => failed(error.to_string(), None),
            },
            Err(PsaError::Forbidden { .. }) => failed(lacking, None),
            Err(error) => failed(error.to_string(), None),
        }
    }

    async fn lists_step(&self) -> Seen {
        let lists = match self.all_pick_lists().await {
            Err(error) => return failed(error.to_string(), None),
            Ok(lists) => lists,
        };
        let problems: Vec<_> = lists
            .iter()
            .filter_map(|list| Some(format!("{}: {}", list.key, list.problem.as_ref()?)))
            .collect();
        let is_broken = |key: &str| {
            lists.iter().any(|list| list.key == key && (list.problem.is_some() || list.items.is_empty()))
        };
        if ["queue", "priority", "status"].into_iter().any(is_broken) {
            failed(format!("Queues, priorities or statuses cannot be read. {}", problems.join("; ")), None)
        } else if problems.is_empty() {
            passed("All lists can be read.")
        } else {
            passed(format!("The lists that are needed can be read; not these: {}", problems.join("; ")))
        }
    }

    /// The level as it is shipped lets the API user change people's records; nothing here needs that.
    async fn look_at_rights(&self, verification: &mut Verification) {
        let Ok(rights) = self.rights("Resources").await else { return };
        let access = wire::text(&rights, "userAccessForUpdate").unwrap_or_default();
        if wire::is(&rights, "canUpdate") == Some(true) && access.eq_ignore_ascii_case("all") {
            verification.warnings.push(format!(
                "The API user may change the records of your people, which the gateway never does. Copy the security level API User (API-only), take away what is not needed, and give the copy to it ({LEVEL})."
            ));
        }
    }

    /// How much of the hour's calls all of the customer's integrations have used up.
    async fn look_at_usage(&self, verification: &mut Verification) {
        let Ok(usage) = self.api.get("ThresholdInformation").await else { return };
        let number = |key: &str| wire::int(&usage, key).filter(|number| *number >= 0);
        let (Some(used), Some(all)) = (
            number("currentTimeframeRequestCount"),
            number("externalRequestThreshold").filter(|all| *all > 0),
        ) else {
            return;
        };
        let minutes = number("requestThresholdTimeframe").unwrap_or(60);
        let words = format!("{used} of {all} in {minutes} minutes");
        verification.discovered.insert(String::from("calls_used"), words.clone());
        let percent = used.saturating_mul(100) / all;
        if percent >= HOLD_FROM_PERCENT {
            self.api.http.hold(errors::USED_UP_WAIT_SECS);
        }
        if percent >= SLOW_FROM_PERCENT {
            verification.warnings.push(format!(
                "All integrations of this Autotask together have made {words} of their calls: Autotask slows every one of them down from half on, and refuses them at the end."
            ));
        }
    }
}

/// Whether an entity may be used so. `None` is what Autotask says of a level without a right; words that are
/// not known count as a yes, for the first call to decide.
pub(super) fn may(rights: &Value, action: &str, access: &str) -> bool {
    wire::is(rights, action) != Some(false)
        && !wire::text(rights, access).is_some_and(|text| text.eq_ignore_ascii_case("none"))
}
