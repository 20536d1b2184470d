//! Pushing quantities: planned when their time has come, told to PSAs by the worker that holds the lane, when no ticket
//! waits there.
//!
//! A value is told in three steps, each its own call: the line is read, the value is sent, the line is read back. What
//! is about to be sent is written down before, and what came of it behind; no transaction is open meanwhile.

use entity::{billing_entry::EntryState, lane};

use super::{Client, Workers, lane::Turn};
use crate::{
    error::Error,
    psa::{self, Billing, NextStep, PsaError},
    queue::outbox,
    sync::billing::{
        calendars, copies,
        entries::{self, Begun, Ended},
        ledger::Way,
        plan, refreshes,
        remote::{QuantityChange, RemoteBillingLine},
        usage,
    },
};

/// How many organizations are planned in one go.
const ORGANIZATIONS: u64 = 8;
/// How many entries one holder of a lane carries out before others get their turn.
const TURN: usize = 10;

impl Workers {
    /// Plans what organizations are to be pushed whose time has come. False where there was none.
    pub(super) async fn plan_billing(&self) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let due = calendars::due(ground.db.reader(), ground.clock.now(), ORGANIZATIONS).await?;
        for organization_id in &due {
            let count = plan::push_all(ground, *organization_id).await?;
            calendars::pushed(ground, *organization_id).await?;
            tracing::info!(organization.id = %organization_id, count, "billing quantities were planned");
        }
        if !due.is_empty() {
            usage::trim(ground).await?;
        }
        Ok(!due.is_empty())
    }

    /// Reads and sets lines of recurring invoices, as long as no ticket waits for the lane.
    pub(super) async fn billing_turn(&self, held: &lane::Model, client: &Client) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let way = psa::platform(client.platform)
            .map_or(Way::NotOffered, |platform| platform.capabilities().billing);
        if entries::has_left(ground.db.reader(), held.id).await? {
            let (of, id) = (ground.clone(), held.id);
            let written = self.held_write(held, move |tx| {
                Box::pin(async move { Ok(entries::left_behind(tx, &of, id).await?) })
            });
            if written.await?.is_none() {
                return Ok(Turn::Lost);
            }
        }
        for _ in 0..TURN {
            if outbox::next(ground, held).await?.is_some() {
                return Ok(Turn::On);
            }
            let turn = match self.refresh_lines(held, client).await? {
                Some(turn) => turn,
                None => match entries::next(ground, held).await? {
                    Some(turn) => self.carry_entry(held, client, way, turn).await?,
                    None => return Ok(Turn::On),
                },
            };
            if !matches!(turn, Turn::On) {
                return Ok(turn);
            }
        }
        Ok(Turn::On)
    }

    /// Reads the lines that somebody asked for. None where nobody did.
    async fn refresh_lines(&self, held: &lane::Model, client: &Client) -> Result<Option<Turn>, Error> {
        let (ground, now) = (&self.0.ground, self.0.ground.clock.now());
        let Some((refresh, company)) = refreshes::next(ground.db.reader(), held.id, now).await? else {
            return Ok(None);
        };
        let day = calendars::of(ground.db.reader(), held.organization_id).await?.day(now);
        let read = match client.psa.billing() {
            Some(billing) => self.renewing(held, billing.lines(&company.external_id, &day)).await,
            None => Some(Err(not_offered())),
        };
        let Some(read) = read else { return Ok(Some(Turn::Lost)) };
        let (of, id) = (ground.clone(), refresh.id);
        match read {
            Ok(lines) => {
                let written = self.held_write(held, move |tx| {
                    Box::pin(async move {
                        let count = copies::store(tx, &of, &company, &lines).await?;
                        Ok(refreshes::ended(tx, id, Ok(count), of.clock.now()).await?)
                    })
                });
                if written.await?.is_none() {
                    return Ok(Some(Turn::Lost));
                }
                self.connection_works(held).await?;
                Ok(Some(Turn::On))
            }
            Err(error) => {
                // What passes by itself is waited for; what somebody must mend ends the reading.
                if !passes(&error) {
                    let problem = format!("{error}; mend it, then ask for it again");
                    let written = self.held_write(held, move |tx| {
                        Box::pin(
                            async move { Ok(refreshes::ended(tx, id, Err(problem), of.clock.now()).await?) },
                        )
                    });
                    if written.await?.is_none() {
                        return Ok(Some(Turn::Lost));
                    }
                }
                Ok(Some(self.unless_it_is_billing(held, &error).await?))
            }
        }
    }

    /// Does for one entry what its state asks for.
    async fn carry_entry(
        &self,
        held: &lane::Model,
        client: &Client,
        way: Way,
        turn: entries::Turn,
    ) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let (of, id) = (ground.clone(), turn.entry.id);
        let (Some(billing), Some(place)) = (client.psa.billing(), turn.place.clone()) else {
            let message = if turn.place.is_none() {
                "the copy of the PSA's company is gone; load companies again, and map the company".to_owned()
            } else {
                not_offered().to_string()
            };
            return self.refuse_entry(held, &turn, "not_offered", message).await;
        };
        let read = match self.renewing(held, billing.line(&place)).await {
            Some(Ok(read)) => read,
            Some(Err(error)) => {
                let (code, message, is_soon) = (error.code(), error.to_string(), passes(&error));
                if error.next_step() == NextStep::GiveUp && turn.entry.state == EntryState::Planned {
                    return self.refuse_entry(held, &turn, code, message).await;
                }
                let written = self.held_write(held, move |tx| {
                    Box::pin(async move { Ok(entries::put_off(tx, &of, id, code, message, is_soon).await?) })
                });
                if written.await?.is_none() {
                    return Ok(Turn::Lost);
                }
                return self.unless_it_is_billing(held, &error).await;
            }
            None => return Ok(Turn::Lost),
        };
        if turn.entry.state == EntryState::Planned {
            return match read {
                Some(line) if line.fixed_because.is_none() => {
                    self.set_line(held, billing, way, turn, line).await
                }
                Some(line) => {
                    let why = line.fixed_because.unwrap_or_default();
                    let message =
                        format!("the quantity of this line cannot be set any more: {why}; pick another one");
                    self.refuse_entry(held, &turn, "fixed", message).await
                }
                None => {
                    let message = "the PSA no longer has this line; pick another one".to_owned();
                    self.refuse_entry(held, &turn, "gone", message).await
                }
            };
        }
        let quantity = read.as_ref().map(|line| line.quantity);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                entries::seen(tx, &of, id, way, quantity).await?;
                if let Some(line) = &read {
                    copies::saw(tx, turn.entry.organization_id, turn.entry.psa_connection_id, line).await?;
                }
                Ok(())
            })
        });
        if written.await?.is_none() {
            return Ok(Turn::Lost);
        }
        self.connection_works(held).await?;
        Ok(Turn::On)
    }

    /// Tells a line that was read a moment ago what it is to have.
    async fn set_line(
        &self,
        held: &lane::Model,
        billing: &dyn Billing,
        way: Way,
        turn: entries::Turn,
        line: RemoteBillingLine,
    ) -> Result<Turn, Error> {
        let (of, id, before) = (self.0.ground.clone(), turn.entry.id, line.quantity);
        let begun = turn.clone();
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                copies::saw(tx, begun.entry.organization_id, begun.entry.psa_connection_id, &line).await?;
                Ok(entries::begin(tx, &of, &begun, way, before).await?)
            })
        });
        let (proposed, sent) = match written.await? {
            Some(Begun::Send { proposed, sent }) => (proposed, sent),
            Some(Begun::Nothing) => return Ok(Turn::On),
            None => return Ok(Turn::Lost),
        };
        let Some(place) = turn.place else { return Ok(Turn::On) };
        let change = QuantityChange { place, before, proposed, sent };
        let Some(result) = self.renewing(held, billing.set_quantity(&change)).await else {
            return Ok(Turn::Lost);
        };
        let ended = match &result {
            Ok(()) => Ended::Accepted,
            Err(error) => {
                let (code, message) = (error.code(), error.to_string());
                match error.next_step() {
                    NextStep::RetryLater { .. } => Ended::Delayed { code, message, is_soon: true },
                    NextStep::PauseConnection => Ended::Delayed { code, message, is_soon: false },
                    NextStep::GiveUp => Ended::Refused { code, message },
                    NextStep::LookBeforeRepeating => Ended::Uncertain { message },
                }
            }
        };
        let of = self.0.ground.clone();
        let written = self.held_write(held, move |tx| {
            Box::pin(async move { Ok(entries::ended(tx, &of, id, way, ended).await?) })
        });
        if written.await?.is_none() {
            return Ok(Turn::Lost);
        }
        match result {
            Ok(()) => {
                self.connection_works(held).await?;
                Ok(Turn::On)
            }
            Err(error) => self.unless_it_is_billing(held, &error).await,
        }
    }

    async fn refuse_entry(
        &self,
        held: &lane::Model,
        turn: &entries::Turn,
        code: &'static str,
        message: String,
    ) -> Result<Turn, Error> {
        let (of, id, state) = (self.0.ground.clone(), turn.entry.id, turn.entry.state);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                if state == EntryState::Planned {
                    Ok(entries::refused(tx, &of, id, code, message).await?)
                } else {
                    // What was sent stays unknown; it is looked for again later.
                    Ok(entries::put_off(tx, &of, id, code, message, false).await?)
                }
            })
        });
        Ok(if written.await?.is_some() { Turn::On } else { Turn::Lost })
    }

    /// What an error means for the lane; a login that may not bill is good for tickets all the same.
    async fn unless_it_is_billing(&self, held: &lane::Model, error: &PsaError) -> Result<Turn, Error> {
        if matches!(error, PsaError::Forbidden { .. }) || error.next_step() == NextStep::GiveUp {
            return Ok(Turn::On);
        }
        self.after_error(held, error).await
    }
}

/// Whether it passes by itself.
fn passes(error: &PsaError) -> bool {
    matches!(error.next_step(), NextStep::RetryLater { .. } | NextStep::LookBeforeRepeating)
}

fn not_offered() -> PsaError {
    PsaError::Rejected { field: None, reason: "this platform does not offer recurring invoices".to_owned() }
}
