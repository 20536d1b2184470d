//! Reports of how much companies use, and the marks that they raise.
//!
//! The most of a month counts, so that a report that comes twice, or late, changes nothing that was right. A report
//! names the moment for which it speaks: that decides the month, not the moment at which it came.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod count;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{
    Quantity, Timestamp, company, company_alias, usage_mark,
    usage_report::{self, UsageState},
    webhook_delivery,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::{
    calendar::{Calendar, Period},
    calendars,
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        companies::ANY_SOURCE,
        once::Done,
        viewer::{Permission, Viewer},
    },
};

use count::{Counting, Outcome};

/// The longest name of a product, in bytes.
pub const MAX_PRODUCT: usize = 100;
/// The source of what is reported by people and scripts through GraphQL and names none.
pub const BY_API: &str = "api";
/// How far ahead of now a report may speak, in seconds: clocks differ.
const AHEAD_SECS: i64 = 3_600;
/// How far back it may, in seconds.
const BACK_SECS: i64 = 400 * 86_400;

/// Whom a report speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A company of ours.
    Company(Uuid),
    /// Who is known by that name to the source.
    KnownAs(String),
}

/// What a report says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which product says it.
    pub source: String,
    /// Of whom.
    pub whom: Whom,
    /// What is used.
    pub product: String,
    /// How much.
    pub quantity: Quantity,
    /// When it was so.
    pub observed_at: Timestamp,
}

/// One statement of a usage webhook, or why it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReading {
    /// What it says; `Err` says what is wrong and what to do, for people.
    pub said: Result<Said, String>,
    /// Where it stands in the body, as a JSON Pointer; empty for the whole.
    pub pointer: String,
}

/// Takes in what a person or a script reports, each with its own outcome.
pub async fn report(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    rows: Vec<Result<Said, Vec<Problem>>>,
) -> Result<Vec<Result<usage_mark::Model, Vec<Problem>>>, Error> {
    viewer.may(Permission::ReportUsage, organization_id)?;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let now = ground_of.clock.now();
                let organization = entity::organization::Entity::find_by_id(organization_id)
                    .one(tx)
                    .await?
                    .ok_or(Error::NotFound)?;
                let mut counting =
                    Counting::begin(tx, &ground_of, organization_id, rows.iter().flatten()).await?;
                let mut outcomes = Vec::with_capacity(rows.len());
                for row in rows {
                    let said = match row {
                        Ok(said) => said,
                        Err(problems) => {
                            outcomes.push(Err(problems));
                            continue;
                        }
                    };
                    let problems = problems_of(&said, now);
                    if !problems.is_empty() {
                        outcomes.push(Err(problems));
                        continue;
                    }
                    let Some(company_id) = counting.whose(&said) else {
                        outcomes.push(Err(vec![nobody(&said)]));
                        continue;
                    };
                    let outcome = counting.count(tx, &said, Some(company_id), None).await?;
                    outcomes.push(match outcome {
                        Outcome::Counted(mark) | Outcome::Duplicate(mark) => Ok(*mark),
                        Outcome::Held => Err(vec![nobody(&said)]),
                    });
                }
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |mark| mark.id)).await?;
                let counted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                if counted > 0 {
                    let change = Change::of("usageReport", &organization).is("reportCount", counted);
                    audit::record(tx, &ground_of, &by, change).await?;
                }
                Ok::<_, Error>(outcomes)
            })
        })
        .await
}

fn nobody(said: &Said) -> Problem {
    match &said.whom {
        Whom::Company(_) => Problem::of(
            "companyId",
            ProblemCode::NotFound,
            "there is no such company in this organization; take the id from a list of them",
        ),
        Whom::KnownAs(name) => Problem::of(
            "clientRef",
            ProblemCode::NotFound,
            format!("no company is known as \"{name}\" to {}; give one this alias first", said.source),
        ),
    }
}

/// What cannot be right of a report.
fn problems_of(said: &Said, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, code, message: String| problems.push(Problem::of(field, code, message));
    if said.product.is_empty() {
        wrong("product", ProblemCode::Required, "say what is used, e.g. \"managed-edr\"".to_owned());
    } else if said.product.len() > MAX_PRODUCT || said.product.chars().any(char::is_control) {
        let message = format!("a product's name has at most {MAX_PRODUCT} bytes, on one line");
        wrong("product", ProblemCode::TooLong, message);
    }
    if said.quantity < Quantity(0) || said.quantity > Quantity::MAX {
        let message = format!("{} is no amount; give 0 to {}", said.quantity, Quantity::MAX);
        wrong("quantity", ProblemCode::Invalid, message);
    }
    if said.observed_at > now.plus_secs(AHEAD_SECS) {
        let message = format!("{} is still to come; give the moment of the count", said.observed_at);
        wrong("observedAt", ProblemCode::Invalid, message);
    } else if said.observed_at < now.plus_secs(-BACK_SECS) {
        wrong("observedAt", ProblemCode::Invalid, format!("{} is more than 400 days ago", said.observed_at));
    }
    problems
}

