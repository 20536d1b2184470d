//! What a policy would do: the code that decides, run over what came in before, and nothing written.
//!
//! The stored deliveries are read again, and each event goes through company, policies, profile and mapping as they
//! stand now. What is known of a finding (how often it was seen, say) is what is known of it now.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod brakes;

use std::collections::{BTreeSet, HashMap, HashSet};

use entity::{Severity, Timestamp, company, event, finding, policy, webhook_delivery, webhook_endpoint};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{
    catalogue::Action,
    choose::{Places, Wants},
    event::{Event, Reading},
    group::Group,
    quiet::Quiet,
    rules::Rules,
    told,
    trail::Trail,
    words,
};
use crate::{
    error::Error,
    ground::Ground,
    organizations::viewer::{Permission, Viewer},
    tickets::plan::Place,
};

/// How many events are looked at, the newest first.
pub const MAX_EVENTS: u64 = 500;

/// The reason of events of which subscribers would be told.
const TOLD: &str = "told";

/// What a policy would do.
#[derive(Debug)]
pub struct Preview {
    /// The tickets that it would open, the newest first.
    pub tickets: Vec<WouldBeTicket>,
    /// What would get none by it, the newest first.
    pub skips: Vec<Skip>,
    /// Of how many findings subscribers would be told, where the policy wants no ticket.
    pub told_findings: usize,
    /// How many events were looked at.
    pub events: usize,
    /// All events since this moment were looked at: the answer holds back to here.
    pub holds_since: Timestamp,
    /// Whether there are older events, after the moment asked for, that were not looked at.
    pub is_cut: bool,
}

/// A ticket that would be opened.
#[derive(Debug)]
pub struct WouldBeTicket {
    /// For whom and how.
    pub place: Place,
    /// Which findings belong on it.
    pub key: String,
    /// One line.
    pub title: String,
    /// More.
    pub body: String,
    /// How bad.
    pub severity: Severity,
    /// The newest event that asks for it.
    pub event: event::Model,
    /// How many events ask for it.
    pub event_count: usize,
    /// When the first of them came in.
    pub first_at: Timestamp,
    /// When it would have been opened, where findings are collected or have to settle; none for at once.
    pub due_at: Option<Timestamp>,
}

impl WouldBeTicket {
    fn opens_at(&self) -> Timestamp {
        self.due_at.unwrap_or(self.first_at)
    }
}

/// An event that would get no ticket by the policy.
#[derive(Debug)]
pub struct Skip {
    /// The event.
    pub event: event::Model,
    /// Stable name of the reason.
    pub reason: &'static str,
    /// The reason in words.
    pub explanation: String,
}

/// Runs a policy over the events since a moment: at its place among the others, from 1, or instead of the one of
/// the same id, or as the last. `read` reads a delivery again, as its sender's adapter does.
pub async fn preview(
    viewer: &Viewer,
    ground: &Ground,
    (candidate, place): (policy::Model, Option<i32>),
    since: Timestamp,
    read: impl Fn(&webhook_endpoint::Model, &webhook_delivery::Model) -> Vec<Reading> + Send + Sync,
) -> Result<Preview, Error> {
    let organization_id = candidate.organization_id;
    viewer.may(Permission::ManagePolicies, organization_id)?;
    let db = ground.db.reader();
    let mut rows = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(organization_id))
        .filter(event::Column::CreatedAt.gte(since))
        .filter(event::Column::FindingId.is_not_null())
        .order_by_desc(event::Column::CreatedAt)
        .order_by_desc(event::Column::Id)
        .limit(MAX_EVENTS + 1)
        .all(db)
        .await?;
    let is_cut = rows.len() > usize::try_from(MAX_EVENTS).unwrap_or(usize::MAX);
    if is_cut {
        rows.pop();
    }
    let holds_since = rows.last().filter(|_| is_cut).map_or(since, |oldest| oldest.created_at);
    let candidate_id = candidate.id;
    let rules = Rules::load(db, organization_id).await?.with(candidate, place);
    let known = Known::load(ground, organization_id, &rows).await?;
    let places = Places::load(db, organization_id, &known.companies.keys().copied().collect()).await?;
    // As it was at each event, as far as that is still known.
    let quiet = Quiet::load(db, organization_id, &BTreeSet::new(), since).await?;
    let told = HashSet::new();
    let (tickets, skips) = (Vec::new(), Vec::new());
    let mut previewing =
        Previewing { ground, rules, places, quiet, known, candidate_id, tickets, skips, told };
    let events = rows.len();
    let mut deliveries: Deliveries = HashMap::new();
    for row in rows {
        let event = stored(ground, &mut deliveries, &row, &read).await?;
        previewing.look(row, event);
    }
    let Previewing { mut tickets, mut skips, told, rules, .. } = previewing;
    skips.extend(brakes::storm(&rules.handling(candidate_id), &mut tickets));
    skips.sort_by_key(|skip| std::cmp::Reverse((skip.event.created_at, skip.event.id)));
    Ok(Preview { tickets, skips, told_findings: told.len(), events, holds_since, is_cut })
}

