//! Baseline mode: an endpoint learns what its sender has found so far without opening tickets.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp, event, finding,
    finding::FindingState,
    webhook_endpoint::{self, Mode},
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set, sea_query::Expr,
};
use uuid::Uuid;

use super::by_id;
use crate::{
    audit::{self, Change},
    decisions::{held, quiet},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        form::Form,
        versions,
        viewer::{Permission, Viewer},
    },
};

const DAY: i64 = 86_400;
/// How far ahead a baseline may end, in seconds.
pub const MAX_AHEAD_SECS: i64 = 400 * DAY;
/// How many known findings are taken up at once, at the most.
pub const TAKEN_UP: u64 = 10_000;
/// How many rows one statement names.
const CHUNK: usize = 100;
/// The reason of events that are decided again because the baseline has ended.
const ENDED: &str = "baseline_ended";

/// What an endpoint is to do with what it learns; what is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learning {
    /// The mode.
    pub mode: Option<Mode>,
    /// Until when it learns; `Some(None)` until somebody ends it.
    pub until: Option<Option<Timestamp>>,
}

impl Learning {
    /// Mode and end of a baseline, as they stand after this.
    pub(super) fn of(
        self,
        (mode, until): (Mode, Option<Timestamp>),
        now: Timestamp,
    ) -> (Mode, Option<Timestamp>) {
        match self.mode.unwrap_or(mode) {
            // What came in while it learned, and is decided later, was there then.
            Mode::Live if mode == Mode::Baseline => {
                (Mode::Live, Some(until.map_or(now, |until| until.min(now))))
            }
            Mode::Live => (Mode::Live, until),
            // One that ran out begins anew.
            Mode::Baseline => {
                let kept = until.filter(|until| self.mode.is_none() || *until > now);
                (Mode::Baseline, self.until.unwrap_or(kept))
            }
        }
    }

    /// Holds it against what is possible.
    pub(super) fn check(self, form: &mut Form, before: Mode, is_platform: bool, now: Timestamp) {
        let mut wrong = |field, message: String| form.add(Problem::of(field, ProblemCode::Invalid, message));
        let mode = self.mode.unwrap_or(before);
        if is_platform && mode == Mode::Baseline {
            wrong("mode", "a PSA tells of tickets, not of findings: there is nothing to learn".to_owned());
        }
        let Some(until) = self.until.flatten() else { return };
        if mode == Mode::Live {
            wrong("baselineUntil", "it is for the mode BASELINE only; leave it out".to_owned());
        } else if until <= now || until > now.plus_secs(MAX_AHEAD_SECS) {
            let days = MAX_AHEAD_SECS / DAY;
            let message = format!(
                "give a moment that is to come, at most {days} days from now, or null for until you end it"
            );
            wrong("baselineUntil", message);
        }
    }
}

/// How a baseline ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct End {
    /// Whether the findings that were learned, and are still there, are decided now like new ones.
    pub opens_tickets: bool,
    /// The version that the endpoint must have.
    pub expected_version: Option<i32>,
}

/// Ends an endpoint's baseline. Gives the endpoint, and how many known findings are taken up: [`TAKEN_UP`] at the
/// most, then there may be more, and asking again takes them up.
pub async fn end_baseline(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    end: End,
) -> Result<(webhook_endpoint::Model, u64), Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageEndpoints, old.organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let ended = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<webhook_endpoint::Entity>(tx, id, end.expected_version).await?;
                let mut row = old.clone().into_active_model();
                let live = Learning { mode: Some(Mode::Live), until: None };
                let (mode, until) = live.of((old.mode, old.baseline_until), now);
                row.mode = Set(mode);
                // Who wants tickets for what was there wants them for what is still held, too.
                row.baseline_until = Set(until.filter(|_| !end.opens_tickets));
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await?;
                let taken_up = if end.opens_tickets { take_up(tx, &changed, now).await? } else { 0 };
                let change = Change::between("webhookEndpointEndBaseline", &old, &changed);
                audit::record(tx, &ground_of, &by, change.is("takenUpCount", taken_up)).await?;
                Ok::<_, Error>((changed, taken_up))
            })
        })
        .await?;
    ground.endpoints.forget();
    ground.wake.inbox();
    Ok(ended)
}

/// Has the newest event of each finding that the endpoint has learned decided again, as if it had been held.
async fn take_up(
    tx: &DatabaseTransaction,
    endpoint: &webhook_endpoint::Model,
    now: Timestamp,
) -> Result<u64, DbErr> {
    use event::Column as E;
    use finding::Column as F;
    let organization_id = endpoint.organization_id;
    let known: Vec<Uuid> = finding::Entity::find()
        .select_only()
        .column(F::Id)
        .filter(F::OrganizationId.eq(organization_id))
        .filter(F::BaselineEndpointId.eq(endpoint.id))
        .filter(F::State.eq(FindingState::Open))
        .order_by_asc(F::Id)
        .limit(TAKEN_UP)
        .into_tuple()
        .all(tx)
        .await?;
    let mut taken_up = 0;
    for ids in known.chunks(CHUNK) {
        finding::Entity::update_many()
            .col_expr(F::BaselineEndpointId, Expr::value(None::<Uuid>))
            .filter(F::OrganizationId.eq(organization_id))
            .filter(F::Id.is_in(ids.iter().copied()))
            .exec(tx)
            .await?;
        let events: Vec<(Uuid, Option<Uuid>)> = event::Entity::find()
            .select_only()
            .columns([E::Id, E::FindingId])
            .filter(E::OrganizationId.eq(organization_id))
            .filter(E::FindingId.is_in(ids.iter().copied()))
            .filter(E::Outcome.eq(event::Outcome::Suppressed))
            .filter(E::Reason.is_in([quiet::LEARNED, quiet::KNOWN]))
            .order_by_asc(E::OccurredAt)
            .order_by_asc(E::CreatedAt)
            .order_by_asc(E::Id)
            .into_tuple()
            .all(tx)
            .await?;
        // The newest comes last and stays.
        let newest: std::collections::BTreeMap<_, _> =
            events.into_iter().map(|(event_id, finding_id)| (finding_id, event_id)).collect();
        event::Entity::update_many()
            .col_expr(E::Outcome, Expr::value(event::Outcome::Held.to_value()))
            .col_expr(E::Reason, Expr::value(ENDED))
            .col_expr(E::Explanation, Expr::value("the baseline has ended; this is taken up now"))
            .filter(E::OrganizationId.eq(organization_id))
            .filter(E::Id.is_in(newest.into_values()))
            .exec(tx)
            .await?;
        taken_up += ids.len() as u64;
    }
    if taken_up > 0 {
        held::release(tx, organization_id, now).await?;
    }
    Ok(taken_up)
}
