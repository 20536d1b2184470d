//! The tickets of a transaction: what is known of them, and what is still to be written.
//!
//! Nobody but the transaction changes a ticket that it has locked, or that it makes. What is known of such a ticket
//! holds to the end, so that events about it are decided without asking the database, and its last state alone is
//! written. What is not known here is asked for, after what is on the pile was written.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use entity::{
    finding::{self, FindingState},
    ticket, ticket_finding,
    ticket_operation::{self, OperationKind, OperationState},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, Iterable as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{LockType, OnConflict},
};
use uuid::Uuid;

use super::{marker, plan};
use crate::{db::portions, ground::Ground, queue::outbox};

/// How many rows one statement reads or writes: a ticket has 38 columns, and SQLite takes 32,766 values.
const ROWS: usize = 500;

/// The tickets of one transaction of one organization.
#[derive(Debug, Default)]
pub struct Pile(Mutex<Piled>);

#[derive(Debug, Default)]
struct Piled {
    /// Tickets that are locked, or made here.
    tickets: BTreeMap<Uuid, Kept<ticket::Model>>,
    /// The open ones among them, by connection and group key.
    groups: HashMap<(Uuid, String), Uuid>,
    /// On which tickets findings are, or were.
    members: BTreeMap<(Uuid, Uuid), Kept<ticket_finding::Model>>,
    /// Findings of which all of that is known.
    known: HashSet<Uuid>,
    /// Those among them that are made here: no ticket was ever for one of them alone.
    new: HashSet<Uuid>,
    /// Which findings are open on a ticket.
    open: HashMap<Uuid, HashSet<Uuid>>,
    /// The last close or reopening of a ticket that is still to be carried out.
    pending: HashMap<Uuid, Option<OperationKind>>,
    operations: Vec<ticket_operation::Model>,
    /// New tickets whose marks may be those of earlier ones.
    unmarked: Vec<Uuid>,
}

#[derive(Debug)]
struct Kept<T> {
    row: T,
    is_changed: bool,
}

impl<T> Kept<T> {
    fn read(row: T) -> Self {
        Self { row, is_changed: false }
    }

    fn changed(row: T) -> Self {
        Self { row, is_changed: true }
    }
}

/// The keys of a finding's memberships.
fn of_finding(id: Uuid) -> Range<(Uuid, Uuid)> {
    (id, Uuid::nil())..(id, Uuid::max())
}

/// What the changed rows of a kind are to be.
fn changed<K, T: Clone>(rows: &mut BTreeMap<K, Kept<T>>) -> Vec<T> {
    let changed = rows.values_mut().filter(|kept| kept.is_changed);
    changed
        .map(|kept| {
            kept.is_changed = false;
            kept.row.clone()
        })
        .collect()
}

