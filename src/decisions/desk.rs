//! What is decided in one transaction: what was read ahead for it, and what is still to be written.
//!
//! Deciding asks for the same few rows with every event, and writes one row for each. Here both go in bulk: what the
//! events of a transaction will ask for is read in a dozen statements however many they are, and what nobody reads
//! again in the transaction is written at its end. What was not read ahead is asked for when it is needed: reading
//! ahead changes how long deciding takes, never what is decided.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use entity::{
    event, event::Outcome, finding, ticket, ticket_finding, waiting_finding, waiting_finding::WaitsFor,
    webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    catalogue::Action,
    choose::Places,
    event::{Event, Reading},
    quiet::Quiet,
    rules::Rules,
    trail::{Decision, Trail},
    whose::{Customers, Whose},
};
use crate::{
    findings::{
        known::Findings,
        record::{About, Change},
    },
    ground::Ground,
    tickets::plan,
};

/// How many events one statement writes: 21 columns each, and SQLite takes 32,766 values.
const ROWS: usize = 500;

/// What one transaction decides with.
pub(super) struct Desk<'t> {
    pub(super) tx: &'t DatabaseTransaction,
    pub(super) ground: &'t Ground,
    pub(super) organization_id: Uuid,
    pub(super) rules: Rules,
    pub(super) quiet: Quiet,
    pub(super) customers: Customers,
    pub(super) places: Places,
    findings: tokio::sync::Mutex<Findings>,
    tickets: Mutex<OpenTickets>,
    /// What findings wait for, of those that were read ahead.
    waiting: Mutex<HashMap<Uuid, Option<WaitsFor>>>,
    events: Mutex<Vec<event::Model>>,
}

/// Open tickets, locked, as they stand in the database.
#[derive(Debug, Default)]
struct OpenTickets {
    /// Of which findings it is known on which tickets they are.
    of: HashMap<Uuid, Vec<Uuid>>,
    rows: HashMap<Uuid, ticket::Model>,
}

/// A delivery, and an event that was read in it.
pub(super) type Said<'a> = (&'a webhook_delivery::Model, &'a Reading);

impl<'t> Desk<'t> {
    /// With nothing read ahead but what holds for these companies.
    pub(super) async fn of(
        tx: &'t DatabaseTransaction,
        ground: &'t Ground,
        organization_id: Uuid,
        company_ids: &BTreeSet<Uuid>,
    ) -> Result<Self, DbErr> {
        let now = ground.clock.now();
        Ok(Self {
            tx,
            ground,
            organization_id,
            rules: Rules::load(tx, organization_id).await?,
            quiet: Quiet::load(tx, organization_id, &BTreeSet::new(), now).await?,
            customers: Customers::default(),
            places: Places::load(tx, organization_id, company_ids).await?,
            findings: tokio::sync::Mutex::default(),
            tickets: Mutex::default(),
            waiting: Mutex::default(),
            events: Mutex::default(),
        })
    }

