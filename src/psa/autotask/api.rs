//! Calls to the API, classified.

use reqwest::{Method, header::HeaderName};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    credentials::Login,
    errors::{self, Kind},
    wire,
    zone::{Zone, Zones},
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, Outbound},
};

/// Rows of a page: Autotask's own maximum.
pub(super) const PAGE_SIZE: usize = 500;
/// Pages of a list that is read whole; more are not ours to load.
const PAGES: usize = 40;

/// One login's way to the API.
pub(super) struct Api {
    pub(super) login: Login,
    pub(super) http: Outbound,
    pub(super) zones: Zones,
}

/// What to ask a list for.
pub(super) struct Query<'a> {
    pub(super) entity: &'a str,
    /// Empty for all.
    pub(super) fields: &'a [&'a str],
    /// All of them must hold.
    pub(super) filter: Vec<Value>,
}

/// One page of a list, by rising id.
pub(super) struct Page {
    pub(super) rows: Vec<Value>,
    /// The id to go on after.
    pub(super) next: Option<i64>,
}

/// A condition of a query. Values travel as JSON, so no text can become part of the condition.
pub(super) fn condition(op: &str, field: &str, value: impl Into<Value>) -> Value {
    json!({ "op": op, "field": field, "value": value.into() })
}

impl Api {
    pub(super) fn new(login: Login, http: Outbound) -> Self {
        Self { login, http, zones: Zones::default() }
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str) -> Result<Value, PsaError> {
        let answer = self.exchange(Kind::Read, &Method::GET, path, None).await?;
        self.classify(Kind::Read, path, &answer)
    }

    /// Reads one record; none where there is none, which Autotask says in two ways.
    pub(super) async fn get_item(&self, entity: &str, id: i64) -> Result<Option<Value>, PsaError> {
        let path = format!("{entity}/{id}");
        let answer = self.exchange(Kind::Read, &Method::GET, &path, None).await?;
        if answer.status == 404 && !errors::is_page(&answer) {
            return Ok(None);
        }
        let answer = self.classify(Kind::Read, &path, &answer)?;
        let item = wire::get(&answer, "item").or_else(|| wire::items(&answer)?.first());
        match item {
            Some(Value::Null) => Ok(None),
            Some(row @ Value::Object(_)) if wire::id(row, "id") == Some(id) => Ok(Some(row.clone())),
            _ => Err(PsaError::Unavailable {
                detail: format!("Autotask's answer to {entity} does not hold what was asked for"),
            }),
        }
    }

    /// One page of a list: rows with an id above `after`.
    pub(super) async fn page(
        &self,
        query: &Query<'_>,
        after: Option<i64>,
        size: usize,
    ) -> Result<Page, PsaError> {
        let path = format!("{}/query", query.entity);
        // A filter may not be empty, and id 0 is the MSP's own company.
        let mut filter = vec![condition("gt", "id", after.unwrap_or(-1))];
        filter.extend(query.filter.iter().cloned());
        let mut body = json!({ "maxRecords": size, "filter": filter });
        if let (Some(object), false) = (body.as_object_mut(), query.fields.is_empty()) {
            object.insert("includeFields".into(), json!(query.fields));
        }
        let answer = self.exchange(Kind::Read, &Method::POST, &path, Some(&body)).await?;
        let answer = self.classify(Kind::Read, &path, &answer)?;
        let broken = |what: &str| PsaError::Unavailable {
            detail: format!("Autotask's list of {} {what}", query.entity),
        };
        let mut rows = wire::items(&answer).ok_or_else(|| broken("is not in its answer"))?.clone();
        rows.sort_by_key(|row| wire::id(row, "id"));
        let has_more = rows.len() >= size
            || wire::get(&answer, "pageDetails").and_then(|d| wire::text(d, "nextPageUrl")).is_some();
        let last = rows.last().and_then(|row| wire::id(row, "id"));
        if rows.iter().any(|row| wire::id(row, "id").is_none_or(|id| after.is_some_and(|after| id <= after)))
        {
            return Err(broken("ignores where it was to go on, or has rows without an id"));
        }
        Ok(Page { rows, next: last.filter(|_| has_more) })
    }

