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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::{
    event,
    finding::{self, FindingState},
    policy, ticket, waiting_finding,
    waiting_finding::WaitsFor,
    webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{
    catalogue::Action,
    choose::Places,
    devices::Devices,
    event::{Event, Reading},
    quiet::Quiet,
    rules::Rules,
    storm,
    trail::Trail,
    whose::{Customers, Whose},
};
use crate::{
    db::portions,
    findings::{
        known::Findings,
        record::{About, Change},
    },
    ground::Ground,
    sync::assets::{
        Device,
        seen::{self, Look, Mention},
    },
    tickets::{pen::Pen, pile::Pile, plan},
};

/// How many events one statement writes: 21 columns each, and SQLite takes 32,766 values.
const ROWS: usize = 500;

/// What one transaction decides with.
pub(super) struct Desk<'t> {
    pub(super) tx: &'t DatabaseTransaction,
    pub(super) ground: &'t Ground,
    pub(super) organization_id: Uuid,
    pub(super) rules: Arc<Rules>,
    pub(super) quiet: Quiet,
    pub(super) customers: Customers,
    pub(super) places: Places,
    pub(super) devices: Devices,
    /// Devices that are to be kept.
    mentions: Vec<Mention>,
    /// And what is to be done about them.
    look: Look,
    findings: tokio::sync::Mutex<Findings>,
    tickets: Pile,
    /// How many tickets policies have opened lately, once that was asked for.
    opened: tokio::sync::Mutex<Option<HashMap<Uuid, u64>>>,
    /// What findings wait for, of those that were read ahead.
    waiting: Mutex<HashMap<Uuid, Option<WaitsFor>>>,
    events: Mutex<Vec<event::Model>>,
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
            rules: Rules::recall(tx, ground, organization_id).await?,
            quiet: Quiet::load(tx, organization_id, &BTreeSet::new(), now).await?,
            customers: Customers::default(),
            places: Places::load(tx, organization_id, company_ids).await?,
            devices: Devices::load(tx, organization_id).await?,
            mentions: Vec::new(),
            look: Look::default(),
            findings: tokio::sync::Mutex::default(),
            tickets: Pile::default(),
            opened: tokio::sync::Mutex::default(),
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
        let names_device = events().any(|(_, event)| Device::of(event).is_some());
        let devices =
            if names_device { Devices::load(tx, organization_id).await? } else { Devices::default() };
        let are_kept = devices.any_are_kept();
        let (mut company_ids, mut wanted, mut mentions) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (delivery, event) in events() {
            let device = if are_kept { Device::of(event) } else { None };
            if event.kind.action == Action::Ignore && device.is_none() {
                continue;
            }
            let Ok(Whose { company, as_caught }) = customers.whose(event, &mut Trail::default()) else {
                continue;
            };
            company_ids.insert(company.id);
            // Whose customer is not known is nobody's device.
            mentions.extend(device.filter(|_| as_caught.is_none()).map(|device| (company.id, device)));
            if !matches!(event.kind.action, Action::Sweep | Action::Ignore) {
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
        let tickets = Pile::default();
        tickets.learn(tx, organization_id, &known).await?;
        tickets.made(&new);
        let places = Places::load(tx, organization_id, &company_ids).await?;
        mentions.retain(|(company_id, _)| devices.are_kept(places.mappings_of(*company_id)));
        let look = seen::look(tx, ground, organization_id, &mentions).await?;
        Ok(Self {
            tx,
            ground,
            organization_id,
            rules: Rules::recall(tx, ground, organization_id).await?,
            quiet: Quiet::load(tx, organization_id, &endpoints, now).await?,
            customers,
            places,
            devices,
            mentions,
            look,
            findings: tokio::sync::Mutex::new(findings),
            tickets,
            opened: tokio::sync::Mutex::default(),
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
        let (finding, change) = findings.record(about, event, self.ground)?;
        self.tickets.finding_is(finding.id, finding.state == FindingState::Open);
        Ok((finding, change))
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

    /// Writes what is planned for tickets, at the end.
    pub(super) fn pen(&self) -> Pen<'_> {
        Pen::onto(self.tx, self.ground, &self.tickets)
    }

    /// How many findings of a ticket are open.
    pub(super) async fn open_findings(&self, ticket: &ticket::Model) -> Result<u64, DbErr> {
        if !self.tickets.knows_open(ticket.id) {
            self.write().await?;
        }
        plan::open_findings(self.pen(), ticket).await
    }

    /// Findings were changed in the database itself. Call it with everything written.
    pub(super) async fn changed_below(&self, ids: &[Uuid]) -> Result<(), DbErr> {
        self.findings.lock().await.forget(ids.iter().copied());
        self.tickets.forget_open();
        self.read_ahead(ids).await
    }

    /// Reads what there is of these findings, which are locked.
    pub(super) async fn read_ahead(&self, finding_ids: &[Uuid]) -> Result<(), DbErr> {
        self.tickets.learn(self.tx, self.organization_id, finding_ids).await
    }

    /// How many tickets a policy has opened lately. Asked before any of them is opened here: what all policies have
    /// opened is counted at once.
    pub(super) async fn opened_lately(&self, policy: &policy::Model) -> Result<u64, DbErr> {
        let mut opened = self.opened.lock().await;
        if opened.is_none() {
            self.pen().settle().await?;
            let now = self.ground.clock.now();
            *opened = Some(storm::opened_lately(self.tx, self.organization_id, now).await?);
        }
        Ok(opened.as_ref().and_then(|counts| counts.get(&policy.id)).copied().unwrap_or(0))
    }

    /// A policy has opened a ticket.
    pub(super) async fn opens(&self, policy: &policy::Model) {
        if let Some(counts) = self.opened.lock().await.as_mut() {
            *counts.entry(policy.id).or_default() += 1;
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

    /// An event is decided; it is written with the others.
    pub(super) fn decided(&self, row: event::Model) {
        guard(&self.events).push(row);
    }

    /// Keeps the devices that the events name: at the end, as others wait for it.
    pub(super) async fn keep_devices(&self) -> Result<(), DbErr> {
        seen::take_in(self.tx, self.ground, self.organization_id, &self.mentions, &self.look).await
    }

    /// Why the device that an event names is not kept; none where it is, or need not be.
    pub(super) fn turned_away(&self, event: &Event) -> Option<String> {
        if self.look.turned_away.is_empty() {
            return None;
        }
        let whose = self.customers.whose(event, &mut Trail::default()).ok()?;
        self.look.turned_away.why(whose.company.id, &Device::of(event)?)
    }

    /// Writes what is still to be written. Call it before the database is asked for findings, events or tickets.
    pub(super) async fn write(&self) -> Result<(), DbErr> {
        self.findings.lock().await.write(self.tx).await?;
        let events = std::mem::take(&mut *guard(&self.events));
        for chunk in portions::of(&events, ROWS) {
            let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
            event::Entity::insert_many(rows).exec_without_returning(self.tx).await?;
        }
        self.pen().settle().await?;
        self.rules.keep(self.tx, self.ground.clock.now()).await
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
            .filter(C::FindingId.is_in(portions::filled(ids.iter().copied())))
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
