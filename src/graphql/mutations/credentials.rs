//! Reading a platform's credential form.

use async_graphql::InputObject;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    error::{Problem, ProblemCode},
    organizations::connections::SortedCredentials,
    psa::{CredentialField, Credentials, FieldProblem, Platform, http::Outbound},
};

/// One field of a login.
#[derive(InputObject)]
pub struct CredentialInput {
    /// Key of the platform's credential field, e.g. `client_id`.
    pub key: String,
    /// What was typed; null or empty for nothing. Secret ones are never shown again.
    pub value: Option<String>,
}

impl std::fmt::Debug for CredentialInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialInput").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A whole login, normalised and sorted.
pub(super) fn read(
    platform: &'static dyn Platform,
    typed: Vec<CredentialInput>,
    outbound: &Outbound,
) -> Result<SortedCredentials, Vec<Problem>> {
    let mut credentials = Credentials::new();
    fill_in(platform, &mut credentials, typed)?;
    normalise(platform, credentials, outbound).map(|credentials| sort(platform, credentials))
}

/// The login that was stored, with some fields changed.
pub(super) fn patch(
    platform: &'static dyn Platform,
    stored: &Credentials,
    typed: Vec<CredentialInput>,
    outbound: &Outbound,
) -> Result<SortedCredentials, Vec<Problem>> {
    let mut credentials = stored.clone();
    let given: Vec<_> = typed.iter().map(|field| field.key.clone()).collect();
    fill_in(platform, &mut credentials, typed)?;
    let credentials = normalise(platform, credentials, outbound)?;
    let text = |credentials: &Credentials, key| {
        credentials.get(key).map(|value| value.expose_secret().to_owned()).unwrap_or_default()
    };
    let fields = platform.credential_fields().iter();
    let is_moved = fields.filter(|field| !field.is_secret).any(|field| {
        // Compared as typed and stored: both are normalised.
        text(&credentials, field.key) != text(stored, field.key)
    });
    if is_moved {
        let kept: Vec<_> = platform
            .credential_fields()
            .iter()
            .filter(|field| field.is_secret && credentials.contains_key(field.key))
            .filter(|field| !given.iter().any(|key| key == field.key))
            .map(again)
            .collect();
        if !kept.is_empty() {
            return Err(kept);
        }
    }
    Ok(sort(platform, credentials))
}

/// A stored secret goes only to where it was given for: whoever changes the address must know it.
fn again(field: &CredentialField) -> Problem {
    let message = format!("other fields of the login change; give {} again with them", field.label);
    Problem::at(&["credentials", field.key], ProblemCode::Required, message)
}

/// What a platform found wrong, at the fields of the input.
fn problems(platform: &'static dyn Platform, found: Vec<FieldProblem>) -> Vec<Problem> {
    let is_known = |key: &str| platform.credential_fields().iter().any(|field| field.key == key);
    found
        .into_iter()
        .map(|problem| {
            let path: &[&str] =
                if is_known(problem.field) { &["credentials", problem.field] } else { &["credentials"] };
            Problem::at(path, ProblemCode::Invalid, problem.message)
        })
        .collect()
}

fn fill_in(
    platform: &'static dyn Platform,
    credentials: &mut Credentials,
    typed: Vec<CredentialInput>,
) -> Result<(), Vec<Problem>> {
    let known: Vec<_> = platform.credential_fields().iter().map(|field| field.key).collect();
    let mut problems = Vec::new();
    for CredentialInput { key, value } in typed {
        if !known.contains(&key.as_str()) {
            let message = format!("{} has no such field; it has {}", platform.label(), known.join(", "));
            problems.push(Problem::at(&["credentials", &key], ProblemCode::Invalid, message));
            continue;
        }
        match value.filter(|value| !value.trim().is_empty()) {
            Some(value) => credentials.insert(key, SecretString::from(value)),
            None => credentials.remove(&key),
        };
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// As the platform wants it; an address that may not be called is told now, too.
fn normalise(
    platform: &'static dyn Platform,
    credentials: Credentials,
    outbound: &Outbound,
) -> Result<Credentials, Vec<Problem>> {
    let at_fields = |found| problems(platform, found);
    let credentials = platform.normalise(credentials).map_err(at_fields)?;
    platform.connect(credentials.clone(), outbound.clone()).map_err(at_fields)?;
    Ok(credentials)
}

fn sort(platform: &'static dyn Platform, mut credentials: Credentials) -> SortedCredentials {
    let mut sorted = SortedCredentials::default();
    for field in platform.credential_fields() {
        let Some(value) = credentials.remove(field.key) else { continue };
        if field.is_secret {
            sorted.secrets.push((field.key.to_owned(), value));
        } else {
            sorted.settings.insert(field.key.to_owned(), value.expose_secret().to_owned());
        }
    }
    sorted
}
