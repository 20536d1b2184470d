//! Master keys kept on a server with the HTTP API of HashiCorp Vault, such as Vault itself and OpenBao.
//!
//! One `GET` of one secret of the key-value engine, version 2 or 1
//! (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, "Read secret version", and …/kv-v1, "Read
//! secret"; openbao.org/api-docs/secret/kv): the token goes in `X-Vault-Token`, the namespace in
//! `X-Vault-Namespace`, and `X-Vault-Request: true` shows agents that no page of a browser is asking. Version
//! 2 answers `{"data": {"data": {…fields}, "metadata": {…}}}`, version 1 `{"data": {…fields}}`, and errors
//! are `{"errors": ["…"]}`.

use std::{path::PathBuf, time::Duration};

use reqwest::header::HeaderName;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::{MasterKey, MasterKeys};
use crate::outbound::{Answer, Call, ClientError, ClientOptions, Failed, GuardedClient, PrivateAddresses};

/// A longer answer is not read: a secret holds a few keys.
const MAX_ANSWER: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Which secret, and how to get at it.
#[derive(Debug)]
pub struct KeyServer {
    /// The secret's address.
    pub url: Url,
    /// What the server knows us by.
    pub token: SecretString,
    /// The namespace, where there are some.
    pub namespace: Option<String>,
    /// The field that holds the current key.
    pub field: String,
    /// The fields that hold further keys.
    pub previous_fields: Vec<String>,
    /// File of certificates (PEM) of the server's authority.
    pub authority: Option<PathBuf>,
}

/// The key did not come.
#[derive(Debug, thiserror::Error)]
pub enum KeyServerError {
    /// Nothing was asked or nothing came back.
    #[error("the key server {host} gives no master key: {what}")]
    NoAnswer {
        /// Which server.
        host: String,
        /// What happened, and what to do.
        what: String,
    },
    /// The secret holds something else.
    #[error("the secret at {url}, field {field}: {problem}")]
    Content {
        /// The secret's address.
        url: String,
        /// Which field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The authority's certificates cannot be read.
    #[error("the file {path} (master_key_vault_authority) cannot be read: {error}", path = .path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Reads the keys, once.
pub async fn read(server: &KeyServer) -> Result<MasterKeys, KeyServerError> {
    let authorities = match &server.authority {
        Some(path) => Some(
            std::fs::read(path).map_err(|error| KeyServerError::Authority { path: path.clone(), error })?,
        ),
        None => None,
    };
    let host = server.url.host_str().unwrap_or_default().to_owned();
    let client = GuardedClient::new(ClientOptions {
        // The operator named it, and it usually stands in a private network.
        allow_private: PrivateAddresses::Listed(vec![host.clone()]),
        connect_timeout: TIMEOUT,
        timeout: TIMEOUT,
        max_body: MAX_ANSWER,
        authorities,
        ..ClientOptions::default()
    })?;
    let mut call = Call::get(server.url.clone())
        .header(HeaderName::from_static("x-vault-token"), server.token.clone())
        .header(HeaderName::from_static("x-vault-request"), "true".to_owned().into());
    if let Some(namespace) = &server.namespace {
        call = call.header(HeaderName::from_static("x-vault-namespace"), namespace.clone().into());
    }
    let no_answer = |what: String| KeyServerError::NoAnswer { host: host.clone(), what };
    let answer = client.send(call).await.map_err(|failed: Failed| no_answer(failed.detail().to_owned()))?;
    let fields = fields(&answer).map_err(no_answer)?;
    let current = key(server, &fields, &server.field)?;
    let previous = server.previous_fields.iter().map(|field| key(server, &fields, field));
    Ok(MasterKeys::new(current, previous.collect::<Result<_, _>>()?))
}

/// The secret's fields, of either version of the engine.
fn fields(answer: &Answer) -> Result<Map<String, Value>, String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status != 200 {
        return Err(refusal(answer.status, &body));
    }
    let not_a_secret =
        || "the answer is no secret of a key-value engine; is master_key_vault_url right?".to_owned();
    let data = body.get("data").and_then(Value::as_object).ok_or_else(not_a_secret)?;
    // Only version 2 has metadata beside the data; a secret of version 1 may have a field called data.
    let inner = if data.get("metadata").is_some_and(Value::is_object) { data.get("data") } else { None };
    match inner {
        None => Ok(data.clone()),
        Some(Value::Object(inner)) => Ok(inner.clone()),
        Some(_) => {
            Err("the newest version of the secret was deleted; undelete it or write it anew".to_owned())
        }
    }
}

fn refusal(status: u16, body: &Value) -> String {
    let said: Vec<_> = body.get("errors").and_then(Value::as_array).into_iter().flatten().collect();
    let said: String = said.iter().filter_map(|text| text.as_str()).collect::<Vec<_>>().join("; ");
    let said: String = said.chars().filter(|letter| !letter.is_control()).take(200).collect();
    let next = match status {
        301..=308 => "it sends us elsewhere, which is not followed; name the active node or a load balancer",
        400 => "is the namespace right (master_key_vault_namespace)?",
        401 | 403 => {
            "the token may not read this secret, or has expired; give it the capability `read` on the path"
        }
        404 => {
            "there is no such secret; with version 2 of the engine its address has /data/ after the mount \
             (/v1/secret/data/psa-gateway)"
        }
        412 | 429 | 472 | 473 => "this node does not answer now; try again, or name the active one",
        503 => "it is sealed or under maintenance; unseal it",
        _ => "look into its log",
    };
    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
    format!("it answers {status}{said}: {next}")
}

fn key(server: &KeyServer, fields: &Map<String, Value>, field: &str) -> Result<MasterKey, KeyServerError> {
    let wrong = |problem: String| KeyServerError::Content {
        url: server.url.to_string(),
        field: field.to_owned(),
        problem,
    };
    let Some(value) = fields.get(field) else {
        let names: Vec<_> = fields.keys().take(20).map(String::as_str).collect();
        return Err(wrong(format!("there is no such field; the secret has: {}", names.join(", "))));
    };
    let text = value.as_str().ok_or_else(|| wrong("it is no text".to_owned()))?;
    let key = MasterKey::parse(&text.to_owned().into()).map_err(wrong)?;
    Ok(key.from_origin(format!("field {field} of {}", server.url)))
}

#[cfg(test)]
mod tests;