/// Takes in what a webhook reports, in the transaction that ends or renews its delivery; the same delivery may come
/// again. Says whether some of it waits for somebody to give a company an alias.
pub async fn take_in(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    readings: Vec<UsageReading>,
) -> Result<bool, Error> {
    let said = readings.iter().filter_map(|reading| reading.said.as_ref().ok());
    let mut counting = Counting::begin(tx, ground, delivery.organization_id, said).await?;
    let mut is_held = false;
    for UsageReading { said, pointer } in readings {
        let refused = |problem: String| (pointer.clone(), problem);
        let checked = said.map_err(refused).and_then(|said| {
            let problems = problems_of(&said, delivery.received_at);
            let words: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
            if words.is_empty() { Ok(said) } else { Err((pointer.clone(), words.join("; "))) }
        });
        match checked {
            Ok(said) => {
                let company_id = counting.whose(&said);
                let outcome = counting.count(tx, &said, company_id, Some(delivery)).await?;
                is_held |= matches!(outcome, Outcome::Held);
            }
            Err((pointer, problem)) => counting.refuse(tx, delivery, &pointer, problem).await?,
        }
    }
    Ok(is_held)
}

/// The companies that reports name.
#[derive(Debug, Default)]
struct Customers {
    by_alias: HashMap<(String, String), Uuid>,
    ids: BTreeSet<Uuid>,
}

impl Customers {
    async fn load<'a>(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        said: impl Iterator<Item = &'a Said>,
    ) -> Result<Self, DbErr> {
        use company_alias::Column as A;
        let (mut names, mut sources, mut wanted) =
            (BTreeSet::new(), BTreeSet::from([ANY_SOURCE]), BTreeSet::new());
        for said in said {
            match &said.whom {
                Whom::Company(id) => {
                    wanted.insert(*id);
                }
                Whom::KnownAs(name) => {
                    names.insert(name.as_str());
                    sources.insert(said.source.as_str());
                }
            }
        }
        let aliases = company_alias::Entity::find()
            .filter(A::OrganizationId.eq(organization_id))
            .filter(A::Value.is_in(names))
            .filter(A::Source.is_in(sources))
            .all(db)
            .await?;
        let ids: Vec<Uuid> = company::Entity::find()
            .select_only()
            .column(company::Column::Id)
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(wanted))
            .into_tuple()
            .all(db)
            .await?;
        Ok(Self {
            by_alias: aliases.into_iter().map(|row| ((row.source, row.value), row.company_id)).collect(),
            ids: ids.into_iter().collect(),
        })
    }

    /// Never the catch-all: nobody is billed for what nobody is known to use.
    fn whose(&self, said: &Said) -> Option<Uuid> {
        match &said.whom {
            Whom::Company(id) => self.ids.get(id).copied(),
            Whom::KnownAs(name) => {
                let known_to = |source: &str| self.by_alias.get(&(source.to_owned(), name.clone())).copied();
                known_to(&said.source).or_else(|| known_to(ANY_SOURCE))
            }
        }
    }
}

/// Counts a month anew from what was reported: the calendar has changed.
pub(super) async fn recount(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    period: &Period,
) -> Result<(), Error> {
    use usage_report::Column as C;
    /// Company, product, the most, the latest moment, how many.
    type Sum = (Uuid, String, i64, i64, i64);
    let sums: Vec<Sum> = usage_report::Entity::find()
        .select_only()
        .column(C::CompanyId)
        .column(C::Product)
        .column_as(C::Quantity.max(), "most")
        .column_as(C::ObservedAt.max(), "latest")
        .column_as(C::Id.count(), "how_many")
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::State.eq(UsageState::Counted))
        .filter(C::CompanyId.is_not_null())
        .filter(C::ObservedAt.gte(period.starts_at))
        .filter(C::ObservedAt.lt(period.ends_at))
        .group_by(C::CompanyId)
        .group_by(C::Product)
        .into_tuple()
        .all(tx)
        .await?;
    let marks: BTreeMap<_, _> = sums
        .into_iter()
        .map(|(company, product, most, at, count)| ((company, product), (most, at, count)))
        .collect();
    for ((company_id, product), (most, at, count)) in marks {
        let (most, at) = (Quantity(most), Timestamp(at));
        count::set(tx, ground, organization_id, (company_id, &product), period, (most, at, count)).await?;
    }
    Ok(())
}

/// How long reports are kept, in seconds: marks stay for ever.
const KEPT_SECS: i64 = 100 * 86_400;
/// How many are removed at a time.
const TRIM: u64 = 500;

/// Forgets reports of long ago; the marks that they made stay. Gives how many went.
pub async fn trim(ground: &Ground) -> Result<u64, Error> {
    use usage_report::Column as C;
    let before = ground.clock.now().plus_secs(-KEPT_SECS);
    let old: Vec<Uuid> = usage_report::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::CreatedAt.lt(before))
        .limit(TRIM)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let removed = usage_report::Entity::delete_many().filter(C::Id.is_in(old)).exec(tx).await?;
                Ok::<_, Error>(removed.rows_affected)
            })
        })
        .await
}

/// The month of a moment, by an organization's calendar.
pub async fn period_of(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    at: Timestamp,
) -> Result<(Calendar, Period), DbErr> {
    let calendar = calendars::of(db, organization_id).await?;
    let period = calendar.period(at);
    Ok((calendar, period))
}

#[cfg(test)]
mod tests;
