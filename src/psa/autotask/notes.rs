//! Notes on tickets, and who gets to see them.

use serde_json::{Value, json};

use super::{
    Connection,
    api::{Query, condition},
    draft::cut_at,
    fields::Choice,
    wire,
};
use crate::{psa::PsaError, tickets::remote::NoteDraft};

/// The built-in value "All Autotask Users", which shows a note to the customer in the portal.
const EVERYBODY: i64 = 1;
/// The built-in type of an ordinary note.
const ORDINARY: i64 = 1;
/// Lengths that are safe where Autotask does not say more. From memory; newer instances take ten times the text.
const TITLE: usize = 250;
const DESCRIPTION: usize = 3_200;
/// What the reference may take of the room.
const REFERENCE: usize = 100;

impl Connection {
    pub(super) async fn write_note(&self, external_id: &str, note: &NoteDraft) -> Result<(), PsaError> {
        let ticket = wire::record_id("id", external_id)?;
        let (kind, publish) = self.filing(note).await?;
        let (text, _) = self.note_part(&note.text).await;
        let first = text.lines().map(wire::one_line).find(|line| !line.is_empty());
        // A category may demand a title.
        let title = first.unwrap_or_else(|| String::from("Note"));
        let item = json!({
            "title": wire::split(&title, TITLE).0,
            "description": format!("{}\n\n{}", text.trim_end(), wire::reference_line(&note.marker)),
            "noteType": kind,
            "publish": publish,
        });
        // Through the ticket: the flat address answers 404 (tegwin/AutotaskMCP#1).
        self.api.create(&format!("Tickets/{ticket}/Notes"), &item).await?;
        Ok(())
    }

    /// As much of a text as fits into one note beside our reference, and the rest.
    pub(super) async fn note_part(&self, text: &str) -> (String, String) {
        let text = wire::clean(text);
        let room = self.room("TicketNotes", "description", &text, DESCRIPTION - REFERENCE).await;
        // What Autotask names is for the whole description.
        let room = if room > DESCRIPTION - REFERENCE { room - REFERENCE } else { room };
        cut_at(&text, room)
    }

    /// Type and visibility of a note. Guessing the visibility has shown internal texts to customers
    /// (WYRE-AI/autotask-mcp#126), so a private note goes out only with a value that the tenant's own list
    /// calls internal.
    async fn filing(&self, note: &NoteDraft) -> Result<(i64, i64), PsaError> {
        let field = |key: &str| {
            let value = note.fields.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
            value.map(|value| wire::number(key, value)).transpose()
        };
        let (kind, publish) = (field("note_type")?, field("note_publish")?);
        let lists = match self.fields_of("TicketNotes").await {
            Ok(lists) => Some(lists),
            Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => {
                tracing::debug!(%error, "the lists of ticket notes cannot be read");
                None
            }
            Err(error) => return Err(error),
        };
        let choices = |name: &str| lists.as_deref().map(|lists| lists.choices(name)).unwrap_or_default();
        let kind = kind.unwrap_or_else(|| usual_type(choices("noteType")));
        let publish = if note.is_private {
            internal(choices("publish"), publish).ok_or_else(|| PsaError::Rejected {
                field: Some(String::from("publish")),
                reason: String::from(
                    "the note is private, and Autotask shows no internal value in the list of who may see notes; \
                     it was not written",
                ),
            })?
        } else {
            publish.unwrap_or(EVERYBODY)
        };
        Ok((kind, publish))
    }

    pub(super) async fn look_for_note(&self, external_id: &str, marker: &str) -> Result<bool, PsaError> {
        let ticket = wire::record_id("id", external_id)?;
        // The ticket's own path gives one page and no word on where it goes on.
        let query = Query {
            entity: "TicketNotes",
            fields: &["id", "ticketID", "description"],
            filter: vec![condition("eq", "ticketID", ticket)],
        };
        let has = |row: &Value| {
            wire::int(row, "ticketID").is_none_or(|id| id == ticket)
                && wire::text(row, "description").is_some_and(|text| wire::has_reference(text, marker))
        };
        Ok(self.api.all(&query).await?.iter().any(has))
    }
}

