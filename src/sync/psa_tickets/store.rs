//! Keeping the copy of tickets in step: what is new or other is written, what is as it was is not touched.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{Timestamp, company_mapping, contact, psa_ticket};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::OnConflict,
};
use uuid::Uuid;

use super::remote::{Named, RemotePsaTicket};
use crate::{
    db::portions,
    ground::Ground,
    sync::{
        companies::{plain, web_address},
        mapped,
        pick_lists::{self, LoadedList},
        runs::{Counts, Failure},
    },
};

/// How many rows go into one statement: twenty-six columns each, and SQLite takes 32,766 values.
const BATCH: usize = 512;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_TEXT: usize = 255;
const MAX_SUMMARY: usize = 500;

/// Of which connection tickets are taken over.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Whose.
    pub organization_id: Uuid,
    /// Through which connection they were read.
    pub psa_connection_id: Uuid,
    /// The platform's pick list of boards.
    pub board_list: Option<&'static str>,
}

/// What became of tickets that were stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// How many were new, other, the same, or could not be taken.
    pub counts: Counts,
    /// Those that could not, and how to mend it.
    pub failures: Vec<Failure>,
}

/// Names that the copy knows and the PSA's answer does not say.
struct Names {
    lists: BTreeMap<String, LoadedList>,
    contacts: HashMap<String, String>,
    board_list: Option<&'static str>,
}

impl Names {
    async fn read(tx: &impl ConnectionTrait, plan: Plan, items: &[RemotePsaTicket]) -> Result<Self, DbErr> {
        let lists = pick_lists::of_connection(tx, plan.organization_id, plan.psa_connection_id).await?;
        let nameless = items.iter().filter(|item| item.contact_name.is_none());
        let ids: HashSet<&str> =
            nameless.filter_map(|item| item.contact_external_id.as_deref()).take(BATCH).collect();
        let mut contacts = HashMap::new();
        if !ids.is_empty() {
            let rows: Vec<(String, String)> = contact::Entity::find()
                .select_only()
                .columns([contact::Column::ExternalId, contact::Column::Name])
                .filter(contact::Column::OrganizationId.eq(plan.organization_id))
                .filter(contact::Column::PsaConnectionId.eq(plan.psa_connection_id))
                .filter(contact::Column::ExternalId.is_in(portions::filled(ids)))
                .into_tuple()
                .all(tx)
                .await?;
            contacts.extend(rows);
        }
        Ok(Self { lists, contacts, board_list: plan.board_list })
    }

    /// A value's name: as the answer has it, else as a pick list has it.
    fn label(&self, list: Option<&str>, named: Option<&Named>) -> Option<String> {
        let named = named?;
        let of_list = || {
            let items = &self.lists.get(list?)?.items;
            items.iter().find(|item| item.value == named.value).map(|item| item.label.clone())
        };
        named.label.clone().or_else(of_list)
    }

    fn is_closed(&self, item: &RemotePsaTicket) -> bool {
        let of_list = || {
            let status = item.status.as_ref()?;
            let items = &self.lists.get("status")?.items;
            items.iter().find(|known| known.value == status.value)?.closes
        };
        item.is_closed.or_else(of_list).unwrap_or(item.closed_at.is_some())
    }
}

