//! What Autotask's answers mean. Almost every refusal is a 500 with texts: the texts decide.

use serde_json::Value;

use super::{credentials::Login, wire};
use crate::psa::{PsaError, http::Answer};

/// The wait where a 429 names none (what other clients wait: n8n, go-autotask).
const WAIT_SECS: i64 = 60;
/// The wait where three calls are under way: their counter goes down shortly after the answers.
const THREAD_WAIT_SECS: i64 = 5;
/// The wait where the customer's calls of this hour are used up: as they grow old, there is room again.
pub(super) const USED_UP_WAIT_SECS: i64 = 300;

/// Longest reason passed on.
const REASON_CHARS: usize = 300;

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// The JSON of an answer, or what it means instead.
pub(super) fn classify(
    kind: Kind,
    path: &str,
    login: &Login,
    answer: &Answer,
    retry_after: Option<i64>,
) -> Result<Value, PsaError> {
    let unclear = |detail: String| match kind {
        Kind::Read => PsaError::Unavailable { detail },
        Kind::Write => PsaError::Unknown { detail },
    };
    let said = login.hide(&texts(answer).join("; "));
    let status = answer.status;
    let or_status =
        |what: &str| if said.is_empty() { format!("{what} (status {status})") } else { short(&said) };
    match status {
        200..=299 => {
            let body = serde_json::from_slice::<Value>(&answer.body).ok().filter(Value::is_object);
            body.ok_or_else(|| unclear(not_autotask(answer)))
        }
        300..=399 => Err(unclear(format!("Autotask answered {status} and points elsewhere"))),
        401 => Err(PsaError::Unauthorized {
            detail: or_status(
                "Autotask does not say which of user name, secret and integration code is wrong",
            ),
        }),
        403 => Err(PsaError::Forbidden { missing: missing(path, &said) }),
        429 => {
            let wait = retry_after.unwrap_or(if names_threads(&said) { THREAD_WAIT_SECS } else { WAIT_SECS });
            Err(PsaError::RateLimited { retry_after_secs: Some(wait.max(1)) })
        }
        400 | 500 if !said.is_empty() => Err(match meaning(&said) {
            Meaning::Wait(wait) => {
                PsaError::RateLimited { retry_after_secs: Some(retry_after.unwrap_or(wait).max(1)) }
            }
            Meaning::Login => PsaError::Unauthorized { detail: short(&said) },
            Meaning::Permission => PsaError::Forbidden { missing: missing(path, &said) },
            Meaning::Outage => unclear(format!("Autotask answered {status}: {}", short(&said))),
            Meaning::Refusal => PsaError::Rejected { field: field_in(&said), reason: short(&said) },
        }),
        408 => Err(unclear(String::from("Autotask answered 408 (time ran out)"))),
        // A page for people comes from a gateway or a wrong address: nothing is known of what was asked for.
        400..=499 if kind == Kind::Read && is_page(answer) => Err(unclear(not_autotask(answer))),
        400..=499 => Err(PsaError::Rejected {
            field: field_in(&said),
            reason: or_status(match status {
                404 => "Autotask has no such record, or no such address",
                405 => "Autotask does not take this kind of call here",
                _ => "Autotask refuses it without a reason",
            }),
        }),
        _ => Err(unclear(format!("Autotask answered {}", or_status("out of order")))),
    }
}

/// What a refusal's text says. Words of the vendor's that were seen (django-autotask, py-autotask,
/// apigrate/autotask-restapi#19, n8n-nodes-autotask#107) and their like: the one place to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Wait(i64),
    Login,
    Permission,
    Outage,
    Refusal,
}

fn names_threads(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("thread") || text.contains("itgenatr005")
}