/// Deliveries that were read again: their readings by their places.
type Deliveries = HashMap<Uuid, HashMap<i32, Event>>;

/// An event as it was sent; none where it can no longer be read.
async fn stored(
    ground: &Ground,
    deliveries: &mut Deliveries,
    row: &event::Model,
    read: &(impl Fn(&webhook_endpoint::Model, &webhook_delivery::Model) -> Vec<Reading> + Send + Sync),
) -> Result<Option<Event>, Error> {
    if !deliveries.contains_key(&row.webhook_delivery_id) {
        let delivery = webhook_delivery::Entity::find_by_id(row.webhook_delivery_id)
            .filter(webhook_delivery::Column::OrganizationId.eq(row.organization_id))
            .one(ground.db.reader())
            .await?;
        let mut events = HashMap::new();
        if let Some(delivery) = delivery.filter(|delivery| delivery.body_removed_at.is_none()) {
            let endpoint = webhook_endpoint::Entity::find_by_id(delivery.webhook_endpoint_id)
                .filter(webhook_endpoint::Column::OrganizationId.eq(row.organization_id))
                .one(ground.db.reader())
                .await?;
            let readings = endpoint.map(|endpoint| read(&endpoint, &delivery)).unwrap_or_default();
            let read = (0_i32..).zip(readings);
            events = read.filter_map(|(place, reading)| Some((place, reading.event.ok()?))).collect();
        }
        // Events of a delivery stand together: what is behind is not needed again.
        deliveries.clear();
        deliveries.insert(row.webhook_delivery_id, events);
    }
    Ok(deliveries.get_mut(&row.webhook_delivery_id).and_then(|events| events.remove(&row.position)))
}

/// What events refer to.
struct Known {
    findings: HashMap<Uuid, finding::Model>,
    companies: HashMap<Uuid, company::Model>,
}

impl Known {
    async fn load(ground: &Ground, organization_id: Uuid, rows: &[event::Model]) -> Result<Self, Error> {
        let db = ground.db.reader();
        let findings: HashSet<_> = rows.iter().filter_map(|row| row.finding_id).collect();
        let companies: HashSet<_> = rows.iter().filter_map(|row| row.company_id).collect();
        let findings = finding::Entity::find()
            .filter(finding::Column::OrganizationId.eq(organization_id))
            .filter(finding::Column::Id.is_in(findings))
            .all(db)
            .await?;
        let companies = company::Entity::find()
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(companies))
            .all(db)
            .await?;
        Ok(Self {
            findings: findings.into_iter().map(|row| (row.id, row)).collect(),
            companies: companies.into_iter().map(|row| (row.id, row)).collect(),
        })
    }
}

/// Why an event gets no ticket: the reason, and its words.
type Why = (&'static str, String);

struct Previewing<'a> {
    ground: &'a Ground,
    rules: Rules,
    places: Places,
    quiet: Quiet,
    known: Known,
    candidate_id: Uuid,
    tickets: Vec<WouldBeTicket>,
    skips: Vec<Skip>,
    /// Findings of which subscribers would be told.
    told: HashSet<Uuid>,
}