/// Stores tickets as a PSA has just shown them: those of companies that are mapped; one that was moved to another company
/// leaves the copy. What is as it was is not written. Texts come from outside: they are cut to their columns.
pub async fn store_tickets(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    plan: Plan,
    items: &[RemotePsaTicket],
) -> Result<Stored, DbErr> {
    use psa_ticket::Column as C;
    let mut stored = Stored::default();
    let ids = items.iter().filter_map(|item| item.company_external_id.as_ref());
    let owners =
        mapped::by_external_id(tx, plan.organization_id, plan.psa_connection_id, ids, Condition::all())
            .await?;
    let is_theirs =
        |item: &&RemotePsaTicket| item.company_external_id.as_ref().is_some_and(|id| owners.contains_key(id));
    let others = items.iter().filter(|item| !is_theirs(item)).map(|item| item.external_id.as_str());
    remove(tx, plan, others.collect()).await?;
    if owners.is_empty() {
        return Ok(stored);
    }
    let names = Names::read(tx, plan, items).await?;
    // One row an id: a statement may not touch a row twice.
    let mut wanted = BTreeMap::new();
    for item in items {
        let owner = item.company_external_id.as_ref().and_then(|id| owners.get(id));
        let Some(owner) = owner else { continue };
        match read(ground, plan, *owner, &names, item) {
            Ok(row) => {
                wanted.insert(row.external_id.clone(), row);
            }
            Err(failure) => {
                stored.counts.failed += 1;
                stored.failures.push(failure);
            }
        }
    }
    let wanted: Vec<_> = wanted.into_values().collect();
    for batch in wanted.chunks(BATCH) {
        let ids = portions::filled(batch.iter().map(|row| row.external_id.as_str()));
        let known: HashMap<String, psa_ticket::Model> = psa_ticket::Entity::find()
            .filter(C::OrganizationId.eq(plan.organization_id))
            .filter(C::PsaConnectionId.eq(plan.psa_connection_id))
            .filter(C::ExternalId.is_in(ids))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.external_id.clone(), row))
            .collect();
        let written: Vec<_> = batch
            .iter()
            .filter_map(|row| settle(known.get(&row.external_id), row, &mut stored.counts))
            .map(|row| row.into_active_model().reset_all())
            .collect();
        for written in portions::of(&written, BATCH) {
            psa_ticket::Entity::insert_many(written.iter().cloned())
                .on_conflict(
                    OnConflict::columns([C::PsaConnectionId, C::ExternalId])
                        .update_columns([
                            C::PsaCompanyId,
                            C::Number,
                            C::Board,
                            C::BoardLabel,
                            C::Status,
                            C::StatusLabel,
                            C::IsClosed,
                            C::Priority,
                            C::PriorityLabel,
                            C::TicketType,
                            C::Summary,
                            C::ContactExternalId,
                            C::ContactName,
                            C::Requester,
                            C::ExternalUrl,
                            C::OpenedAt,
                            C::UpdatedAt,
                            C::ClosedAt,
                            C::IsNotesDue,
                            C::ChangedAt,
                            C::SyncedAt,
                        ])
                        .to_owned(),
                )
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(stored)
}