    /// How many rows a list has; none where Autotask does not say it.
    pub(super) async fn count(&self, query: &Query<'_>) -> Result<Option<u64>, PsaError> {
        let path = format!("{}/query/count", query.entity);
        let mut filter = vec![condition("gt", "id", -1)];
        filter.extend(query.filter.iter().cloned());
        let body = json!({ "filter": filter });
        let answer = self.exchange(Kind::Read, &Method::POST, &path, Some(&body)).await?;
        let answer = self.classify(Kind::Read, &path, &answer)?;
        Ok(wire::int(&answer, "queryCount").and_then(|count| u64::try_from(count).ok()))
    }

    /// All rows of a list.
    pub(super) async fn all(&self, query: &Query<'_>) -> Result<Vec<Value>, PsaError> {
        let mut rows = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let page = self.page(query, after, PAGE_SIZE).await?;
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(rows);
            }
        }
        Err(PsaError::Unavailable {
            detail: format!("Autotask has too many {} to read them all", query.entity),
        })
    }

    /// Creates something; gives its id, which is all that Autotask answers.
    pub(super) async fn create(&self, path: &str, body: &Value) -> Result<i64, PsaError> {
        self.write(&Method::POST, path, Some(body)).await
    }

    /// Changes what is named. The id stands in the body: with one in the path Autotask answers 405.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<i64, PsaError> {
        self.write(&Method::PATCH, path, Some(body)).await
    }

    /// Takes something away.
    pub(super) async fn delete(&self, path: &str) -> Result<i64, PsaError> {
        self.write(&Method::DELETE, path, None).await
    }

    async fn write(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<i64, PsaError> {
        let answer = self.exchange(Kind::Write, method, path, body).await?;
        let answer = self.classify(Kind::Write, path, &answer)?;
        wire::id(&answer, "itemId").ok_or_else(|| PsaError::Unknown {
            detail: String::from("Autotask took it and answered without its id"),
        })
    }

    fn classify(&self, kind: Kind, path: &str, answer: &Answer) -> Result<Value, PsaError> {
        let wait = answer.retry_after_secs(&self.http.clock);
        let result = errors::classify(kind, path, &self.login, answer, wait);
        if let Err(PsaError::RateLimited { retry_after_secs: Some(wait) }) = result {
            // The limit is the tenant's, not the call's: nothing else goes out meanwhile.
            self.http.hold(wait);
        }
        result
    }

    /// Sends, and once more to the zone that the login was moved to. A 401 and a 404 in HTML mean that
    /// nothing was done, so a write may be repeated.
    async fn exchange(
        &self,
        kind: Kind,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, PsaError> {
        let zone = self.zones.current(&self.login, &self.http).await?;
        let answer = self.send(kind, method, &zone, path, body).await?;
        let may_have_moved = answer.status == 401 || (answer.status == 404 && errors::is_page(&answer));
        if may_have_moved && let Some(zone) = self.zones.moved(&self.login, &self.http, &zone).await {
            return self.send(kind, method, &zone, path, body).await;
        }
        Ok(answer)
    }

    async fn send(
        &self,
        kind: Kind,
        method: &Method,
        zone: &Zone,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, PsaError> {
        let url = zone
            .base
            .join(path)
            .map_err(|_| PsaError::Unavailable { detail: String::from("the address cannot be extended") })?;
        let call = match (method, body) {
            (&Method::POST, Some(body)) => Call::post_json(url, body),
            (&Method::PATCH, Some(body)) => Call::patch_json(url, body),
            (&Method::DELETE, _) => Call::delete(url),
            _ => Call::get(url),
        };
        let call = call
            .header(HeaderName::from_static("apiintegrationcode"), self.login.integration_code.clone())
            .header(HeaderName::from_static("username"), SecretString::from(self.login.username.as_str()))
            .header(HeaderName::from_static("secret"), self.login.secret.clone());
        let sent = self.http.send(call).await;
        sent.map_err(|failed| if kind == Kind::Read { failed.for_read() } else { failed.for_write() })
    }

    /// Where a person sees a ticket in the browser.
    pub(super) async fn ticket_page(&self, id: i64) -> Option<String> {
        let zone = self.zones.current(&self.login, &self.http).await.ok()?;
        let mut url = zone.web?.join("Autotask/AutotaskExtend/ExecuteCommand.aspx").ok()?;
        url.query_pairs_mut()
            .append_pair("Code", "OpenTicketDetail")
            .append_pair("TicketID", &id.to_string());
        Some(url.into())
    }
}