    /// With what these events will ask for. Their findings are locked, and those that are new written down.
    pub(super) async fn for_events(
        tx: &'t DatabaseTransaction,
        ground: &'t Ground,
        organization_id: Uuid,
        said: &[Said<'_>],
    ) -> Result<Self, DbErr> {
        let now = ground.clock.now();
        let endpoints = said.iter().map(|(delivery, _)| delivery.webhook_endpoint_id).collect();
        let events =
            || said.iter().filter_map(|(delivery, reading)| Some((delivery, reading.event.as_ref().ok()?)));
        let customers = Customers::load(tx, organization_id, events().map(|(_, event)| event)).await?;
        let (mut company_ids, mut wanted) = (BTreeSet::new(), Vec::new());
        for (delivery, event) in events() {
            if event.kind.action == Action::Ignore {
                continue;
            }
            let Ok(Whose { company, as_caught }) = customers.whose(event, &mut Trail::default()) else {
                continue;
            };
            company_ids.insert(company.id);
            if event.kind.action != Action::Sweep {
                let occurred_at = event.believed_at(delivery.received_at);
                let about = About { organization_id, company_id: company.id, occurred_at };
                wanted.push((about, as_caught.map_or(Cow::Borrowed(event), Cow::Owned)));
            }
        }
        let mut findings = Findings::default();
        let wanted: Vec<(About, &Event)> =
            wanted.iter().map(|(about, event)| (*about, event.as_ref())).collect();
        findings.lock(tx, ground, &wanted).await?;
        let (known, new) = findings.ids();
        let waiting = waiting(tx, organization_id, &known).await?;
        let mut tickets = OpenTickets::load(tx, organization_id, &known).await?;
        for id in new {
            tickets.of.insert(id, Vec::new());
        }
        Ok(Self {
            tx,
            ground,
            organization_id,
            rules: Rules::load(tx, organization_id).await?,
            quiet: Quiet::load(tx, organization_id, &endpoints, now).await?,
            customers,
            places: Places::load(tx, organization_id, &company_ids).await?,
            findings: tokio::sync::Mutex::new(findings),
            tickets: Mutex::new(tickets),
            waiting: Mutex::new(waiting),
            events: Mutex::default(),
        })
    }

    /// Writes down what an event says of its finding.
    pub(super) async fn record(
        &self,
        about: About,
        event: &Event,
    ) -> Result<(finding::Model, Change), DbErr> {
        let mut findings = self.findings.lock().await;
        if !findings.has(about.company_id, event) {
            findings.lock(self.tx, self.ground, &[(about, event)]).await?;
        }
        findings.record(about, event, self.ground)
    }

    /// Where a finding was learned, if anywhere.
    pub(super) async fn learned_at(
        &self,
        finding: &finding::Model,
        endpoint_id: Option<Uuid>,
    ) -> Result<(), DbErr> {
        self.findings.lock().await.learned_at(self.tx, finding, endpoint_id).await
    }

    /// Whether a finding was made in this transaction, so that no ticket was ever made for it alone.
    pub(super) async fn is_new(&self, finding_id: Uuid) -> bool {
        self.findings.lock().await.is_new(finding_id)
    }

    /// The open tickets a finding is on, as [`plan::open_tickets_of`] gives them.
    pub(super) async fn open_tickets_of(&self, finding_id: Uuid) -> Result<Vec<ticket::Model>, DbErr> {
        let known = guard(&self.tickets).of_finding(finding_id);
        match known {
            Some(tickets) => Ok(tickets),
            None => plan::open_tickets_of(self.tx, self.organization_id, finding_id).await,
        }
    }

    /// Whether a finding waits for something; none where that was not read ahead.
    pub(super) fn waits(&self, finding_id: Uuid, is_it: impl FnOnce(WaitsFor) -> bool) -> Option<bool> {
        guard(&self.waiting).get(&finding_id).map(|waits_for| waits_for.is_some_and(is_it))
    }

    /// What a finding waits for from now on.
    pub(super) fn set_waiting(&self, finding_id: Uuid, waits_for: Option<WaitsFor>) {
        guard(&self.waiting).insert(finding_id, waits_for);
    }

    /// That subscribers were told of findings, or that these are over, is written down in the database itself.
    pub(super) async fn told(&self, finding_ids: &[Uuid], is_told: bool) {
        self.findings.lock().await.told(finding_ids, is_told);
    }

    /// Tickets are no longer as they were read: what an event touched is asked for again.
    pub(super) fn touched(&self, decision: &Decision) {
        if decision.leaves_ticket {
            return;
        }
        let mut tickets = guard(&self.tickets);
        if decision.outcome == Outcome::Reopened {
            // Whatever was on it is on an open ticket again.
            *tickets = OpenTickets::default();
        }
        for id in decision.ticket_id.iter().chain(&decision.further_tickets) {
            tickets.rows.remove(id);
        }
        if let Some(finding_id) = decision.finding_id {
            tickets.of.remove(&finding_id);
        }
    }

    /// An event is decided; it is written with the others.
    pub(super) fn decided(&self, row: event::Model) {
        guard(&self.events).push(row);
    }

    /// Findings are changed in the database itself.
    pub(super) async fn forget_findings(&self, ids: impl IntoIterator<Item = Uuid>) {
        self.findings.lock().await.forget(ids);
    }

    /// Writes what is still to be written. Call it before the database is asked for findings or events.
    pub(super) async fn write(&self) -> Result<(), DbErr> {
        self.findings.lock().await.write(self.tx).await?;
        let events = std::mem::take(&mut *guard(&self.events));
        for chunk in events.chunks(ROWS) {
            let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
            event::Entity::insert_many(rows).exec_without_returning(self.tx).await?;
        }
        self.rules.keep(self.tx, self.ground.clock.now()).await
    }
}

impl OpenTickets {
    async fn load(
        tx: &DatabaseTransaction,
        organization_id: Uuid,
        finding_ids: &[Uuid],
    ) -> Result<Self, DbErr> {
        use ticket_finding::Column as C;
        let mut tickets =
            Self { of: finding_ids.iter().map(|id| (*id, Vec::new())).collect(), ..Self::default() };
        if finding_ids.is_empty() {
            return Ok(tickets);
        }
        let mut on: Vec<(Uuid, Uuid)> = Vec::new();
        for ids in finding_ids.chunks(ROWS) {
            let some: Vec<(Uuid, Uuid)> = ticket_finding::Entity::find()
                .select_only()
                .columns([C::FindingId, C::TicketId])
                .filter(C::OrganizationId.eq(organization_id))
                .filter(C::FindingId.is_in(ids.iter().copied()))
                .into_tuple()
                .all(tx)
                .await?;
            on.extend(some);
        }
        let ids: BTreeSet<Uuid> = on.iter().map(|(_, ticket_id)| *ticket_id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for ids in ids.chunks(ROWS) {
            let rows = ticket::Entity::find()
                .filter(ticket::Column::OrganizationId.eq(organization_id))
                .filter(ticket::Column::Id.is_in(ids.iter().copied()))
                .filter(ticket::Column::OpenGroupKey.is_not_null())
                .order_by_asc(ticket::Column::Id)
                .lock(LockType::Update)
                .all(tx)
                .await?;
            tickets.rows.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        on.sort_unstable();
        for (finding_id, ticket_id) in on {
            if tickets.rows.contains_key(&ticket_id) {
                tickets.of.entry(finding_id).or_default().push(ticket_id);
            }
        }
        Ok(tickets)
    }

    /// None where it is not known, or not any more.
    fn of_finding(&self, finding_id: Uuid) -> Option<Vec<ticket::Model>> {
        self.of.get(&finding_id)?.iter().map(|id| self.rows.get(id).cloned()).collect()
    }
}

/// What findings wait for.
async fn waiting(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    finding_ids: &[Uuid],
) -> Result<HashMap<Uuid, Option<WaitsFor>>, DbErr> {
    use waiting_finding::Column as C;
    let mut all: HashMap<Uuid, Option<WaitsFor>> = finding_ids.iter().map(|id| (*id, None)).collect();
    for ids in finding_ids.chunks(ROWS) {
        let some: Vec<(Uuid, WaitsFor)> = waiting_finding::Entity::find()
            .select_only()
            .columns([C::FindingId, C::WaitsFor])
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::FindingId.is_in(ids.iter().copied()))
            .into_tuple()
            .all(tx)
            .await?;
        all.extend(some.into_iter().map(|(id, waits_for)| (id, Some(waits_for))));
    }
    Ok(all)
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