/// Takes tickets that belong to nobody who is mapped from the copy: whose company it was must not see it any longer.
async fn remove(tx: &impl ConnectionTrait, plan: Plan, external_ids: Vec<&str>) -> Result<(), DbErr> {
    use psa_ticket::Column as C;
    for ids in external_ids.chunks(BATCH) {
        psa_ticket::Entity::delete_many()
            .filter(C::OrganizationId.eq(plan.organization_id))
            .filter(C::PsaConnectionId.eq(plan.psa_connection_id))
            .filter(C::ExternalId.is_in(portions::filled(ids.iter().copied())))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// The row as it is to be written; none where it is as it was.
fn settle(
    known: Option<&psa_ticket::Model>,
    new: &psa_ticket::Model,
    counts: &mut Counts,
) -> Option<psa_ticket::Model> {
    let Some(old) = known else {
        counts.created += 1;
        return Some(new.clone());
    };
    let same = psa_ticket::Model {
        id: old.id,
        is_notes_due: old.is_notes_due,
        notes_read_at: old.notes_read_at,
        changed_at: old.changed_at,
        synced_at: old.synced_at,
        ..new.clone()
    };
    if same == *old {
        counts.unchanged += 1;
        return None;
    }
    counts.updated += 1;
    Some(psa_ticket::Model { id: old.id, changed_at: Some(new.synced_at), ..new.clone() })
}

/// A ticket from outside as a row.
fn read(
    ground: &Ground,
    plan: Plan,
    psa_company_id: Uuid,
    names: &Names,
    item: &RemotePsaTicket,
) -> Result<psa_ticket::Model, Failure> {
    let now = ground.clock.now();
    let external_id = plain(&item.external_id, usize::MAX);
    let summary = plain(&item.summary, MAX_SUMMARY);
    let length = external_id.chars().count();
    if external_id.is_empty() || length > MAX_EXTERNAL_ID {
        let message = format!(
            "its id in the PSA has {length} characters, 1 to {MAX_EXTERNAL_ID} are allowed; look at it in the PSA"
        );
        let name = Some(plain(&summary, MAX_TEXT)).filter(|name| !name.is_empty());
        return Err(Failure {
            external_id: Some(external_id.chars().take(MAX_TEXT).collect()),
            name,
            message,
        });
    }
    let text =
        |text: Option<&str>, most: usize| text.map(|text| plain(text, most)).filter(|text| !text.is_empty());
    let value = |named: Option<&Named>| text(named.map(|named| named.value.as_str()), MAX_TEXT);
    let label = |list, named| text(names.label(list, named).as_deref(), MAX_TEXT);
    let of_copy = item.contact_external_id.as_ref().and_then(|id| names.contacts.get(id));
    let contact_name = item.contact_name.as_ref().or(of_copy).map(String::as_str);
    let kind = item.ticket_type.as_ref();
    let nothing = Timestamp::from_secs(0);
    Ok(psa_ticket::Model {
        id: ground.chance.id(now),
        organization_id: plan.organization_id,
        psa_connection_id: plan.psa_connection_id,
        psa_company_id,
        number: text(item.number.as_deref(), MAX_EXTERNAL_ID).unwrap_or_else(|| external_id.clone()),
        board: value(item.board.as_ref()),
        board_label: label(names.board_list, item.board.as_ref()),
        status: value(item.status.as_ref()),
        status_label: label(Some("status"), item.status.as_ref()),
        is_closed: names.is_closed(item),
        priority: value(item.priority.as_ref()),
        priority_label: label(Some("priority"), item.priority.as_ref()),
        ticket_type: label(Some("ticket_type"), kind).or_else(|| value(kind)),
        summary,
        contact_external_id: text(item.contact_external_id.as_deref(), MAX_EXTERNAL_ID),
        contact_name: text(contact_name, MAX_TEXT),
        requester: text(item.requester.as_deref(), MAX_TEXT),
        external_url: web_address(item.url.as_deref()),
        opened_at: item.opened_at.unwrap_or(nothing),
        updated_at: item.updated_at.or(item.opened_at).unwrap_or(nothing),
        closed_at: item.closed_at.filter(|_| names.is_closed(item)),
        is_notes_due: true,
        notes_read_at: None,
        changed_at: None,
        synced_at: now,
        external_id,
    })
}

/// Removes tickets from the copy whose company is no longer mapped, some at a time. Gives whether there may be more.
pub async fn remove_unmapped(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<bool, DbErr> {
    use company_mapping::Column as M;
    use psa_ticket::Column as C;
    let mapped = company_mapping::Entity::find()
        .select_only()
        .column(M::PsaCompanyId)
        .filter(M::OrganizationId.eq(organization_id))
        .filter(M::PsaConnectionId.eq(psa_connection_id))
        .filter(M::IsEnabled.eq(true))
        .into_query();
    let gone: Vec<Uuid> = psa_ticket::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::PsaCompanyId.not_in_subquery(mapped))
        .order_by_asc(C::Id)
        .limit(BATCH as u64)
        .into_tuple()
        .all(tx)
        .await?;
    let has_more = gone.len() == BATCH;
    if !gone.is_empty() {
        psa_ticket::Entity::delete_many()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::Id.is_in(gone))
            .exec(tx)
            .await?;
    }
    Ok(has_more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        organizations::{
            companies,
            mappings::{self, SetMapping},
        },
        testing,
    };

    #[tokio::test]
    async fn a_ticket_that_was_moved_to_another_customer_is_theirs_or_nobodys() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
        let northwind = testing::psa_company(&ground, &connection, "12", "Northwind").await;
        let harbour = testing::psa_company(&ground, &connection, "13", "Harbour").await;
        testing::psa_company(&ground, &connection, "14", "Nobody").await;
        for psa_company in [&northwind, &harbour] {
            let company = companies::create(&admin, &ground, acme.id, &psa_company.name).await.unwrap();
            let set = SetMapping {
                company_id: company.id,
                psa_company_id: psa_company.id,
                ..SetMapping::default()
            };
            mappings::set(&admin, &ground, set).await.unwrap();
        }
        let plan = Plan { organization_id: acme.id, psa_connection_id: connection.id, board_list: None };
        let reads = async |companies: [&str; 2]| {
            let items = companies.into_iter().enumerate().map(|(number, company)| RemotePsaTicket {
                external_id: (4242 + number).to_string(),
                company_external_id: Some(company.to_owned()),
                summary: "Printer".to_owned(),
                ..RemotePsaTicket::default()
            });
            let (items, ground_of) = (items.collect::<Vec<_>>(), ground.clone());
            let store = ground
                .db
                .write(move |tx| Box::pin(async move { store_tickets(tx, &ground_of, plan, &items).await }));
            let counts = store.await.unwrap().counts;
            let rows = psa_ticket::Entity::find().order_by_asc(psa_ticket::Column::ExternalId);
            let rows = rows.all(ground.db.reader()).await.unwrap();
            (counts, rows.iter().map(|row| row.psa_company_id).collect::<Vec<_>>())
        };

        assert_eq!(reads(["12", "12"]).await.1, [northwind.id, northwind.id]);
        let (counts, owners) = reads(["13", "12"]).await;
        assert_eq!((counts.updated, counts.unchanged, owners), (1, 1, vec![harbour.id, northwind.id]));
        assert_eq!(reads(["14", "12"]).await.1, [northwind.id], "its new customer is not mapped");
        assert_eq!(reads(["14", "14"]).await.1, Vec::<Uuid>::new());
    }
}
