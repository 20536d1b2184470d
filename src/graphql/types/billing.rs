//! What an organization bills: its calendar, lines and ledger.

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    BillingEntryConnection, BillingEntryFilter, BillingEntryOrder, BillingLineConnection, BillingLineFilter,
    BillingLineOrder, BillingPeriod, UsageMarkConnection, UsageMarkFilter, UsageMarkOrder,
    UsageReportConnection, UsageReportFilter, UsageReportOrder,
};
use crate::{
    db::page::PageArgs,
    decisions::cadence::clock,
    graphql::{Asking as _, scalars::DateTime},
    organizations::viewer::Permission,
    sync::billing::{calendar::Calendar, calendars},
};

/// When an organization's billing months begin, and when its quantities are pushed.
#[derive(Clone, Debug, SimpleObject)]
pub struct BillingCalendar {
    /// The day on which a month begins, 1 to 31; the last of a month that has fewer.
    pub start_day: i32,
    /// By the clocks of this zone, by its name in the IANA database.
    pub time_zone: String,
    /// At what time of day quantities are pushed, as in `12:00`. Where clocks leave that time out, when they have been
    /// put forward.
    pub push_at: String,
    /// Whether they are pushed every day by themselves.
    pub is_push_enabled: bool,
    /// When they are pushed next; null where they are not by themselves, and before the first line is picked.
    pub next_push_at: Option<DateTime>,
    /// When all lines were looked through last.
    pub last_push_at: Option<DateTime>,
    /// The month that is under way.
    pub current_period: BillingPeriod,
    /// Counts changes by people, from 1: what `billingCalendarSet` takes as `expectedVersion`. 0 where it was never set.
    pub version: i32,
}

impl BillingCalendar {
    /// That of a row, or what is usual, at a moment.
    pub fn of(row: Option<&entity::billing_calendar::Model>, now: entity::Timestamp) -> Self {
        let calendar = row.map(Calendar::of).unwrap_or_default();
        Self {
            start_day: i32::from(calendar.start_day),
            push_at: clock(calendar.push_minute),
            is_push_enabled: calendar.is_push_enabled,
            next_push_at: row.and_then(|row| row.next_push_at).map(Into::into),
            last_push_at: row.and_then(|row| row.last_push_at).map(Into::into),
            current_period: calendar.period(now).into(),
            version: row.map_or(0, |row| row.version),
            time_zone: calendar.time_zone,
        }
    }
}

/// What an organization bills: its calendar, lines and ledger.
pub struct OrganizationBilling {
    /// Whose.
    pub organization_id: Uuid,
}

/// What an organization bills: its calendar, lines and ledger.
#[Object]
impl OrganizationBilling {
    /// When months begin, and when quantities are pushed. Needs `MANAGE_BILLING`.
    async fn calendar(&self, ctx: &Context<'_>) -> Result<Option<BillingCalendar>> {
        let ground = ctx.ground()?;
        ctx.viewer()?.may(Permission::ManageBilling, self.organization_id)?;
        let row = calendars::row(ground.db.reader(), self.organization_id)
            .await
            .map_err(crate::error::Error::from)?;
        Ok(Some(BillingCalendar::of(row.as_ref(), ground.clock.now())))
    }

    /// Which lines bill what, with what the next push does to each. Needs `MANAGE_BILLING`.
    async fn lines(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<BillingLineFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<BillingLineOrder>,
    ) -> Result<BillingLineConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(BillingLineConnection::new(
            self.organization_id,
            wanted,
            &PageArgs { first, after, last, before },
        )?)
    }

    /// The ledger: what lines were to have, and what became of it. Needs `MANAGE_BILLING`.
    async fn entries(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<BillingEntryFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<BillingEntryOrder>,
    ) -> Result<BillingEntryConnection> {
        let wanted = filter.unwrap_or_default().read(false, order_by)?;
        Ok(BillingEntryConnection::new(
            self.organization_id,
            wanted,
            &PageArgs { first, after, last, before },
        )?)
    }

    /// The most that companies used, by month. Needs `REPORT_USAGE`.
    async fn usage_marks(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<UsageMarkFilter>,
        #[graphql(desc = "The order; by default the latest month first.")] order_by: Option<UsageMarkOrder>,
    ) -> Result<UsageMarkConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(UsageMarkConnection::new(self.organization_id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What was reported, also what does not count. Needs `REPORT_USAGE`.
    async fn usage_reports(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<UsageReportFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<UsageReportOrder>,
    ) -> Result<UsageReportConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(UsageReportConnection::new(
            self.organization_id,
            wanted,
            &PageArgs { first, after, last, before },
        )?)
    }
}
