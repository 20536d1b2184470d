//! Tickets: opening and reading.

use serde_json::{Map, Value, json};

use super::{
    Connection,
    conditions::Conditions,
    errors::Act,
    profile, site,
    wire::{self, chosen},
};
use crate::{
    psa::PsaError,
    tickets::remote::{RemoteTicket, TicketDraft},
};

/// The longest summary (vendor's document). Counted as .NET counts, in UTF-16 units.
const SUMMARY_UNITS: usize = 100;

/// What is asked of a ticket.
pub(super) const FIELDS: &str =
    "id,status,board,company,externalXRef,recordType,closedFlag,closedDate,closedBy,_info";

impl Connection {
    pub(super) async fn open(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        // Attached once the ticket is there; what is no id is refused before.
        profile::value(draft, "configuration").map(|value| chosen("configuration", value)).transpose()?;
        let body = self.new_ticket(draft)?;
        let answer = self.api.post(Act::Add, "/service/tickets", &body).await?;
        self.ticket(&answer).ok_or_else(|| PsaError::Unknown {
            detail: String::from("ConnectWise took the ticket and answered without its id"),
        })
    }

    /// Attaches a configuration, unless it is. ConnectWise refuses one that is attached already.
    pub(super) async fn attach_configuration(&self, ticket: &str, external_id: &str) -> Result<(), PsaError> {
        let id: i64 = chosen("configuration", external_id)?;
        let path = format!("/service/tickets/{}/configurations", ticket_id(ticket)?);
        if self.api.record(&format!("{path}/{id}"), &[("fields", "id".to_owned())]).await?.is_some() {
            return Ok(());
        }
        self.api.post(Act::Edit, &path, &json!({ "id": id })).await.map(|_| ())
    }

    pub(super) async fn read(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError> {
        let Some(row) = self.raw_ticket(ticket_id(external_id)?).await? else { return Ok(None) };
        let Some(ticket) = self.ticket(&row) else { return Ok(None) };
        // The name stays on a ticket that was opened again.
        let is_asked = with_closer && wire::is(&row, "closedFlag") != Some(false);
        let closed_by = match wire::text(&row, "closedBy").filter(|_| is_asked) {
            Some(who) => Some(self.member_name(who).await?),
            None => None,
        };
        Ok(Some(RemoteTicket { closed_by, ..ticket }))
    }

    /// What people call the member of that identifier; the identifier where ConnectWise does not say.
    async fn member_name(&self, identifier: &str) -> Result<String, PsaError> {
        let fallback = super::errors::short(identifier);
        let Ok(conditions) = Conditions::default().word("identifier", identifier) else {
            return Ok(fallback);
        };
        let query = [
            ("conditions", conditions.text()),
            ("fields", String::from("identifier,firstName,lastName")),
            ("pageSize", String::from("1")),
        ];
        let rows = match self.api.rows("/system/members", &query).await {
            Ok(rows) => rows.items,
            // Worth a look, not a failure: the login may not be allowed to see members.
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => return Ok(fallback),
            Err(error) => return Err(error),
        };
        let name = rows.first().map(|row| {
            let part = |key| wire::text(row, key).unwrap_or_default();
            super::errors::short(&format!("{} {}", part("firstName"), part("lastName")))
        });
        Ok(name.filter(|name| !name.is_empty()).unwrap_or(fallback))
    }

    /// A ticket's row; none where there is none, and for tickets of projects, which stand elsewhere.
    pub(super) async fn raw_ticket(&self, id: i64) -> Result<Option<Value>, PsaError> {
        self.api.record(&format!("/service/tickets/{id}"), &[("fields", FIELDS.to_owned())]).await
    }

    /// Our picture of a row.
    pub(super) fn ticket(&self, row: &Value) -> Option<RemoteTicket> {
        let id = wire::id(row, "id")?;
        let login = &self.api.login;
        Some(RemoteTicket {
            external_id: id.to_string(),
            number: None,
            url: site::ticket_page(&login.site, &login.company_id, id),
            company_external_id: wire::reference(row, "company").map(|id| id.to_string()),
            status: wire::reference(row, "status").map(|id| id.to_string()),
            status_label: wire::name(row, "status").map(ToOwned::to_owned),
            board: wire::reference(row, "board").map(|id| id.to_string()),
            marker: wire::text(row, "externalXRef")
                .filter(|text| wire::is_marker(text))
                .map(ToOwned::to_owned),
            updated_at: wire::info_time(row, "lastUpdated"),
            closed_at: wire::time(row, "closedDate"),
            closed_by: None,
        })
    }

    /// A ticket as ConnectWise wants it. Our mark stands in `externalXRef`, which can be searched for, and on
    /// the last line of the first note, should another integration overwrite that field.
    fn new_ticket(&self, draft: &TicketDraft) -> Result<Value, PsaError> {
        let title = one_line(&draft.title);
        let summary = cut(&title, SUMMARY_UNITS);
        let whole_title = if summary == title { String::new() } else { format!("{title}\n\n") };
        let body = clean(&draft.body);
        let text = format!("{whole_title}{}\n\n{}", body.trim_end(), wire::reference_line(&draft.marker));
        let mut item = Map::new();
        item.insert("summary".into(), json!(summary));
        item.insert("initialDescription".into(), json!(text.trim_start()));
        item.insert("company".into(), json!({ "id": chosen("company", &draft.company_external_id)? }));
        item.insert("externalXRef".into(), json!(draft.marker));
        if let Some(status) = &draft.status {
            item.insert("status".into(), json!({ "id": chosen("status", status)? }));
        }
        profile::fill(&mut item, draft, self.api.http.clock.now())?;
        Ok(Value::Object(item))
    }
}

/// Whether a row is a project's ticket; those are in some lists too.
pub(super) fn is_of_project(row: &Value) -> bool {
    wire::text(row, "recordType").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("project"))
}

pub(super) fn ticket_id(external_id: &str) -> Result<i64, PsaError> {
    chosen("id", external_id)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect()
}

/// At most so many UTF-16 units, with a sign where something is missing.
fn cut(text: &str, units: usize) -> String {
    if text.encode_utf16().count() <= units {
        return text.to_owned();
    }
    let mut left = units - 1;
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// Without control characters other than line ends and tabs.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_summary_never_exceeds_the_limit_and_begins_as_the_title_does(title in "\\PC{0,220}") {
            let summary = cut(&title, SUMMARY_UNITS);
            prop_assert!(summary.encode_utf16().count() <= SUMMARY_UNITS);
            prop_assert!(title.starts_with(summary.trim_end_matches('…').trim_end()));
        }
    }
}
