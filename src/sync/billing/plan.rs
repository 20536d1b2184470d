//! What the next push would send, and planning it. The preview and the push are the same code.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod correcting;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{
    Quantity, Timestamp,
    billing_entry::{self, EntryState},
    billing_line, company_mapping, psa_connection, usage_mark,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{
    calendar::Period,
    calendars, entries,
    ledger::{self, BLOCKING, Happening, Way},
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

pub use correcting::{NewCorrection, correct};

/// How many lines are planned in one transaction.
const BATCH: u64 = 100;
/// How many lines are pushed by name at once.
pub const MAX_LINES: usize = 100;

/// What the next push does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A value is sent.
    Sends,
    /// That value is planned already, and waits to be sent.
    IsPlanned,
    /// The line has the value: it was sent this month, and was there.
    Unchanged,
    /// It was sent this month, and something else was there when it was read back.
    Differs,
    /// A correction stands until more is used than when it was made.
    Corrected,
    /// It is not known yet what became of what was sent last.
    Blocked,
    /// Nothing was reported this month.
    NoUsage,
    /// Pushing is switched off for this line.
    Disabled,
    /// The company is not mapped to the one that the line bills.
    NotMapped,
    /// The connection is switched off.
    ConnectionOff,
}

impl Verdict {
    /// In words, with the next step where there is one.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Sends => "this is sent with the next push",
            Self::IsPlanned => "this is planned and waits to be sent",
            Self::Unchanged => "the line has this value already",
            Self::Differs => {
                "this was sent, and the line had another value when it was read back: look into the PSA, then make a \
                 correction"
            }
            Self::Corrected => "a correction stands until more is used than when it was made",
            Self::Blocked => {
                "it is not known yet what became of the last value: it is looked for, or an entry that is HELD waits for \
                 your decision"
            }
            Self::NoUsage => "nothing was reported for this month yet",
            Self::Disabled => "the line is switched off: switch it on to have it pushed",
            Self::NotMapped => {
                "the company is not mapped to the one that this line bills: map it, or pick another line"
            }
            Self::ConnectionOff => "the connection is switched off: switch it on",
        }
    }
}

/// What the next push would do to a line.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it does.
    pub verdict: Verdict,
    /// Of which month.
    pub period: Period,
    /// The most that was used in it.
    pub mark: Option<Quantity>,
    /// What the line had when it was read last.
    pub last_seen: Option<Quantity>,
    /// An entry of the same value that is taken up again.
    again: Option<billing_entry::Model>,
}

impl Proposal {
    /// The value that the line is to have.
    pub fn proposed(&self) -> Option<Quantity> {
        self.mark.filter(|_| matches!(self.verdict, Verdict::Sends | Verdict::IsPlanned | Verdict::Unchanged))
    }

    /// How much more that is than was there; less where it is negative.
    pub fn difference(&self) -> Option<Quantity> {
        let (proposed, seen) = (self.proposed()?, self.last_seen?);
        Some(Quantity(proposed.0.saturating_sub(seen.0)))
    }
}

/// What proposals follow from.
struct Facts {
    period: Period,
    connections: BTreeSet<Uuid>,
    mappings: BTreeMap<(Uuid, Uuid), Uuid>,
    marks: HashMap<(Uuid, String), usage_mark::Model>,
    entries: HashMap<Uuid, Vec<billing_entry::Model>>,
}

