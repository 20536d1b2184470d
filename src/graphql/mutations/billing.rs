//! What can be done with what is billed.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{Quantity, billing_entry, billing_line, company, organization, psa_billing_line, psa_company};

use super::once::{Asked, Earlier};
use crate::{
    decisions::cadence::minute_of,
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{BillingCalendar, BillingEntry, BillingLine, BillingRefresh},
    },
    sync::billing::{
        calendars::{self, CalendarChange},
        entries,
        lines::{self, LineChange, NewLine},
        plan::{self, NewCorrection},
        refreshes,
    },
};

/// When months begin, and when quantities are pushed.
#[derive(Debug, InputObject)]
pub struct BillingCalendarSetInput {
    /// Whose.
    pub organization_id: ID,
    /// The day on which a month begins, 1 to 31; the last of a month that has fewer. At first 1.
    pub start_day: Option<i32>,
    /// By the clocks of this zone, by its name in the IANA database, as in `Europe/Berlin`. At first `UTC`.
    pub time_zone: Option<String>,
    /// At what time of day quantities are pushed, as in `12:00`; that is the time at first.
    pub push_at: Option<String>,
    /// Whether they are pushed every day by themselves. At first they are.
    pub is_push_enabled: Option<bool>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `billingCalendarSet` answers.
    BillingCalendarSetPayload, BillingCalendarSetUserError {
        /// The calendar, changed.
        calendar: BillingCalendar,
    }
}

/// Whose lines are to be read.
#[derive(Debug, InputObject)]
pub struct BillingLinesRefreshInput {
    /// The PSA's company whose recurring invoices are read.
    pub psa_company_id: ID,
}

payload! {
    /// What `billingLinesRefresh` answers.
    BillingLinesRefreshPayload, BillingLinesRefreshUserError {
        /// The reading, waiting for its turn; ask for it again with `node` until it is done.
        billing_refresh: BillingRefresh,
    }
}

/// Which line bills what a company uses of a product.
#[derive(Debug, InputObject)]
pub struct BillingLineCreateInput {
    /// Who uses it.
    pub company_id: ID,
    /// What, by the name that reports have for it; at most 100 bytes.
    pub product: String,
    /// The PSA's line that bills it, from `PsaConnection.billingLines`; of the PSA's company to which the company is
    /// mapped.
    pub psa_billing_line_id: ID,
    /// Whether quantities are pushed from now on.
    #[graphql(default = true)]
    pub is_enabled: bool,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `billingLineCreate` answers.
    BillingLineCreatePayload, BillingLineCreateUserError {
        /// The new billing line.
        billing_line: BillingLine,
    }
}

/// What to change of a billing line; what is absent stays.
#[derive(Debug, InputObject)]
pub struct BillingLineUpdateInput {
    /// The billing line.
    pub id: ID,
    /// Another line of the PSA. What was sent to the one before stays there.
    pub psa_billing_line_id: Option<ID>,
    /// True has it pushed again. To end that there is `billingLineDisable`.
    pub is_enabled: Option<bool>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `billingLineUpdate` answers.
    BillingLineUpdatePayload, BillingLineUpdateUserError {
        /// The billing line, changed.
        billing_line: BillingLine,
    }
}

/// Which billing line is no longer pushed.
#[derive(Debug, InputObject)]
pub struct BillingLineDisableInput {
    /// The billing line.
    pub id: ID,
    /// Its product, typed again: the PSA goes on billing what the line has then.
    pub confirm_product: String,
}

payload! {
    /// What `billingLineDisable` answers.
    BillingLineDisablePayload, BillingLineDisableUserError {
        /// The billing line, switched off.
        billing_line: BillingLine,
        /// How many planned entries of the ledger were taken back.
        taken_back_count: i32,
    }
}

/// What is to be pushed now.
#[derive(Debug, InputObject)]
pub struct BillingPushInput {
    /// Whose.
    pub organization_id: ID,
    /// Only these lines, 100 at the most; absent or null for all.
    pub billing_line_ids: Option<Vec<ID>>,
}

