//! Notes, which Syncro calls comments, and what they tell about a close.

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    Connection,
    paging::Place,
    tickets::{signed, ticket_id},
    wire,
};
use crate::{psa::PsaError, tickets::remote::NoteDraft};

/// Every comment needs a subject, though the vendor's document does not say so (a live test of the API).
const SUBJECT: &str = "PSA Gateway";

/// How many comments a page is asked for; the only list that heeds it.
const PER_PAGE: &str = "100";

/// How many pages of comments are looked through; more than that cannot be told.
const PAGES: usize = 20;

/// A comment so close to the time of a close was written along with it.
const CLOSE_SECS: i64 = 60;

impl Connection {
    pub(super) async fn write_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError> {
        let id = ticket_id(external_id)?;
        let comment = json!({
            "subject": SUBJECT,
            "body": signed(&note.text, &note.marker),
            "hidden": note.is_private,
            // Of the three ways to write one, the only one with mail is the public one without this.
            "do_not_email": true,
        });
        let answer = self.api.post(&format!("/tickets/{id}/comment"), &comment).await?;
        let Some(written) = wire::record(answer, "comment") else {
            let detail = String::from("Syncro took the note and answered without its id");
            return Err(PsaError::Unknown { detail });
        };
        if note.is_private && wire::is(&written, "hidden") == Some(false) {
            // Nothing can be taken back by the API, and once more would only show it twice.
            return Err(PsaError::Rejected {
                field: Some(String::from("hidden")),
                reason: String::from(
                    "Syncro wrote the note and shows it to the customer although it was sent hidden; hide it on the ticket",
                ),
            });
        }
        Ok(())
    }

    pub(super) async fn look_for_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError> {
        let path = format!("/tickets/{}/comments", ticket_id(external_id)?);
        let mut place = Some(Place::START);
        for _ in 0..PAGES {
            let Some(at) = place.take() else { break };
            let page = self.page(&path, "comments", &oldest_first(), at).await?;
            let has = |row: &Value| wire::text(row, "body").is_some_and(|t| wire::has_reference(t, marker));
            if page.items.iter().any(has) {
                return Ok(true);
            }
            place = page.next;
        }
        if place.is_some() {
            let detail = String::from("the ticket has more comments than can be looked through");
            return Err(PsaError::Unavailable { detail });
        }
        Ok(false)
    }

    /// The text of a ticket's first comment; none where it has none.
    pub(super) async fn description(&self, id: i64) -> Result<Option<String>, PsaError> {
        let page =
            self.page(&format!("/tickets/{id}/comments"), "comments", &oldest_first(), Place::START).await?;
        let comments = json!({ "comments": page.items });
        Ok(wire::first_comment(&comments)
            .and_then(|comment| wire::text(comment, "body"))
            .map(ToOwned::to_owned))
    }

    /// Who wrote the comment that came with a close. Syncro keeps no other trace of who closed a ticket: its
    /// `user` is whom it is assigned to. A reply of the customer has no user and closes nothing.
    pub(super) async fn closing_comment(
        &self,
        external_id: &str,
        closed_at: Timestamp,
    ) -> Result<Option<String>, PsaError> {
        let path = format!("/tickets/{}/comments", ticket_id(external_id)?);
        let mut query = oldest_first().to_vec();
        query.push(("created_after", wire::sent_time(closed_at.plus_secs(-CLOSE_SECS - 1))));
        let page = self.page(&path, "comments", &query, Place::START).await?;
        let nearest = page
            .items
            .iter()
            .filter(|comment| wire::id(comment, "user_id").is_some())
            .filter(|comment| !wire::text(comment, "body").is_some_and(wire::is_ours))
            .filter_map(|comment| {
                let apart = wire::time(comment, "created_at")?.millis_since(closed_at).abs();
                (apart <= CLOSE_SECS * 1_000).then_some((apart, comment))
            })
            .min_by_key(|(apart, _)| *apart);
        Ok(nearest.and_then(|(_, comment)| author(comment)))
    }
}

pub(super) fn oldest_first() -> [(&'static str, String); 3] {
    [
        ("sort_by", String::from("created_at")),
        ("sort_direction", String::from("ASC")),
        ("per_page", PER_PAGE.to_owned()),
    ]
}

pub(super) fn author(comment: &Value) -> Option<String> {
    let user = comment.get("user");
    let name = wire::text(comment, "tech").or_else(|| wire::text(user?, "full_name"));
    name.map(ToOwned::to_owned).or_else(|| Some(format!("user {}", wire::id(comment, "user_id")?)))
}
