//! Carrying out one operation: written down as begun, done at the PSA with no transaction open, and written
//! down as ended only while the lane is still ours.
#![expect(clippy::disallowed_methods, reason = "reads what belongs to an operation it holds")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use entity::{
    Timestamp, attempt, lane, psa_company, ticket, ticket_operation, ticket_operation::OperationKind,
    ticket_profile,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::{
    Client, Workers,
    lane::Turn,
    left_out::{self, Own},
    outcome::{Done, Failed, is_refused, weigh},
    search::Looked,
};
use crate::{
    decisions::{devices, handling::STATUS},
    error::Error,
    ground::dies::{self, Step},
    organizations::profiles::{self, ProfileValues},
    psa::{
        self, NextStep, PsaError,
        http::{CallTrace, traced},
    },
    queue::outbox::{self, Ended},
    sync::pick_lists,
    tickets::{
        delivered,
        pen::Pen,
        plan,
        remote::{NoteDraft, StatusChange, TicketDraft},
    },
};

/// How long after a lost answer the PSA may still carry out the call, in seconds: its gateway gives up
/// after 60.
const IN_FLIGHT_SECS: i64 = 60;
/// How long after an attempt was written down its lane is taken to be held without asking again, by the clock that
/// leases are judged by as well as by what has passed.
const STILL_FRESH: Duration = Duration::from_secs(5);
/// How long until it is looked again for something of unknown fate, in seconds.
const LOOK_AGAIN_SECS: i64 = 30;
/// The same where looking has not told for long: each look costs the PSA some twenty calls.
const LOOK_SELDOM_SECS: i64 = 3_600;

/// An operation that has begun.
struct Begun {
    operation: ticket_operation::Model,
    attempt: attempt::Model,
    ticket: ticket::Model,
    profile: ticket_profile::Model,
    /// The PSA's company of a ticket that is to be created.
    company: Option<psa_company::Model>,
    /// When that was written down.
    at: Instant,
}

impl Workers {
    /// Carries out an operation. Whether the connection works is written down where `is_known_to_work` does not say so
    /// of this turn.
    pub(super) async fn carry_out(
        &self,
        held: &lane::Model,
        client: &Client,
        operation: ticket_operation::Model,
        is_known_to_work: &mut bool,
    ) -> Result<Turn, Error> {
        let begun = match self.begin(held, operation.id).await? {
            Some(Some(begun)) => begun,
            Some(None) => return Ok(Turn::On),
            None => return Ok(Turn::Lost),
        };
        dies::at(Step::Begun);
        let Some((result, calls)) =
            self.renewing(held, traced(Box::pin(self.perform(held, client, &begun)))).await
        else {
            return Ok(Turn::Lost);
        };
        for call in &calls {
            self.0.metrics.psa_call(client.platform, call.status);
        }
        // Where it is our own database that failed, nothing was sent yet.
        let result = result?;
        if let Some(step) = result.as_ref().ok().and_then(step_of) {
            dies::at(step);
        }
        self.0.metrics.operation(&begun.operation, result.as_ref().err().map(|failed| failed.error.code()));
        let turn = match &result {
            Ok(_) => Turn::On,
            Err(failed) if is_refused(begun.operation.kind, &failed.error) => Turn::On,
            Err(failed) => self.after_error(held, &failed.error).await?,
        };
        let works = result.is_ok();
        if !self.end(held, begun, result, &calls).await? {
            return Ok(Turn::Lost);
        }
        dies::at(Step::Recorded);
        if works && !*is_known_to_work {
            self.connection_works(held).await?;
        }
        *is_known_to_work = works;
        Ok(turn)
    }

    /// None where the lane is lost; `Some(None)` where the operation is no longer to be done.
    async fn begin(
        &self,
        held: &lane::Model,
        operation_id: uuid::Uuid,
    ) -> Result<Option<Option<Begun>>, Error> {
        let (ground, node) = (self.0.ground.clone(), self.0.options.node.clone());
        self.held_write(held, move |tx| {
            Box::pin(async move {
                let Some((operation, attempt)) = outbox::begin(tx, &ground, operation_id, &node).await?
                else {
                    return Ok(None);
                };
                let (ticket, operation) = delivered::begins(tx, &ground, operation).await?;
                let profile = ticket_profile::Entity::find_by_id(ticket.ticket_profile_id)
                    .filter(ticket_profile::Column::OrganizationId.eq(ticket.organization_id))
                    .one(tx)
                    .await?
                    .ok_or(Error::NotFound)?;
                let company = if operation.kind == OperationKind::Create {
                    psa_company::Entity::find_by_id(ticket.psa_company_id)
                        .filter(psa_company::Column::OrganizationId.eq(ticket.organization_id))
                        .one(tx)
                        .await?
                } else {
                    None
                };
                Ok(Some(Begun { operation, attempt, ticket, profile, company, at: Instant::now() }))
            })
        })
        .await
    }

