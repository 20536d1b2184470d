//! Writing reports down, and raising marks.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::fmt::Write as _;

use entity::{
    Quantity, Timestamp, usage_mark,
    usage_report::{self, UsageState},
    webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    ExprTrait as _, IntoActiveModel as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType, OnConflict},
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Customers, Said, Whom};
use crate::{
    ground::Ground,
    sync::billing::{
        calendar::{Calendar, Period},
        calendars,
    },
};

/// The longest words about a report that does not count, in characters.
const MAX_PROBLEM: usize = 1_000;

/// What became of a report.
pub(super) enum Outcome {
    Counted(Box<usage_mark::Model>),
    /// It was here before, and counted then.
    Duplicate(Box<usage_mark::Model>),
    /// Nobody is known by that name.
    Held,
}

/// Counting the reports of one transaction.
pub(super) struct Counting {
    ground: Ground,
    organization_id: Uuid,
    calendar: Calendar,
    customers: Customers,
    now: Timestamp,
}

impl Counting {
    pub(super) async fn begin<'a>(
        tx: &DatabaseTransaction,
        ground: &Ground,
        organization_id: Uuid,
        said: impl Iterator<Item = &'a Said>,
    ) -> Result<Self, DbErr> {
        let customers = Customers::load(tx, organization_id, said).await?;
        let calendar = calendars::of(tx, organization_id).await?;
        Ok(Self { ground: ground.clone(), organization_id, calendar, customers, now: ground.clock.now() })
    }

    /// The company that a report speaks of.
    pub(super) fn whose(&self, said: &Said) -> Option<Uuid> {
        self.customers.whose(said)
    }

    /// Writes a report down, and raises the mark where it is new and somebody is known by that name.
    pub(super) async fn count(
        &mut self,
        tx: &DatabaseTransaction,
        said: &Said,
        company_id: Option<Uuid>,
        delivery: Option<&webhook_delivery::Model>,
    ) -> Result<Outcome, DbErr> {
        use usage_report::Column as C;
        let client_ref = match &said.whom {
            Whom::KnownAs(name) => Some(name.clone()),
            Whom::Company(_) => None,
        };
        let held = || {
            let name = client_ref.as_deref().unwrap_or_default();
            format!(
                "no company is known as \"{name}\" to {}; give one this alias, then this goes on by itself",
                said.source
            )
        };
        let row = usage_report::Model {
            id: self.ground.chance.id(self.now),
            organization_id: self.organization_id,
            webhook_delivery_id: delivery.map(|delivery| delivery.id),
            company_id,
            source: said.source.clone(),
            product: said.product.clone(),
            quantity: said.quantity,
            observed_at: said.observed_at,
            fingerprint: fingerprint(said),
            duplicate_count: 0,
            state: if company_id.is_some() { UsageState::Counted } else { UsageState::Held },
            problem: company_id.is_none().then(held),
            created_at: self.now,
            client_ref: client_ref.clone(),
        };
        let Some(old) = insert(tx, row.clone()).await? else {
            return match company_id {
                Some(company_id) => {
                    Ok(Outcome::Counted(Box::new(self.raise(tx, company_id, said, true).await?)))
                }
                None => Ok(Outcome::Held),
            };
        };
        let is_new_to_us = old.state == UsageState::Held && company_id.is_some();
        let is_again =
            old.webhook_delivery_id.is_none() || old.webhook_delivery_id != row.webhook_delivery_id;
        let mut update = usage_report::Entity::update_many().filter(C::Id.eq(old.id));
        if is_new_to_us {
            update = update
                .col_expr(C::State, Expr::value(UsageState::Counted))
                .col_expr(C::CompanyId, Expr::value(company_id))
                .col_expr(C::Problem, Expr::value(None::<String>));
        }
        let more = i32::from(is_again);
        update.col_expr(C::DuplicateCount, Expr::col(C::DuplicateCount).add(more)).exec(tx).await?;
        // What counted once belongs to whom it counted for then, whoever has the alias by now.
        let Some(company_id) = old.company_id.or(company_id) else { return Ok(Outcome::Held) };
        let mark = Box::new(self.raise(tx, company_id, said, is_new_to_us).await?);
        Ok(if is_new_to_us { Outcome::Counted(mark) } else { Outcome::Duplicate(mark) })
    }

    /// Writes down that a statement does not count, and why.
    pub(super) async fn refuse(
        &mut self,
        tx: &DatabaseTransaction,
        delivery: &webhook_delivery::Model,
        pointer: &str,
        problem: String,
    ) -> Result<(), DbErr> {
        let whole = if pointer.is_empty() { problem } else { format!("{pointer}: {problem}") };
        let row = usage_report::Model {
            id: self.ground.chance.id(self.now),
            organization_id: self.organization_id,
            webhook_delivery_id: Some(delivery.id),
            company_id: None,
            source: String::new(),
            client_ref: None,
            product: String::new(),
            quantity: Quantity(0),
            observed_at: delivery.received_at,
            fingerprint: digest(&["refused", &delivery.id.to_string(), pointer]),
            duplicate_count: 0,
            state: UsageState::Refused,
            problem: Some(whole.chars().filter(|letter| *letter != '\0').take(MAX_PROBLEM).collect()),
            created_at: self.now,
        };
        insert(tx, row).await.map(|_| ())
    }

    /// The mark of the report's month, raised where the report says more. One that `counts` is a new one.
    async fn raise(
        &self,
        tx: &DatabaseTransaction,
        company_id: Uuid,
        said: &Said,
        counts: bool,
    ) -> Result<usage_mark::Model, DbErr> {
        let period = self.calendar.period(said.observed_at);
        let of = (company_id, said.product.as_str());
        let found = mark(tx, of, &period).await?;
        let mut row = match found {
            Some(row) => row,
            None => make(tx, &self.ground, self.organization_id, of, &period, said).await?,
        };
        if !counts && row.report_count > 0 {
            return Ok(row);
        }
        if said.quantity > row.high_water || row.report_count == 0 {
            (row.high_water, row.high_water_at) = (said.quantity, said.observed_at);
            row.is_late |= self.now >= period.ends_at;
        }
        if said.observed_at >= row.last_observed_at || row.report_count == 0 {
            (row.last_quantity, row.last_observed_at) = (said.quantity, said.observed_at);
        }
        row.report_count += 1;
        row.updated_at = self.now;
        usage_mark::Entity::update(row.into_active_model().reset_all()).exec(tx).await
    }
}

