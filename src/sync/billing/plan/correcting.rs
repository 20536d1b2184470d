//! Corrections: a value that a person wants a line to have, whatever was reported.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Quantity,
    billing_entry::{self, EntryState},
    billing_line,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::{Facts, Verdict, Wanted, insert};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        form::Form,
        once::Done,
        reach, versions,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
    sync::billing::entries,
};

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// A correction to be made.
#[derive(Clone, Debug)]
pub struct NewCorrection {
    /// Of which line.
    pub billing_line_id: Uuid,
    /// What it is to have.
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
}

/// Plans a correction of a line in the month that is under way. It stands until more is used than is known to be used
/// now.
pub async fn correct(
    viewer: &Viewer,
    ground: &Ground,
    new: NewCorrection,
) -> Result<billing_entry::Model, Error> {
    let line = reach::by_id::<billing_line::Entity>(viewer, ground, new.billing_line_id).await?;
    viewer.may(Permission::ManageBilling, line.organization_id)?;
    let mut form = Form::default();
    let reason = form.line("reason", &new.reason, MAX_REASON);
    if new.quantity < Quantity(0) || new.quantity > Quantity::MAX {
        let message = format!("{} is no amount; give 0 to {}", new.quantity, Quantity::MAX);
        form.add(Problem::of("quantity", ProblemCode::Invalid, message));
    }
    form.finish()?;
    let (ground_of, by, once, now) = (ground.clone(), viewer.clone(), viewer.once(), ground.clock.now());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let line = versions::locked::<billing_line::Entity>(tx, line.id, None).await?;
                let facts = Facts::load(tx, line.organization_id, std::slice::from_ref(&line), now).await?;
                let proposal = facts.propose(&line);
                let verdict = proposal.verdict;
                if matches!(
                    verdict,
                    Verdict::Blocked | Verdict::Disabled | Verdict::NotMapped | Verdict::ConnectionOff
                ) {
                    return Err(Problem::of("billingLineId", ProblemCode::WrongState, verdict.words()).into());
                }
                entries::take_back(tx, &line, now).await?;
                let last = billing_entry::Entity::find()
                    .filter(billing_entry::Column::OrganizationId.eq(line.organization_id))
                    .filter(billing_entry::Column::BillingLineId.eq(line.id))
                    .filter(billing_entry::Column::Period.eq(proposal.period.name.as_str()))
                    .order_by_desc(billing_entry::Column::Correction)
                    .one(tx)
                    .await?;
                let wanted = Wanted {
                    // Where nothing was reported yet, whatever comes is more.
                    mark: proposal.mark,
                    proposed: new.quantity,
                    correction: last.map_or(0, |entry| entry.correction) + 1,
                    reason: Some(reason),
                    decided_by: Some(by.name.chars().take(200).collect()),
                };
                let made = insert(tx, &ground_of, &line, &proposal.period, wanted).await?;
                debug_assert_eq!(made.state, EntryState::Planned);
                lanes::wake(tx, line.psa_connection_id, now).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made("billingCorrectionCreate", &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(made)
}
