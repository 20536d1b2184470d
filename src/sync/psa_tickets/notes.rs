//! Keeping the copy of tickets' notes in step: those of tickets that changed are read, one ticket at a time.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{BTreeMap, HashMap};

use entity::{Timestamp, psa_ticket, psa_ticket_note};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::remote::RemoteNote;
use crate::{db::portions, ground::Ground, sync::companies::plain};

/// How many rows go into one statement.
const BATCH: usize = 512;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_AUTHOR: usize = 255;
/// How much of one note is kept, in characters.
const MAX_TEXT: usize = 20_000;

/// The connection's ticket whose notes are to be read next.
pub async fn next_due(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<Option<psa_ticket::Model>, DbErr> {
    use psa_ticket::Column as C;
    psa_ticket::Entity::find()
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::IsNotesDue.eq(true))
        .order_by_asc(C::Id)
        .one(db)
        .await
}

/// Says that a ticket's notes were read as of a reading of it: not where it was read anew since.
pub async fn read_now(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    ticket: &psa_ticket::Model,
) -> Result<(), DbErr> {
    use psa_ticket::Column as C;
    psa_ticket::Entity::update_many()
        .col_expr(C::IsNotesDue, Expr::value(false))
        .col_expr(C::NotesReadAt, Expr::value(Some(ground.clock.now())))
        .filter(C::OrganizationId.eq(ticket.organization_id))
        .filter(C::Id.eq(ticket.id))
        .filter(C::SyncedAt.eq(ticket.synced_at))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Stores all notes of a ticket as the PSA has just shown them: new and other ones are written, those that are gone are
/// removed, what is as it was is not touched.
pub async fn store_notes(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    ticket: &psa_ticket::Model,
    items: &[RemoteNote],
) -> Result<(), DbErr> {
    use psa_ticket_note::Column as C;
    let ours = || {
        psa_ticket_note::Entity::find()
            .filter(C::OrganizationId.eq(ticket.organization_id))
            .filter(C::PsaTicketId.eq(ticket.id))
    };
    let mut known: HashMap<String, psa_ticket_note::Model> =
        ours().all(tx).await?.into_iter().map(|row| (row.external_id.clone(), row)).collect();
    // One row an id: a statement may not touch a row twice.
    let wanted: BTreeMap<String, psa_ticket_note::Model> = items
        .iter()
        .filter_map(|item| read(ground, ticket, item))
        .map(|row| (row.external_id.clone(), row))
        .collect();
    let mut written = Vec::new();
    for (external_id, row) in wanted {
        let old = known.remove(&external_id);
        let same = old.as_ref().is_some_and(|old| {
            *old == psa_ticket_note::Model { id: old.id, synced_at: old.synced_at, ..row.clone() }
        });
        if !same {
            written.push(row.into_active_model().reset_all());
        }
    }
    for written in portions::of(&written, BATCH) {
        psa_ticket_note::Entity::insert_many(written.iter().cloned())
            .on_conflict(
                OnConflict::columns([C::PsaTicketId, C::ExternalId])
                    .update_columns([C::Text, C::Author, C::IsInternal, C::WrittenAt, C::SyncedAt])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    let gone: Vec<Uuid> = known.into_values().map(|row| row.id).collect();
    for gone in gone.chunks(BATCH) {
        psa_ticket_note::Entity::delete_many()
            .filter(C::OrganizationId.eq(ticket.organization_id))
            .filter(C::Id.is_in(gone.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// A note from outside as a row; none where it has no id that can be kept, or says nothing.
fn read(ground: &Ground, ticket: &psa_ticket::Model, item: &RemoteNote) -> Option<psa_ticket_note::Model> {
    let now = ground.clock.now();
    let external_id = plain(&item.external_id, usize::MAX);
    if external_id.is_empty() || external_id.chars().count() > MAX_EXTERNAL_ID {
        return None;
    }
    let is_kept = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let text: String = item.text.chars().filter(is_kept).take(MAX_TEXT).collect();
    let text = text.trim().to_owned();
    (!text.is_empty()).then(|| psa_ticket_note::Model {
        id: ground.chance.id(now),
        organization_id: ticket.organization_id,
        psa_connection_id: ticket.psa_connection_id,
        psa_ticket_id: ticket.id,
        external_id,
        text,
        author: item
            .author
            .as_deref()
            .map(|author| plain(author, MAX_AUTHOR))
            .filter(|author| !author.is_empty()),
        is_internal: item.is_internal,
        written_at: item.written_at.unwrap_or(Timestamp::from_secs(0)),
        synced_at: now,
    })
}