/// Stores a report; the one that is there already, where it is.
async fn insert(
    tx: &DatabaseTransaction,
    row: usage_report::Model,
) -> Result<Option<usage_report::Model>, DbErr> {
    use usage_report::Column as C;
    let (organization_id, fingerprint, id) = (row.organization_id, row.fingerprint.clone(), row.id);
    let known = OnConflict::columns([C::OrganizationId, C::Fingerprint]).do_nothing().to_owned();
    let made = usage_report::Entity::insert(row.into_active_model()).on_conflict(known);
    match made.exec_without_returning(tx).await {
        Ok(_) | Err(DbErr::RecordNotInserted) => {}
        Err(error) => return Err(error),
    }
    let there = usage_report::Entity::find()
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Fingerprint.eq(fingerprint))
        .one(tx)
        .await?;
    Ok(there.filter(|there| there.id != id))
}

async fn mark(
    tx: &impl ConnectionTrait,
    (company_id, product): (Uuid, &str),
    period: &Period,
) -> Result<Option<usage_mark::Model>, DbErr> {
    use usage_mark::Column as C;
    usage_mark::Entity::find()
        .filter(C::CompanyId.eq(company_id))
        .filter(C::Product.eq(product))
        .filter(C::Period.eq(period.name.as_str()))
        .lock(LockType::Update)
        .one(tx)
        .await
}

/// A mark that nothing has raised yet; another's, where one was faster.
async fn make(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    of: (Uuid, &str),
    period: &Period,
    said: &Said,
) -> Result<usage_mark::Model, DbErr> {
    insert_mark(tx, ground, organization_id, of, period, (said.quantity, said.observed_at)).await?;
    mark(tx, of, period).await?.ok_or_else(|| DbErr::RecordNotFound("usage_mark".to_owned()))
}

async fn insert_mark(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    (company_id, product): (Uuid, &str),
    period: &Period,
    (quantity, at): (Quantity, Timestamp),
) -> Result<(), DbErr> {
    use usage_mark::Column as C;
    let now = ground.clock.now();
    let row = usage_mark::Model {
        id: ground.chance.id(now),
        organization_id,
        company_id,
        product: product.to_owned(),
        period: period.name.clone(),
        period_starts_at: period.starts_at,
        period_ends_at: period.ends_at,
        high_water: quantity,
        high_water_at: at,
        last_quantity: quantity,
        last_observed_at: at,
        report_count: 0,
        is_late: false,
        created_at: now,
        updated_at: now,
    };
    let known = OnConflict::columns([C::CompanyId, C::Product, C::Period]).do_nothing().to_owned();
    match usage_mark::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await
    {
        Ok(_) | Err(DbErr::RecordNotInserted) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A mark that was counted anew: the most, the latest moment, of how many reports.
pub(super) async fn set(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    of: (Uuid, &str),
    period: &Period,
    (most, at, count): (Quantity, Timestamp, i64),
) -> Result<(), DbErr> {
    insert_mark(tx, ground, organization_id, of, period, (most, at)).await?;
    let Some(mut row) = mark(tx, of, period).await? else { return Ok(()) };
    row.period_starts_at = period.starts_at;
    row.period_ends_at = period.ends_at;
    row.high_water = most;
    row.report_count = i32::try_from(count).unwrap_or(i32::MAX);
    row.updated_at = ground.clock.now();
    usage_mark::Entity::update(row.into_active_model().reset_all()).exec(tx).await.map(|_| ())
}

/// What the same report is recognised by: who says what of whom for which moment.
fn fingerprint(said: &Said) -> String {
    let (how, whom) = match &said.whom {
        Whom::Company(id) => ("company", id.to_string()),
        Whom::KnownAs(name) => ("known_as", name.clone()),
    };
    let (at, quantity) = (said.observed_at.0.to_string(), said.quantity.0.to_string());
    digest(&[&said.source, how, &whom, &said.product, &at, &quantity])
}

/// The length of each goes first, so that no two lists are written alike.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