impl Facts {
    async fn load(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        lines: &[billing_line::Model],
        now: Timestamp,
    ) -> Result<Self, DbErr> {
        use billing_entry::Column as E;
        let period = calendars::of(db, organization_id).await?.period(now);
        let companies: BTreeSet<Uuid> = lines.iter().map(|line| line.company_id).collect();
        let connections: BTreeSet<Uuid> = lines.iter().map(|line| line.psa_connection_id).collect();
        let enabled: Vec<Uuid> = psa_connection::Entity::find()
            .select_only()
            .column(psa_connection::Column::Id)
            .filter(psa_connection::Column::OrganizationId.eq(organization_id))
            .filter(psa_connection::Column::Id.is_in(connections.iter().copied()))
            .filter(psa_connection::Column::IsEnabled.eq(true))
            .into_tuple()
            .all(db)
            .await?;
        let mappings = company_mapping::Entity::find()
            .filter(company_mapping::Column::OrganizationId.eq(organization_id))
            .filter(company_mapping::Column::CompanyId.is_in(companies.iter().copied()))
            .filter(company_mapping::Column::PsaConnectionId.is_in(connections))
            .all(db)
            .await?;
        let marks = usage_mark::Entity::find()
            .filter(usage_mark::Column::OrganizationId.eq(organization_id))
            .filter(usage_mark::Column::CompanyId.is_in(companies))
            .filter(usage_mark::Column::Period.eq(period.name.as_str()))
            .all(db)
            .await?;
        let open = BLOCKING.into_iter().chain([EntryState::Planned]);
        let of_month = billing_entry::Entity::find()
            .filter(E::OrganizationId.eq(organization_id))
            .filter(E::BillingLineId.is_in(lines.iter().map(|line| line.id)))
            .filter(Condition::any().add(E::Period.eq(period.name.as_str())).add(E::State.is_in(open)))
            .order_by_asc(E::CreatedAt)
            .order_by_asc(E::Id)
            .all(db)
            .await?;
        let mut entries: HashMap<Uuid, Vec<_>> = HashMap::new();
        for entry in of_month {
            entries.entry(entry.billing_line_id).or_default().push(entry);
        }
        Ok(Self {
            period,
            connections: enabled.into_iter().collect(),
            mappings: mappings
                .into_iter()
                .map(|row| ((row.company_id, row.psa_connection_id), row.psa_company_id))
                .collect(),
            marks: marks.into_iter().map(|row| ((row.company_id, row.product.clone()), row)).collect(),
            entries,
        })
    }

    fn propose(&self, line: &billing_line::Model) -> Proposal {
        let mark = self.marks.get(&(line.company_id, line.product.clone())).map(|mark| mark.high_water);
        let entries = self.entries.get(&line.id).map(Vec::as_slice).unwrap_or_default();
        let (verdict, again) = self.weigh(line, mark, entries);
        let last_seen = entries.iter().rev().find_map(|entry| entry.read_back);
        Proposal { verdict, period: self.period.clone(), mark, last_seen, again }
    }

    fn weigh(
        &self,
        line: &billing_line::Model,
        mark: Option<Quantity>,
        entries: &[billing_entry::Model],
    ) -> (Verdict, Option<billing_entry::Model>) {
        let just = |verdict| (verdict, None);
        if !line.is_enabled {
            return just(Verdict::Disabled);
        }
        if !self.connections.contains(&line.psa_connection_id) {
            return just(Verdict::ConnectionOff);
        }
        if self.mappings.get(&(line.company_id, line.psa_connection_id)) != Some(&line.psa_company_id) {
            return just(Verdict::NotMapped);
        }
        if entries.iter().any(|entry| ledger::blocks(entry.state)) {
            return just(Verdict::Blocked);
        }
        let Some(mark) = mark else { return just(Verdict::NoUsage) };
        let of_month = |entry: &&billing_entry::Model| {
            entry.aim == line.aim && entry.period == self.period.name && entry.state != EntryState::Superseded
        };
        let correction = entries.iter().rev().filter(of_month).find(|entry| entry.correction > 0);
        if correction.is_some_and(|entry| entry.mark.is_some_and(|then| mark <= then)) {
            return just(Verdict::Corrected);
        }
        let same = entries.iter().find(|entry| {
            entry.aim == line.aim
                && entry.period == self.period.name
                && entry.correction == 0
                && entry.proposed == mark
        });
        match same.map(|entry| entry.state) {
            None => just(Verdict::Sends),
            Some(EntryState::Planned) => just(Verdict::IsPlanned),
            Some(EntryState::Failed | EntryState::Superseded) => (Verdict::Sends, same.cloned()),
            Some(EntryState::Differs) => just(Verdict::Differs),
            Some(_) => just(Verdict::Unchanged),
        }
    }
}