    /// Talks to the PSA. No transaction is open here.
    async fn perform(
        &self,
        held: &lane::Model,
        client: &Client,
        begun: &Begun,
    ) -> Result<Result<Done, Failed>, Error> {
        let (ticket, profile) = (&begun.ticket, &begun.profile);
        let mut fields: BTreeMap<String, String> =
            serde_json::from_value(profile.fields.clone()).unwrap_or_default();
        let mut overrides: BTreeMap<String, String> = ticket
            .overrides
            .clone()
            .and_then(|values| serde_json::from_value(values).ok())
            .unwrap_or_default();
        let status = overrides.remove(STATUS).or_else(|| profile.status_on_create.clone());
        let mut own = Own::of(&overrides, &fields);
        fields.extend(overrides);
        let sure = |error| Failed { error, uncertain_since: None };
        let no_id = || Failed {
            error: PsaError::Rejected {
                field: None,
                reason: "the ticket has no id in the PSA; its creation has to be retried first".to_owned(),
            },
            uncertain_since: None,
        };
        Ok(match begun.operation.kind {
            OperationKind::Create => {
                let company = begun.company.as_ref().ok_or(Error::NotFound)?;
                let mut draft = TicketDraft {
                    marker: ticket.marker.clone(),
                    company_external_id: company.external_id.clone(),
                    title: text_of(&begun.operation.payload, "title"),
                    body: text_of(&begun.operation.payload, "body"),
                    fields,
                    status,
                };
                let mut without = Vec::new();
                loop {
                    match Box::pin(self.create(held, client, begun, &draft)).await? {
                        Ok(Done::Created { ticket, was_found, .. }) => {
                            without.extend(left_out::attach(client, &ticket, &draft).await);
                            break Ok(Done::Created { ticket, was_found, left_out: without });
                        }
                        Ok(done) => break Ok(done),
                        Err(failed) => match own.leave_out(&failed, &mut draft) {
                            Some(left_out) => without.push(left_out),
                            None => break Err(failed),
                        },
                    }
                }
            }
            OperationKind::Note => {
                let Some(external_id) = ticket.external_id.as_deref() else { return Ok(Err(no_id())) };
                let (operation, text) = (&begun.operation, text_of(&begun.operation.payload, "text"));
                let text = left_out::attach_with_note(client, external_id, &operation.payload, text).await;
                let uncertain_since = operation.uncertain_since;
                let text = match text {
                    Ok(text) => text,
                    Err(error) => return Ok(Err(Failed { error, uncertain_since })),
                };
                let note = NoteDraft {
                    marker: note_marker(&begun.operation),
                    text,
                    is_private: client.has_private_notes,
                    fields,
                };
                self.note(client, begun, external_id, &note).await
            }
            OperationKind::Close => {
                let Some(external_id) = ticket.external_id.as_deref() else { return Ok(Err(no_id())) };
                set_status(client, begun, external_id, &profile.status_on_close.clone(), fields)
                    .await
                    .map_err(sure)
            }
            OperationKind::Reopen => {
                let Some(external_id) = ticket.external_id.as_deref() else { return Ok(Err(no_id())) };
                let Some(status) = self.open_status(client.platform, profile).await? else {
                    let reason =
                        "the profile has no status on create to open the ticket in; give it one, then retry"
                            .to_owned();
                    return Ok(Err(sure(PsaError::Rejected { field: None, reason })));
                };
                set_status(client, begun, external_id, &status, fields).await.map_err(sure)
            }
            OperationKind::Link => {
                let external_id = text_of(&begun.operation.payload, "external_id");
                match client.psa.read_ticket(&external_id, false).await {
                    Ok(Some(remote)) => Ok(Done::Linked(remote)),
                    Ok(None) => {
                        let reason = format!("the PSA has no ticket {external_id} that the login may see");
                        Err(sure(PsaError::Rejected { field: None, reason }))
                    }
                    Err(error) => Err(sure(error)),
                }
            }
            OperationKind::ReadBack => {
                let Some(external_id) = ticket.external_id.as_deref() else { return Ok(Err(no_id())) };
                match client.psa.read_ticket(external_id, false).await {
                    Ok(Some(remote)) => Ok(Done::Read(remote)),
                    Ok(None) => {
                        let reason = "the PSA created the ticket but does not show it; may the login see tickets of this type?".to_owned();
                        Err(sure(PsaError::Rejected { field: None, reason }))
                    }
                    Err(error) => Err(sure(error)),
                }
            }
        })
    }