fn meaning(text: &str) -> Meaning {
    const LOGIN: [&str; 8] = [
        "integrationcode is invalid",
        "integration code is invalid",
        "invalid integration code",
        "zone information could not",
        "invalid username",
        "username or password",
        "could not be authenticated",
        "authentication failed",
    ];
    const PERMISSION: [&str; 10] = [
        "permission",
        "not authorized",
        "not authorised",
        "unauthorized",
        "access denied",
        "security level",
        "insufficient rights",
        "does not have access",
        "do not have access",
        "does not have the right",
    ];
    // With these even Autotask does not know how far it came.
    const OUTAGE: [&str; 6] = [
        "timeout expired",
        "timed out",
        "deadlock",
        "internal server error",
        "unexpected error",
        "try again",
    ];
    // The name of a field of webhooks, which holds the words looked for.
    let lower = text.to_lowercase().replace("sendthresholdexceedednotification", "");
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if names_threads(&lower) {
        Meaning::Wait(THREAD_WAIT_SECS)
    } else if has(&["threshold", "too many requests", "rate limit"]) {
        Meaning::Wait(USED_UP_WAIT_SECS)
    } else if has(&LOGIN) {
        Meaning::Login
    } else if has(&PERMISSION) {
        Meaning::Permission
    } else if has(&OUTAGE) {
        Meaning::Outage
    } else {
        Meaning::Refusal
    }
}

/// The texts of `{"errors": […]}`, the first few of them.
pub(super) fn texts(answer: &Answer) -> Vec<String> {
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let list = match wire::get(&body, "errors") {
        Some(Value::Array(list)) => list.iter().take(5).collect(),
        Some(one) => vec![one],
        None => wire::get(&body, "message").into_iter().collect(),
    };
    let text = |value: &Value| {
        let text = value.as_str().or_else(|| wire::text(value, "message"))?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    list.into_iter().filter_map(text).collect()
}

/// The field that a refusal names: the first that stands in it as a word.
fn field_in(text: &str) -> Option<String> {
    const FIELDS: [&str; 26] = [
        "assignedResourceID",
        "assignedResourceRoleID",
        "billingCodeID",
        "companyID",
        "companyName",
        "companyType",
        "configurationItemID",
        "contactID",
        "description",
        "dueDateTime",
        "externalID",
        "issueType",
        "noteType",
        "ownerResourceID",
        "phone",
        "priority",
        "publish",
        "queueID",
        "resolution",
        "serviceLevelAgreementID",
        "source",
        "status",
        "subIssueType",
        "ticketCategory",
        "ticketType",
        "title",
    ];
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|word| FIELDS.iter().find(|field| field.eq_ignore_ascii_case(word)))
        .map(|field| (*field).to_owned())
}

/// Whether a page for people came, and not an answer of the API.
pub(super) fn is_page(answer: &Answer) -> bool {
    answer.content_type() == "text/html" || answer.body.trim_ascii_start().starts_with(b"<")
}

/// For people: what came instead of Autotask's JSON.
pub(super) fn not_autotask(answer: &Answer) -> String {
    let what = if answer.body.trim_ascii().is_empty() {
        "nothing"
    } else if is_page(answer) {
        "an HTML page"
    } else {
        "something else than expected"
    };
    format!(
        "the host answered {} with {what}: it may not be Autotask, or a gateway stands before it",
        answer.status
    )
}

/// One line, without control characters, of bearable length.
pub(super) fn short(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the security level of the API user lacks, in the words of its page.
fn missing(path: &str, said: &str) -> String {
    let entity = path.split(['/', '?']).next().unwrap_or_default();
    let wanted = match entity {
        "Companies" => "CRM: companies",
        "Contacts" => "CRM: contacts",
        "ConfigurationItems" => "CRM: configuration items",
        "Contracts" | "ContractServiceAdjustments" => "Contracts",
        "Resources" | "Roles" | "ResourceServiceDeskRoles" => "Admin: resources and roles",
        "TicketWebhooks" | "TicketWebhookFields" | "TicketWebhookExcludedResources" => {
            "Other: Can create Webhooks (off by default), with a maximum of at least 1"
        }
        _ => "Service Desk: tickets and ticket notes",
    };
    let said = if said.is_empty() { String::new() } else { format!("; Autotask says: {}", short(said)) };
    format!("{wanted}, in the security level of the API user ({entity} was refused{said})")
}

#[cfg(test)]
#[path = "tests/errors.rs"]
mod tests;