/// What the next push would do to each of some lines of what organizations there are.
pub async fn preview(
    viewer: &Viewer,
    ground: &Ground,
    line_ids: &[Uuid],
) -> Result<HashMap<Uuid, Proposal>, Error> {
    let db = ground.db.reader();
    let lines = reach::rows::<billing_line::Entity>(viewer)
        .filter(billing_line::Column::Id.is_in(line_ids.iter().copied()))
        .all(db)
        .await?;
    let mut by_organization: BTreeMap<Uuid, Vec<billing_line::Model>> = BTreeMap::new();
    for line in lines {
        by_organization.entry(line.organization_id).or_default().push(line);
    }
    let mut found = HashMap::new();
    for (organization_id, lines) in by_organization {
        let facts = Facts::load(db, organization_id, &lines, ground.clock.now()).await?;
        found.extend(lines.iter().map(|line| (line.id, facts.propose(line))));
    }
    Ok(found)
}

/// Plans what some lines are to have now, and wakes their lanes: all that is written comes with it. Gives the entries.
async fn plan(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    lines: &[billing_line::Model],
) -> Result<Vec<billing_entry::Model>, Error> {
    let now = ground.clock.now();
    let facts = Facts::load(tx, organization_id, lines, now).await?;
    let (mut planned, mut lanes_of) = (Vec::new(), BTreeSet::new());
    for line in lines {
        let proposal = facts.propose(line);
        let (Verdict::Sends, Some(mark)) = (proposal.verdict, proposal.mark) else { continue };
        entries::take_back(tx, line, now).await?;
        let entry = match proposal.again {
            Some(mut entry) => {
                if !entries::happens(&mut entry, Happening::RetryPlanned, Way::Value, now) {
                    continue;
                }
                (entry.problem_code, entry.problem, entry.run_at) = (None, None, Some(now));
                entries::save(tx, entry).await?
            }
            None => insert(tx, ground, line, &proposal.period, Wanted::of_mark(mark)).await?,
        };
        lanes_of.insert(line.psa_connection_id);
        planned.push(entry);
    }
    for connection_id in lanes_of {
        lanes::wake(tx, connection_id, now).await?;
    }
    Ok(planned)
}

/// What a new entry is to say.
struct Wanted {
    mark: Option<Quantity>,
    proposed: Quantity,
    correction: i32,
    reason: Option<String>,
    decided_by: Option<String>,
}

impl Wanted {
    fn of_mark(mark: Quantity) -> Self {
        Self { mark: Some(mark), proposed: mark, correction: 0, reason: None, decided_by: None }
    }
}

async fn insert(
    tx: &DatabaseTransaction,
    ground: &Ground,
    line: &billing_line::Model,
    period: &Period,
    wanted: Wanted,
) -> Result<billing_entry::Model, DbErr> {
    let now = ground.clock.now();
    let row = billing_entry::Model {
        id: ground.chance.id(now),
        organization_id: line.organization_id,
        billing_line_id: line.id,
        aim: line.aim,
        psa_connection_id: line.psa_connection_id,
        period: period.name.clone(),
        period_starts_at: period.starts_at,
        period_ends_at: period.ends_at,
        correction: wanted.correction,
        reason: wanted.reason,
        decided_by: wanted.decided_by,
        mark: wanted.mark,
        proposed: wanted.proposed,
        before: None,
        sent: None,
        sent_at: None,
        effective_on: None,
        read_back: None,
        read_back_at: None,
        state: EntryState::Planned,
        problem_code: None,
        problem: None,
        uncertain_since: None,
        run_at: Some(now),
        attempts: 0,
        created_at: now,
        updated_at: now,
    };
    let made = row.into_active_model().insert(tx).await?;
    crate::db::news::tell(crate::db::news::Happened {
        what: crate::db::news::What::BillingEntryChanged,
        organization_id: made.organization_id,
        id: made.id,
        at: now,
    });
    Ok(made)
}