    async fn create(
        &self,
        held: &lane::Model,
        client: &Client,
        begun: &Begun,
        draft: &TicketDraft,
    ) -> Result<Result<Done, Failed>, Error> {
        if let Some(since) = begun.operation.uncertain_since {
            let is_first_try = begun.attempt.number == 1;
            let landed = since.plus_secs(IN_FLIGHT_SECS);
            let company = &draft.company_external_id;
            let looked = self.look_for(client, &begun.ticket, company, is_first_try, landed);
            match Box::pin(looked).await? {
                Ok(Looked::Found(ticket)) => {
                    return Ok(Ok(Done::Created { ticket: *ticket, was_found: true, left_out: Vec::new() }));
                }
                Ok(Looked::Untold(why)) => {
                    let now = self.0.ground.clock.now();
                    let wait = (now.millis_since(since) / 2_000).clamp(LOOK_AGAIN_SECS, LOOK_SELDOM_SECS);
                    return Ok(Ok(Done::Untold { until: now.plus_secs(wait), why }));
                }
                Ok(Looked::Nothing) => {}
                Err(error) => return Ok(Err(Failed { error, uncertain_since: Some(since) })),
            }
            if let Some(until) = self.may_still_come(client, since) {
                return Ok(Ok(Done::Waiting(until)));
            }
        }
        // Much time since the attempt was written down (a long search, a machine that slept, a clock that was set):
        // another may hold the lane by now and be about to ask the PSA for the same.
        let by_clock = self.0.ground.clock.now().millis_since(begun.attempt.started_at);
        let is_fresh = begun.at.elapsed() <= STILL_FRESH
            && u128::try_from(by_clock).is_ok_and(|ms| ms <= STILL_FRESH.as_millis());
        if !is_fresh && !self.is_held(held).await? {
            let detail = "the lane was lost before the PSA was asked".to_owned();
            return Ok(Err(Failed { error: PsaError::Unavailable { detail }, uncertain_since: None }));
        }
        Ok(match client.psa.create_ticket(draft).await {
            Ok(ticket) => Ok(Done::Created { ticket, was_found: false, left_out: Vec::new() }),
            Err(error) => Err(self.failed(error)),
        })
    }