impl Pile {
    /// Reads what there is of these findings, which are locked, and locks their open tickets. Call it with everything
    /// written that was learned of them.
    pub async fn learn(
        &self,
        tx: &DatabaseTransaction,
        organization_id: Uuid,
        finding_ids: &[Uuid],
    ) -> Result<(), DbErr> {
        let mut read = Piled::default();
        for ids in finding_ids.chunks(ROWS) {
            use ticket_finding::Column as C;
            let rows = ticket_finding::Entity::find()
                .filter(C::OrganizationId.eq(organization_id))
                .filter(C::FindingId.is_in(portions::filled(ids.iter().copied())))
                .all(tx)
                .await?;
            let rows = rows.into_iter().map(|row| ((row.finding_id, row.ticket_id), Kept::read(row)));
            read.members.extend(rows);
        }
        let ids: BTreeSet<Uuid> = read.members.keys().map(|(_, ticket_id)| *ticket_id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for ids in ids.chunks(ROWS) {
            let rows = ticket::Entity::find()
                .filter(ticket::Column::OrganizationId.eq(organization_id))
                .filter(ticket::Column::Id.is_in(portions::filled(ids.iter().copied())))
                .filter(ticket::Column::OpenGroupKey.is_not_null())
                .order_by_asc(ticket::Column::Id)
                .lock(LockType::Update)
                .all(tx)
                .await?;
            for row in rows {
                read.take(Kept::read(row));
            }
        }
        // From here on nobody else plans anything for them, or puts findings on them.
        read.load_pending(tx, organization_id).await?;
        read.load_open(tx, organization_id).await?;
        let mut piled = self.guard();
        piled.known.extend(finding_ids);
        piled.tickets.extend(read.tickets);
        piled.groups.extend(read.groups);
        piled.members.extend(read.members);
        piled.pending.extend(read.pending);
        piled.open.extend(read.open);
        Ok(())
    }

    /// These findings are made in this transaction: they are on no ticket.
    pub fn made(&self, finding_ids: &[Uuid]) {
        let mut piled = self.guard();
        piled.known.extend(finding_ids);
        piled.new.extend(finding_ids);
    }

    /// Writes what is to be written; what is known stays known.
    pub async fn write(&self, tx: &DatabaseTransaction, ground: &Ground) -> Result<(), DbErr> {
        self.mark(tx, ground).await?;
        let (tickets, members, operations) = {
            let mut piled = self.guard();
            let operations = std::mem::take(&mut piled.operations);
            (changed(&mut piled.tickets), changed(&mut piled.members), operations)
        };
        for chunk in portions::of(&tickets, ROWS) {
            use ticket::Column as C;
            let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
            // What a ticket is for never changes; what is left out is not written anew in the indexes either.
            let rest = C::iter().filter(|column| {
                !matches!(
                    column,
                    C::Id
                        | C::OrganizationId
                        | C::PsaConnectionId
                        | C::CompanyId
                        | C::PsaCompanyId
                        | C::TicketProfileId
                        | C::PolicyId
                        | C::GroupKey
                        | C::Marker
                        | C::ExternalId
                        | C::Board
                        | C::IsTest
                        | C::PreviousTicketId
                        | C::FirstSeenAt
                        | C::CreatedAt
                )
            });
            let by_id = OnConflict::column(C::Id).update_columns(rest).to_owned();
            ticket::Entity::insert_many(rows).on_conflict(by_id).exec_without_returning(tx).await?;
        }
        for chunk in portions::of(&members, ROWS) {
            use ticket_finding::Column as C;
            let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
            let by_id =
                OnConflict::column(C::Id).update_columns([C::AddedAt, C::EndedAt, C::IsTold]).to_owned();
            ticket_finding::Entity::insert_many(rows).on_conflict(by_id).exec_without_returning(tx).await?;
        }
        outbox::enqueue(tx, operations).await
    }

    /// New tickets get marks that no other ticket of ours has.
    async fn mark(&self, tx: &DatabaseTransaction, ground: &Ground) -> Result<(), DbErr> {
        let marks: HashMap<String, Uuid> = {
            let mut piled = self.guard();
            let unmarked = std::mem::take(&mut piled.unmarked);
            let of = |id| piled.tickets.get(&id).map(|kept| (kept.row.marker.clone(), id));
            unmarked.into_iter().filter_map(of).collect()
        };
        let wanted: Vec<&str> = marks.keys().map(String::as_str).collect();
        for some in wanted.chunks(ROWS) {
            for taken in marker::taken(tx, some.iter().copied()).await? {
                let free = marker::free(tx, taken.clone(), &ground.chance).await?;
                let mut piled = self.guard();
                if let Some(kept) = marks.get(&taken).and_then(|id| piled.tickets.get_mut(id)) {
                    kept.row.marker = free;
                }
            }
        }
        Ok(())
    }

    /// The open tickets of a finding, oldest first; none where that is not known.
    pub fn open_tickets_of(&self, finding_id: Uuid) -> Option<Vec<ticket::Model>> {
        let piled = self.guard();
        piled.known.contains(&finding_id).then(|| {
            let ids = piled.members.range(of_finding(finding_id)).map(|((_, ticket_id), _)| ticket_id);
            ids.filter_map(|id| piled.tickets.get(id))
                .filter(|kept| kept.row.open_group_key.is_some())
                .map(|kept| kept.row.clone())
                .collect()
        })
    }

    /// Whether it is known which findings of a ticket are open.
    pub fn knows_open(&self, ticket_id: Uuid) -> bool {
        self.guard().open.contains_key(&ticket_id)
    }

    /// Findings were changed in the database itself: which of them are open on tickets is asked for again.
    pub fn forget_open(&self) {
        self.guard().open.clear();
    }

    /// A finding is open, or over, from here on.
    pub fn finding_is(&self, finding_id: Uuid, is_open: bool) {
        let mut piled = self.guard();
        if !piled.known.contains(&finding_id) {
            piled.open.clear();
            return;
        }
        let Piled { members, open, .. } = &mut *piled;
        for ((_, ticket_id), _) in members.range(of_finding(finding_id)) {
            let Some(open) = open.get_mut(ticket_id) else { continue };
            if is_open {
                open.insert(finding_id);
            } else {
                open.remove(&finding_id);
            }
        }
    }

    /// A group's open ticket, where it is known.
    pub(super) fn of_group(&self, psa_connection_id: Uuid, group_key: &str) -> Option<ticket::Model> {
        let piled = self.guard();
        let id = piled.groups.get(&(psa_connection_id, group_key.to_owned()))?;
        piled.tickets.get(id).map(|kept| kept.row.clone()).filter(|row| row.open_group_key.is_some())
    }

    /// Whether no other transaction can open a ticket of this group: it is for a finding alone that is made here.
    pub(super) fn is_ours(&self, group_key: &str) -> bool {
        let id = group_key.strip_prefix("finding:").and_then(|id| Uuid::parse_str(id).ok());
        id.is_some_and(|id| self.guard().new.contains(&id))
    }

    /// A ticket was read and is locked, or stands in the database as it is here.
    pub(super) fn take(&self, ticket: &ticket::Model) {
        self.guard().take(Kept::read(ticket.clone()));
    }

    /// A ticket is to be written.
    pub(super) fn put_ticket(&self, ticket: &ticket::Model) {
        self.guard().take(Kept::changed(ticket.clone()));
    }

    /// A ticket is made, and is to be written unless it is already: nothing is on it yet.
    pub(super) fn put_new_ticket(&self, ticket: &ticket::Model, is_written: bool) {
        let mut piled = self.guard();
        piled.open.insert(ticket.id, HashSet::new());
        piled.pending.insert(ticket.id, None);
        if !is_written {
            piled.unmarked.push(ticket.id);
        }
        piled.take(Kept { row: ticket.clone(), is_changed: !is_written });
    }

    pub(super) fn put_operation(&self, row: ticket_operation::Model) {
        let mut piled = self.guard();
        if matches!(row.kind, OperationKind::Close | OperationKind::Reopen) {
            piled.pending.insert(row.ticket_id, Some(row.kind));
        }
        piled.operations.push(row);
    }

    pub(super) fn put_member(&self, row: ticket_finding::Model) {
        let mut piled = self.guard();
        if row.ended_at.is_none()
            && let Some(open) = piled.open.get_mut(&row.ticket_id)
        {
            open.insert(row.finding_id);
        }
        piled.members.insert((row.finding_id, row.ticket_id), Kept::changed(row));
    }

    /// Which findings of a ticket are open is asked again.
    pub(super) fn forget_open_of(&self, ticket_id: Uuid) {
        self.guard().open.remove(&ticket_id);
    }

    /// A finding's place on a ticket, if it has or had one there; none where that is not known.
    #[expect(clippy::option_option, reason = "known not to be there is something else than not known")]
    pub(super) fn member(&self, ticket_id: Uuid, finding_id: Uuid) -> Option<Option<ticket_finding::Model>> {
        let piled = self.guard();
        let row = piled.members.get(&(finding_id, ticket_id)).map(|kept| kept.row.clone());
        piled.known.contains(&finding_id).then_some(row)
    }

    /// How many findings of a ticket are open; none where that is not known.
    pub(super) fn open_findings(&self, ticket_id: Uuid) -> Option<u64> {
        self.guard().open.get(&ticket_id).map(|open| open.len() as u64)
    }

    /// Which findings of a ticket are open.
    pub(super) fn set_open(&self, ticket_id: Uuid, finding_ids: impl IntoIterator<Item = Uuid>) {
        self.guard().open.insert(ticket_id, finding_ids.into_iter().collect());
    }

    /// The last close or reopening of a ticket that is still to be carried out; none where that is not known.
    #[expect(clippy::option_option, reason = "known not to be there is something else than not known")]
    pub(super) fn pending(&self, ticket_id: Uuid) -> Option<Option<OperationKind>> {
        self.guard().pending.get(&ticket_id).copied()
    }

    fn guard(&self) -> MutexGuard<'_, Piled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Piled {
    fn take(&mut self, kept: Kept<ticket::Model>) {
        if let Some(key) = &kept.row.open_group_key {
            self.groups.insert((kept.row.psa_connection_id, key.clone()), kept.row.id);
        }
        self.tickets.insert(kept.row.id, kept);
    }

    async fn load_pending(&mut self, tx: &DatabaseTransaction, organization_id: Uuid) -> Result<(), DbErr> {
        use ticket_operation::Column as C;
        let ids: Vec<Uuid> = self.tickets.keys().copied().collect();
        for ids in ids.chunks(ROWS) {
            let rows: Vec<(Uuid, OperationKind)> = ticket_operation::Entity::find()
                .select_only()
                .columns([C::TicketId, C::Kind])
                .filter(C::OrganizationId.eq(organization_id))
                .filter(C::TicketId.is_in(portions::filled(ids.iter().copied())))
                .filter(C::State.eq(OperationState::Ready))
                .filter(C::Kind.is_in([OperationKind::Close, OperationKind::Reopen]))
                .order_by_asc(C::Position)
                .into_tuple()
                .all(tx)
                .await?;
            self.pending.extend(ids.iter().map(|id| (*id, None)));
            self.pending.extend(rows.into_iter().map(|(id, kind)| (id, Some(kind))));
        }
        Ok(())
    }

    /// Of tickets for one finding; those for many are asked when it is needed.
    async fn load_open(&mut self, tx: &DatabaseTransaction, organization_id: Uuid) -> Result<(), DbErr> {
        use ticket_finding::Column as C;
        let alone = self.tickets.values().filter(|kept| !plan::is_list(&kept.row));
        let ids: Vec<Uuid> = alone.map(|kept| kept.row.id).collect();
        for ids in ids.chunks(ROWS) {
            let on = finding::Entity::belongs_to(ticket_finding::Entity)
                .from(finding::Column::Id)
                .to(C::FindingId)
                .into();
            let rows: Vec<(Uuid, Uuid)> = finding::Entity::find()
                .select_only()
                .columns([C::TicketId, C::FindingId])
                .join(JoinType::InnerJoin, on)
                .filter(finding::Column::OrganizationId.eq(organization_id))
                .filter(C::TicketId.is_in(portions::filled(ids.iter().copied())))
                .filter(finding::Column::State.eq(FindingState::Open))
                .into_tuple()
                .all(tx)
                .await?;
            self.open.extend(ids.iter().map(|id| (*id, HashSet::new())));
            for (ticket_id, finding_id) in rows {
                self.open.entry(ticket_id).or_default().insert(finding_id);
            }
        }
        Ok(())
    }
}