payload! {
    /// What `billingPush` answers.
    BillingPushPayload, BillingPushUserError {
        /// What was planned for the lines that were named; empty where nothing has changed, and where all are pushed: see
        /// `Organization.billing.entries` then.
        entries: Vec<BillingEntry>,
        /// Whether all lines are looked through by now or in a moment.
        is_queued: bool,
    }
}

/// What became of something whose fate is not known.
#[derive(Debug, InputObject)]
pub struct BillingEntryDecideInput {
    /// The entry, which is `HELD`.
    pub id: ID,
    /// Whether what was sent arrived, as the PSA itself shows: true has it read back, false has it sent again.
    pub has_arrived: bool,
}

payload! {
    /// What `billingEntryDecide` answers.
    BillingEntryDecidePayload, BillingEntryDecideUserError {
        /// The entry, moved on.
        billing_entry: BillingEntry,
    }
}

/// A value that a line is to have, whatever was reported.
#[derive(Debug, InputObject)]
pub struct BillingCorrectionCreateInput {
    /// The billing line.
    pub billing_line_id: ID,
    /// What it is to have in the month that is under way, at most three decimal places.
    pub quantity: f64,
    /// Why, for the ledger; at most 500 characters.
    pub reason: String,
    /// Your key for this request: see `BillingLineCreateInput.idempotencyKey`.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `billingCorrectionCreate` answers.
    BillingCorrectionCreatePayload, BillingCorrectionCreateUserError {
        /// The correction, planned.
        billing_entry: BillingEntry,
    }
}

/// What can be done with what is billed.
#[derive(Default)]
pub struct BillingMutation;