fn usual_type(choices: &[Choice]) -> i64 {
    let usable = |wanted: &dyn Fn(&Choice) -> bool| {
        let found = choices.iter().find(|choice| choice.is_active && wanted(choice));
        found.and_then(|choice| choice.value.parse().ok())
    };
    if choices.is_empty() || usable(&|choice| choice.value == ORDINARY.to_string()).is_some() {
        return ORDINARY;
    }
    usable(&|choice| choice.is_default).or_else(|| usable(&|_| true)).unwrap_or(ORDINARY)
}

/// A value that hides a note from the customer: the one asked for where it does, else Autotask's own.
fn internal(choices: &[Choice], wanted: Option<i64>) -> Option<i64> {
    let mut hidden: Vec<_> = choices.iter().filter(|choice| is_internal(choice)).collect();
    hidden.sort_by_key(|choice| !choice.is_system);
    let values: Vec<i64> = hidden.iter().filter_map(|choice| choice.value.parse().ok()).collect();
    wanted.filter(|wanted| values.contains(wanted)).or_else(|| values.first().copied())
}

/// Whether a value hides a note from everybody at the customer's. By its label in the languages of the
/// vendor's zones (English, German, Spanish); what is shared with co-managed users is not hidden, they are the
/// customer's.
fn is_internal(choice: &Choice) -> bool {
    const OTHERS: [&str; 13] = [
        "managed",
        "client",
        "customer",
        "portal",
        "extern",
        "all autotask",
        "everyone",
        "kunde",
        "alle",
        "cliente",
        "todos",
        "public",
        "öffentlich",
    ];
    let label = choice.label.to_lowercase();
    choice.is_active
        && choice.value != EVERYBODY.to_string()
        && label.split(|c: char| !c.is_alphanumeric()).any(|word| {
            word.starts_with("intern") && !word.starts_with("internat") && !word.starts_with("internet")
        })
        && !OTHERS.iter().any(|other| label.contains(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choice(value: &str, label: &str) -> Choice {
        Choice { value: value.into(), label: label.into(), is_active: true, ..Choice::default() }
    }

    #[test]
    fn only_what_the_list_calls_internal_hides_a_note() {
        let usual = [
            choice("1", "All Autotask Users"),
            choice("4", "Internal & Co-Managed"),
            choice("2", "Internal Project Team"),
        ];
        assert_eq!(internal(&usual, None), Some(2));
        assert_eq!(internal(&usual, Some(1)), Some(2), "the profile's choice shows it to everybody");
        assert_eq!(internal(&usual, Some(4)), Some(2), "co-managed users are the customer's");
        assert_eq!(internal(&usual, Some(99)), Some(2));
        let own = [choice("7", "Interne Notiz"), Choice { is_system: true, ..choice("8", "Uso interno") }];
        assert_eq!((internal(&own, None), internal(&own, Some(7))), (Some(8), Some(7)));
        for label in [
            "All Autotask Users",
            "Internal and client",
            "Internet",
            "International",
            "Project Team",
            "",
            "Kunde & intern",
            "Internal (customer portal)",
        ] {
            assert_eq!(internal(&[choice("2", label)], Some(2)), None, "{label}");
        }
        assert_eq!(internal(&[choice("1", "Internal")], Some(1)), None, "1 is never internal");
        assert_eq!(internal(&[Choice { is_active: false, ..choice("2", "Internal") }], None), None);
    }

    proptest! {
        #[test]
        fn the_value_that_everybody_sees_is_never_chosen(
            labels in prop::collection::vec("(Internal|All|intern)? ?\\PC{0,10}", 0..6), wanted in 0_i64..7,
        ) {
            let choices: Vec<_> =
                labels.iter().enumerate().map(|(at, label)| choice(&at.to_string(), label)).collect();
            prop_assert_ne!(internal(&choices, Some(wanted)), Some(EVERYBODY));
        }
    }
}