/// Plans all lines of an organization, some in each transaction. Gives how many entries were planned.
pub async fn push_all(ground: &Ground, organization_id: Uuid) -> Result<u64, Error> {
    use billing_line::Column as C;
    let (mut behind, mut count) = (Uuid::nil(), 0);
    loop {
        let of = ground.clone();
        let (last, planned) = ground
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // Who changes a line waits for this, or is seen here.
                    let lines = billing_line::Entity::find()
                        .filter(C::OrganizationId.eq(organization_id))
                        .filter(C::Id.gt(behind))
                        .order_by_asc(C::Id)
                        .limit(BATCH)
                        .lock(LockType::NoKeyUpdate)
                        .all(tx)
                        .await?;
                    let last = lines.last().map(|line| line.id);
                    let planned = plan(tx, &of, organization_id, &lines).await?;
                    Ok::<_, Error>((last, planned.len() as u64))
                })
            })
            .await?;
        count += planned;
        match last {
            Some(last) => behind = last,
            None => break,
        }
    }
    if count > 0 {
        ground.wake.outbox();
    }
    Ok(count)
}

/// Pushes some lines now, on somebody's demand. Gives the entries that were planned.
pub async fn push_some(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    line_ids: Vec<Uuid>,
) -> Result<Vec<billing_entry::Model>, Error> {
    use billing_line::Column as C;
    viewer.may(Permission::ManageBilling, organization_id)?;
    if line_ids.len() > MAX_LINES {
        let message = format!(
            "{} lines are given, {MAX_LINES} are pushed at once; give none to push all",
            line_ids.len()
        );
        return Err(Problem::of("billingLineIds", ProblemCode::TooLong, message).into());
    }
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let planned = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let lines = billing_line::Entity::find()
                    .filter(C::OrganizationId.eq(organization_id))
                    .filter(C::Id.is_in(line_ids.iter().copied()))
                    .order_by_asc(C::Id)
                    .lock(LockType::NoKeyUpdate)
                    .all(tx)
                    .await?;
                let unknown =
                    (0..).zip(&line_ids).filter(|(_, id)| !lines.iter().any(|line| line.id == **id));
                let problems: Vec<Problem> = unknown
                    .map(|(index, _): (usize, _)| {
                        let message = "there is no such billing line in this organization";
                        Problem::at(&["billingLineIds", &index.to_string()], ProblemCode::NotFound, message)
                    })
                    .collect();
                if !problems.is_empty() {
                    return Err(Error::Invalid(problems));
                }
                let planned = plan(tx, &ground_of, organization_id, &lines).await?;
                let changes = lines.iter().map(|line| Change::of("billingPush", line)).collect();
                audit::record_all(tx, &ground_of, &by, changes).await?;
                Ok(planned)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(planned)
}

/// Has all lines of an organization pushed now, on somebody's demand, by the worker whose work that is.
pub async fn push_now(viewer: &Viewer, ground: &Ground, organization_id: Uuid) -> Result<(), Error> {
    viewer.may(Permission::ManageBilling, organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let organization = entity::organization::Entity::find_by_id(organization_id)
                    .one(tx)
                    .await?
                    .ok_or(Error::NotFound)?;
                let mut row = calendars::begin(tx, &ground_of, organization_id).await?;
                row.next_push_at = Some(now);
                entity::billing_calendar::Entity::update(row.into_active_model().reset_all())
                    .exec(tx)
                    .await?;
                audit::record(tx, &ground_of, &by, Change::of("billingPush", &organization)).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    ground.wake.one(crate::ground::Work::Timed);
    Ok(())
}