    async fn note(
        &self,
        client: &Client,
        begun: &Begun,
        external_id: &str,
        note: &NoteDraft,
    ) -> Result<Done, Failed> {
        if let Some(since) = begun.operation.uncertain_since {
            let unsure = |error| Failed { error, uncertain_since: Some(since) };
            if client.psa.has_note(external_id, &note.marker).await.map_err(unsure)? {
                return Ok(Done::Noted { was_found: true });
            }
            if let Some(until) = self.may_still_come(client, since) {
                return Ok(Done::Waiting(until));
            }
        }
        match client.psa.add_note(external_id, note).await {
            Ok(()) => Ok(Done::Noted { was_found: false }),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// When to look again for something that may still be carried out, or may be there and not be found yet.
    fn may_still_come(&self, client: &Client, since: Timestamp) -> Option<Timestamp> {
        let now = self.0.ground.clock.now();
        let until = since.plus_secs(client.search_delay_secs + IN_FLIGHT_SECS);
        (now < until).then(|| until.min(now.plus_secs(LOOK_AGAIN_SECS)))
    }

    fn failed(&self, error: PsaError) -> Failed {
        let is_uncertain = error.next_step() == NextStep::LookBeforeRepeating;
        Failed { error, uncertain_since: is_uncertain.then(|| self.0.ground.clock.now()) }
    }

    /// The status to open a ticket in: the profile's, else the PSA's first that does not close and goes with the
    /// profile's other values.
    async fn open_status(
        &self,
        platform: &str,
        profile: &ticket_profile::Model,
    ) -> Result<Option<String>, Error> {
        if profile.status_on_create.is_some() {
            return Ok(profile.status_on_create.clone());
        }
        let rules = psa::platform(platform).map(psa::profile_rules).unwrap_or_default();
        let lists = pick_lists::of_connection(
            self.0.ground.db.reader(),
            profile.organization_id,
            profile.psa_connection_id,
        )
        .await?;
        Ok(profiles::open_status(&rules, &lists, &ProfileValues::of(profile).fields))
    }

    /// Writes down how it ended. False where the lane is lost: then nothing is written, and its next holder
    /// finds an attempt that never ended.
    async fn end(
        &self,
        held: &lane::Model,
        begun: Begun,
        mut result: Result<Done, Failed>,
        calls: &[CallTrace],
    ) -> Result<bool, Error> {
        let now = self.0.ground.clock.now();
        let without = match &mut result {
            Ok(Done::Created { left_out, .. }) => std::mem::take(left_out),
            _ => Vec::new(),
        };
        let (mut ended, after, what) = weigh(&begun.operation, result, now);
        if let Some(message) = &mut ended.message {
            message.extend(without.iter().flat_map(|left_out| ["; ", left_out.words.as_str()]));
        }
        ended.response_status = calls.iter().rev().find_map(|call| call.status).map(i32::from);
        ended.latency_ms = Some(calls.iter().map(|call| call.latency_ms).sum());
        log(&begun, &ended);
        let ground = self.0.ground.clone();
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                outbox::end(tx, &ground, &begun.operation, &begun.attempt, ended, after).await?;
                let mut ticket = delivered::delivered(tx, &ground, &begun.operation, what).await?;
                for left_out in without {
                    devices::tell_left_out(tx, &begun.operation, left_out.step, &left_out.words).await?;
                    if let Some(payload) = left_out.note {
                        let pen = Pen::at_once(tx, &ground);
                        ticket = plan::add_operation(pen, ticket, OperationKind::Note, payload, None).await?;
                    }
                }
                Ok(())
            })
        });
        Ok(written.await?.is_some())
    }
}

/// Sets a status, and does not take the PSA's word for it: a rule of its own may have undone it.
async fn set_status(
    client: &Client,
    begun: &Begun,
    external_id: &str,
    status: &str,
    fields: BTreeMap<String, String>,
) -> Result<Done, PsaError> {
    let change = StatusChange {
        external_id: external_id.to_owned(),
        status: status.to_owned(),
        text: Some(text_of(&begun.operation.payload, "text")).filter(|text| !text.is_empty()),
        fields,
        is_close: begun.operation.kind == OperationKind::Close,
    };
    let ticket = client.psa.set_status(&change).await?;
    match &ticket.status {
        Some(is) if is != status => {
            let label = ticket.status_label.as_deref().unwrap_or(is);
            Err(PsaError::Rejected {
                field: Some("status".to_owned()),
                reason: format!(
                    "the PSA took the call but left the ticket in status {label}; look at its rules for this status"
                ),
            })
        }
        _ => Ok(Done::StatusSet(ticket)),
    }
}

/// The step that has come to its end at the PSA, and is not written down yet.
const fn step_of(done: &Done) -> Option<Step> {
    match done {
        Done::Created { was_found: false, .. } => Some(Step::Created),
        Done::Noted { .. } => Some(Step::Noted),
        Done::StatusSet(_) => Some(Step::StatusSet),
        Done::Created { .. } | Done::Waiting(_) | Done::Untold { .. } | Done::Linked(_) | Done::Read(_) => {
            None
        }
    }
}

fn note_marker(operation: &ticket_operation::Model) -> String {
    format!("PSAGW-N-{}", operation.id.simple())
}

fn log(begun: &Begun, ended: &Ended) {
    tracing::info!(
        organization.id = %begun.operation.organization_id,
        ticket.id = %begun.operation.ticket_id,
        operation.id = %begun.operation.id,
        operation.kind = ?begun.operation.kind,
        attempt = begun.attempt.number,
        outcome = ended.outcome,
        status = ended.response_status,
        latency_ms = ended.latency_ms,
        "an operation was tried at the PSA"
    );
}

fn text_of(payload: &serde_json::Value, key: &str) -> String {
    payload.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