#[Object]
impl BillingMutation {
    /// Sets when billing months begin and when quantities are pushed. The month that is then under way is counted anew
    /// from what was reported in the last 100 days. Needs `MANAGE_BILLING`.
    async fn billing_calendar_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The calendar.")] input: BillingCalendarSetInput,
    ) -> Result<Option<BillingCalendarSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let change = CalendarChange {
                start_day: input.start_day,
                time_zone: input.time_zone,
                // What is no time of day is refused with all else that is wrong.
                push_minute: input.push_at.map(|clock| minute_of(&clock).unwrap_or(u16::MAX)),
                is_push_enabled: input.is_push_enabled,
                expected_version: input.expected_version,
            };
            let row = calendars::set(viewer, ground, id, change).await?;
            Ok(BillingCalendarSetPayload::done(BillingCalendar::of(Some(&row), ground.clock.now())))
        };
        BillingCalendarSetPayload::answer(work.await)
    }

    /// Reads the lines of a company's recurring invoices from its PSA, in a moment. Needs `MANAGE_BILLING`.
    async fn billing_lines_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose lines.")] input: BillingLinesRefreshInput,
    ) -> Result<Option<BillingLinesRefreshPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_company::Entity>(&input.psa_company_id, &["psaCompanyId"])?;
            let asked = refreshes::request(viewer, ground, id).await?;
            Ok(BillingLinesRefreshPayload::done(asked.into()))
        };
        BillingLinesRefreshPayload::answer(work.await)
    }

    /// Picks the line that bills what a company uses of a product. Needs `MANAGE_BILLING`.
    async fn billing_line_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The billing line.")] input: BillingLineCreateInput,
    ) -> Result<Option<BillingLineCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let new = NewLine {
                company_id: ids::parse::<company::Entity>(&input.company_id, &["companyId"])?,
                product: input.product,
                psa_billing_line_id: target(&input.psa_billing_line_id)?,
                is_enabled: input.is_enabled,
            };
            let made = lines::create(viewer, ground, new).await?;
            Ok(BillingLineCreatePayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let billing_line = earlier.row::<billing_line::Entity>().await?.map(Into::into);
            Ok(BillingLineCreatePayload { billing_line, user_errors: Vec::new() })
        };
        BillingLineCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Picks another line, or has an ended one pushed again. Needs `MANAGE_BILLING`.
    async fn billing_line_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: BillingLineUpdateInput,
    ) -> Result<Option<BillingLineUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<billing_line::Entity>(&input.id, &["id"])?;
            if input.is_enabled == Some(false) {
                let message = "ending it is confirmed: use billingLineDisable";
                return Err(Problem::of("isEnabled", ProblemCode::Invalid, message).into());
            }
            let change = LineChange {
                psa_billing_line_id: input.psa_billing_line_id.as_ref().map(target).transpose()?,
                is_enabled: input.is_enabled.unwrap_or_default(),
                expected_version: input.expected_version,
            };
            let changed = lines::update(viewer, ground, id, change).await?;
            Ok(BillingLineUpdatePayload::done(changed.into()))
        };
        BillingLineUpdatePayload::answer(work.await)
    }

    /// Ends the pushing of a line, once it is confirmed: the PSA goes on billing what the line has then. Needs
    /// `MANAGE_BILLING`.
    async fn billing_line_disable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which billing line.")] input: BillingLineDisableInput,
    ) -> Result<Option<BillingLineDisablePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<billing_line::Entity>(&input.id, &["id"])?;
            let (ended, count) = lines::disable(viewer, ground, id, &input.confirm_product).await?;
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            Ok(BillingLineDisablePayload::done(ended.into(), count))
        };
        BillingLineDisablePayload::answer(work.await)
    }

    /// Pushes quantities now. What was sent this month already is not sent again, however often this is asked for.
    /// Needs `MANAGE_BILLING`.
    async fn billing_push(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to push.")] input: BillingPushInput,
    ) -> Result<Option<BillingPushPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let Some(ids) = &input.billing_line_ids else {
                plan::push_now(viewer, ground, id).await?;
                return Ok(BillingPushPayload::done(Vec::new(), true));
            };
            let lines = super::listed::<billing_line::Entity>(ids, "billingLineIds")?;
            let planned = plan::push_some(viewer, ground, id, lines).await?;
            Ok(BillingPushPayload::done(planned.into_iter().map(Into::into).collect(), false))
        };
        BillingPushPayload::answer(work.await)
    }

    /// Says what became of a value that was sent and whose fate is not known. Needs `MANAGE_BILLING`.
    async fn billing_entry_decide(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The decision.")] input: BillingEntryDecideInput,
    ) -> Result<Option<BillingEntryDecidePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<billing_entry::Entity>(&input.id, &["id"])?;
            let decided = entries::decide(viewer, ground, id, input.has_arrived).await?;
            Ok(BillingEntryDecidePayload::done(decided.into()))
        };
        BillingEntryDecidePayload::answer(work.await)
    }

    /// Corrects what a line has in the month that is under way. The correction stands until more is used than was when
    /// it was made. Needs `MANAGE_BILLING`.
    async fn billing_correction_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The correction.")] input: BillingCorrectionCreateInput,
    ) -> Result<Option<BillingCorrectionCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let new = NewCorrection {
                billing_line_id: ids::parse::<billing_line::Entity>(
                    &input.billing_line_id,
                    &["billingLineId"],
                )?,
                quantity: quantity(input.quantity)?,
                reason: input.reason,
            };
            let made = plan::correct(viewer, ground, new).await?;
            Ok(BillingCorrectionCreatePayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let billing_entry = earlier.row::<billing_entry::Entity>().await?.map(Into::into);
            Ok(BillingCorrectionCreatePayload { billing_entry, user_errors: Vec::new() })
        };
        BillingCorrectionCreatePayload::answer(asked.answer(work, again).await)
    }
}

fn target(id: &ID) -> std::result::Result<uuid::Uuid, Error> {
    Ok(ids::parse::<psa_billing_line::Entity>(id, &["psaBillingLineId"])?)
}

/// An amount as it was typed.
pub(super) fn quantity(number: f64) -> std::result::Result<Quantity, Problem> {
    Quantity::from_f64(number).ok_or_else(|| {
        let message =
            format!("{number} is no amount; give 0 to {}, at most three decimal places", Quantity::MAX);
        Problem::of("quantity", ProblemCode::Invalid, message)
    })
}