/// An event that gets a ticket by the policy.
struct Wanted {
    place: Place,
    key: String,
    title: String,
    body: String,
    severity: Severity,
    due_at: Option<Timestamp>,
}

impl Previewing<'_> {
    fn look(&mut self, row: event::Model, event: Option<Event>) {
        let Wanted { place, key, title, body, severity, due_at } = match self.weigh(&row, event) {
            Ok(wanted) => wanted,
            Err((reason, explanation)) => {
                if reason == TOLD {
                    self.told.extend(row.finding_id);
                }
                self.skips.push(Skip { event: row, reason, explanation });
                return;
            }
        };
        let connection_id = place.profile.psa_connection_id;
        let same = |ticket: &&mut WouldBeTicket| {
            ticket.key == key && ticket.place.profile.psa_connection_id == connection_id
        };
        if let Some(ticket) = self.tickets.iter_mut().find(same) {
            ticket.event_count += 1;
            // The newest came first.
            ticket.first_at = row.created_at;
            ticket.due_at = due_at;
            ticket.severity = ticket.severity.max(severity);
        } else {
            self.tickets.push(WouldBeTicket {
                place,
                key,
                title,
                body,
                severity,
                first_at: row.created_at,
                event: row,
                event_count: 1,
                due_at,
            });
        }
    }

    /// What becomes of an event, or the reason why nothing does, with its words.
    fn weigh(&self, row: &event::Model, event: Option<Event>) -> Result<Wanted, Why> {
        let finding = row.finding_id.and_then(|id| self.known.findings.get(&id)).cloned();
        let company = row.company_id.and_then(|id| self.known.companies.get(&id)).cloned();
        let (Some(event), Some(mut finding), Some(company)) = (event, finding, company) else {
            let words = "the body of its delivery, its finding or its company is no longer there";
            return Err(("gone", words.to_owned()));
        };
        if !matches!(event.kind.action, Action::Open | Action::Reopen | Action::Update) {
            return Err(("opens_nothing", format!("{} opens no ticket", event.kind.name)));
        }
        // As bad as it was said to be then.
        if event.severity != Severity::Unknown {
            finding.severity = event.severity;
        }
        self.quiet(row, &company, &finding)?;
        let (mut trail, now) = (Trail::default(), self.ground.clock.now());
        let why_not = || self.rules.why_not(self.candidate_id, company.id, &event, &finding, now);
        let policy = match self.rules.choose(company.id, &event, &finding, now, &mut trail) {
            Ok(policy) if policy.id == self.candidate_id => policy,
            Ok(other) => {
                let earlier = || format!("the policy \"{}\" comes before it and decides", other.name);
                return Err(
                    why_not().map_or_else(|| ("another_policy", earlier()), |why| ("does_not_match", why))
                );
            }
            Err(decision) if decision.reason == "no_policy" => {
                return Err(("does_not_match", why_not().unwrap_or(decision.explanation)));
            }
            Err(decision) => return Err((decision.reason, decision.explanation)),
        };
        let handling = self.rules.handling(policy.id);
        if !policy.opens_tickets {
            return Err(match brakes::settled(&handling, row, &finding, "is told") {
                Ok(_) => (TOLD, format!("subscribers are told of it; {}", told::none_wanted(policy))),
                Err(why) => why,
            });
        }
        let wants = Wants { rules: &self.rules, event: &event, finding: &finding, now };
        let place = match self.places.choose(&company, policy, &wants, &mut trail) {
            Ok(place) => place,
            Err(decision) => return Err((decision.reason, decision.explanation)),
        };
        let settled = brakes::settled(&handling, row, &finding, "gets a ticket")?;
        let collected = handling.cadence.next(settled.unwrap_or(row.created_at));
        let group = match collected {
            Some(due_at) => Group::of_digest(policy, &place.company, due_at),
            None => Group::of((policy, &handling), &self.rules, &place.company, &event, &finding),
        };
        self.muted(row, &finding, Some(&group.key))?;
        let due_at = collected.or(settled);
        let (title, body) = words::of_new_ticket(&event, &place, &finding, &group, &mut trail);
        Ok(Wanted { key: group.key, severity: finding.severity, place, title, body, due_at })
    }
}
