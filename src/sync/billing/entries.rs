//! Rows of the ledger, written down before and after the PSA is asked.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization, connection or line")]

mod deciding;

use entity::{
    Quantity, Timestamp,
    billing_entry::{self, EntryState},
    billing_line, company_mapping, lane, psa_company,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{
    calendars,
    ledger::{self, Happening, Way},
    remote::LinePlace,
};
use crate::{
    db::news::{self, Happened, What},
    error::Error,
    ground::Ground,
};

pub use deciding::{decide, is_settled, take_back};

/// How long after a lost answer the PSA may still carry the call out, in seconds: its gateway gives up by then.
pub const MAY_COME_SECS: i64 = 90;
/// When an entry is tried again that the login may not send, in seconds.
const LATER_SECS: i64 = 900;
/// The longest words about what went wrong, in characters.
const MAX_PROBLEM: usize = 1_000;

/// An entry whose turn it is, with what the PSA has to be asked.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The entry.
    pub entry: billing_entry::Model,
    /// Its line.
    pub line: billing_line::Model,
    /// Where it is in the PSA; none where the copy of the company that it bills is gone.
    pub place: Option<LinePlace>,
}

/// What came of asking the PSA to set a value.
#[derive(Clone, Debug)]
pub enum Ended {
    /// It took it.
    Accepted,
    /// It was certainly not done; it is tried again.
    Delayed {
        /// Stable name.
        code: &'static str,
        /// In words.
        message: String,
        /// Whether it is worth trying soon: the login may do it.
        is_soon: bool,
    },
    /// It may have been done.
    Uncertain {
        /// In words.
        message: String,
    },
    /// It said no.
    Refused {
        /// Stable name.
        code: &'static str,
        /// In words.
        message: String,
    },
}

/// The connection's entry whose turn it is.
pub async fn next(ground: &Ground, held: &lane::Model) -> Result<Option<Turn>, Error> {
    use billing_entry::Column as C;
    let (db, now) = (ground.db.reader(), ground.clock.now());
    let entry = billing_entry::Entity::find()
        .filter(C::PsaConnectionId.eq(held.id))
        .filter(C::OrganizationId.eq(held.organization_id))
        .filter(C::RunAt.lte(now))
        .order_by_asc(C::RunAt)
        .order_by_asc(C::Id)
        .one(db)
        .await?;
    let Some(entry) = entry else { return Ok(None) };
    let line = billing_line::Entity::find_by_id(entry.billing_line_id)
        .filter(billing_line::Column::OrganizationId.eq(entry.organization_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let company = psa_company::Entity::find_by_id(line.psa_company_id)
        .filter(psa_company::Column::OrganizationId.eq(entry.organization_id))
        .one(db)
        .await?;
    let calendar = calendars::of(db, entry.organization_id).await?;
    let day = entry.effective_on.clone().unwrap_or_else(|| {
        // What is sent late counts on the last day of its month.
        calendar.day(now.min(entry.period_ends_at.plus_secs(-1)))
    });
    let place = company.map(|company| LinePlace {
        company_external_id: company.external_id,
        invoice_external_id: line.invoice_external_id.clone(),
        external_id: line.line_external_id.clone(),
        day,
    });
    Ok(Some(Turn { entry, line, place }))
}

/// What is about to be done to an entry that is planned.
#[derive(Clone, Copy, Debug)]
pub enum Begun {
    /// It is written down that this is sent.
    Send {
        /// What the line is to have.
        proposed: Quantity,
        /// What is sent: that, or the difference to it.
        sent: Quantity,
    },
    /// There is nothing to send.
    Nothing,
}

/// Writes down that a value is about to be sent to a line that has `before`; or that there is no need to. Nothing is
/// sent to a line that was ended, aimed elsewhere or unmapped meanwhile.
pub async fn begin(
    tx: &DatabaseTransaction,
    ground: &Ground,
    turn: &Turn,
    way: Way,
    before: Quantity,
) -> Result<Begun, DbErr> {
    let now = ground.clock.now();
    let Some(mut entry) = locked(tx, turn.entry.id, EntryState::Planned).await? else {
        return Ok(Begun::Nothing);
    };
    if let Some(why) = no_longer(tx, &entry).await? {
        happens(&mut entry, Happening::Replaced, way, now);
        (entry.problem_code, entry.problem, entry.run_at) =
            (Some("not_wanted".to_owned()), Some(why.to_owned()), None);
        save(tx, entry).await?;
        return Ok(Begun::Nothing);
    }
    entry.before = Some(before);
    (entry.problem_code, entry.problem) = (None, None);
    let Some(sent) = ledger::to_send(way, before, entry.proposed) else {
        happens(&mut entry, Happening::WasThere, way, now);
        (entry.read_back, entry.read_back_at, entry.run_at) = (Some(before), Some(now), None);
        save(tx, entry).await?;
        return Ok(Begun::Nothing);
    };
    happens(&mut entry, Happening::SendBegins, way, now);
    entry.sent = Some(sent);
    entry.sent_at = Some(now);
    entry.effective_on = turn.place.as_ref().map(|place| place.day.clone());
    entry.attempts += 1;
    // Whoever dies now leaves it behind to be looked for.
    entry.run_at = Some(now);
    let proposed = save(tx, entry).await?.proposed;
    Ok(Begun::Send { proposed, sent })
}

/// Why a planned entry is no longer wanted.
async fn no_longer(
    tx: &DatabaseTransaction,
    entry: &billing_entry::Model,
) -> Result<Option<&'static str>, DbErr> {
    let line = billing_line::Entity::find_by_id(entry.billing_line_id)
        .filter(billing_line::Column::OrganizationId.eq(entry.organization_id))
        .one(tx)
        .await?;
    let Some(line) = line.filter(|line| line.aim == entry.aim) else {
        return Ok(Some("another line was picked meanwhile; push again"));
    };
    if !line.is_enabled {
        return Ok(Some("the line was switched off meanwhile"));
    }
    let mapping = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(entry.organization_id))
        .filter(company_mapping::Column::CompanyId.eq(line.company_id))
        .filter(company_mapping::Column::PsaConnectionId.eq(line.psa_connection_id))
        .one(tx)
        .await?;
    let is_mapped = mapping.is_some_and(|mapping| mapping.psa_company_id == line.psa_company_id);
    Ok((!is_mapped).then_some("the company is no longer mapped to the one that the line bills"))
}

/// Writes down what came of sending.
pub async fn ended(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
    way: Way,
    ended: Ended,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let Some(mut entry) = locked(tx, id, EntryState::Sending).await? else { return Ok(()) };
    let (happening, code, message, run_at) = match ended {
        Ended::Accepted => (Happening::Accepted, None, None, Some(now)),
        Ended::Delayed { code, message, is_soon } => {
            let at = if is_soon { now } else { now.plus_secs(LATER_SECS) };
            (Happening::Delayed, Some(code), Some(message), Some(at))
        }
        Ended::Uncertain { message } => {
            entry.uncertain_since = Some(now);
            (Happening::Uncertain, Some("unknown"), Some(message), Some(now.plus_secs(MAY_COME_SECS)))
        }
        Ended::Refused { code, message } => (Happening::Refused, Some(code), Some(message), None),
    };
    happens(&mut entry, happening, way, now);
    told(&mut entry, code, message);
    entry.run_at = run_at;
    save(tx, entry).await.map(|_| ())
}

/// An entry cannot be sent: its line is gone in the PSA, or cannot be set there any more.
pub async fn refused(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
    code: &'static str,
    message: String,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let Some(mut entry) = locked(tx, id, EntryState::Planned).await? else { return Ok(()) };
    happens(&mut entry, Happening::Refused, Way::Value, now);
    told(&mut entry, Some(code), Some(message));
    entry.run_at = None;
    save(tx, entry).await.map(|_| ())
}

/// Puts off an entry whose line could not be read.
pub async fn put_off(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
    code: &'static str,
    message: String,
    is_soon: bool,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let Some(mut entry) = billing_entry::Entity::find_by_id(id).lock(LockType::Update).one(tx).await? else {
        return Ok(());
    };
    told(&mut entry, Some(code), Some(message));
    if !is_soon && entry.run_at.is_some() {
        entry.run_at = Some(now.plus_secs(LATER_SECS));
    }
    entry.updated_at = now;
    save(tx, entry).await.map(|_| ())
}

/// Takes over what a line had when it was read back; none where it is gone.
pub async fn seen(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
    way: Way,
    quantity: Option<Quantity>,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let Some(mut entry) = billing_entry::Entity::find_by_id(id).lock(LockType::Update).one(tx).await? else {
        return Ok(());
    };
    let is_there = quantity == Some(entry.proposed);
    let happening = if is_there { Happening::SeenThere } else { Happening::SeenOther };
    if !happens(&mut entry, happening, way, now) {
        return Ok(());
    }
    (entry.read_back, entry.read_back_at) = (quantity, Some(now));
    entry.run_at = None;
    let shown = |quantity: Option<Quantity>| quantity.map_or("nothing".to_owned(), |all| all.to_string());
    match entry.state {
        EntryState::Planned => {
            entry.run_at = Some(now);
            entry.uncertain_since = None;
            told(&mut entry, None, None);
        }
        EntryState::Held => {
            let words = format!(
                "{} was sent as a difference and its fate is not known; the line had {} before and has {} now. Look into \
                 the PSA, then say whether it arrived (billingEntryDecide)",
                shown(entry.sent),
                shown(entry.before),
                shown(quantity),
            );
            told(&mut entry, Some("unknown"), Some(words));
        }
        EntryState::Differs => {
            let words = format!(
                "{} was wanted and the line has {}: somebody or something else sets it; look into the PSA, then make a \
                 correction (billingCorrectionCreate)",
                entry.proposed,
                shown(quantity),
            );
            told(&mut entry, Some("differs"), Some(words));
        }
        _ => {
            entry.uncertain_since = None;
            told(&mut entry, None, None);
        }
    }
    save(tx, entry).await.map(|_| ())
}

/// What a holder of the lane before has begun and not ended: nobody knows whether it was done.
pub async fn left_behind(tx: &DatabaseTransaction, ground: &Ground, held: Uuid) -> Result<(), DbErr> {
    use billing_entry::Column as C;
    let now = ground.clock.now();
    let left = billing_entry::Entity::find()
        .filter(C::PsaConnectionId.eq(held))
        .filter(C::State.eq(EntryState::Sending))
        .filter(C::RunAt.is_not_null())
        .lock(LockType::Update)
        .all(tx)
        .await?;
    for mut entry in left {
        happens(&mut entry, Happening::Uncertain, Way::Value, now);
        entry.uncertain_since = Some(now);
        entry.run_at = Some(now.plus_secs(MAY_COME_SECS));
        told(&mut entry, Some("unknown"), Some("the gateway stopped while the PSA was asked".to_owned()));
        save(tx, entry).await?;
    }
    Ok(())
}

/// Whether a holder before has left something behind.
pub async fn has_left(db: &impl ConnectionTrait, held: Uuid) -> Result<bool, DbErr> {
    use billing_entry::Column as C;
    let left = billing_entry::Entity::find()
        .filter(C::PsaConnectionId.eq(held))
        .filter(C::RunAt.is_not_null())
        .filter(C::State.eq(EntryState::Sending));
    Ok(left.count(db).await? > 0)
}

/// The entry, where it is in that state, and nobody else's to change until the transaction ends.
async fn locked(
    tx: &DatabaseTransaction,
    id: Uuid,
    state: EntryState,
) -> Result<Option<billing_entry::Model>, DbErr> {
    let found = billing_entry::Entity::find_by_id(id).lock(LockType::Update).one(tx).await?;
    Ok(found.filter(|entry| entry.state == state))
}

/// Moves an entry on. False where that cannot happen to it.
pub(super) fn happens(
    entry: &mut billing_entry::Model,
    happening: Happening,
    way: Way,
    now: Timestamp,
) -> bool {
    let Some(state) = ledger::after(entry.state, happening, way) else { return false };
    entry.state = state;
    entry.updated_at = now;
    true
}

fn told(entry: &mut billing_entry::Model, code: Option<&'static str>, message: Option<String>) {
    entry.problem_code = code.map(str::to_owned);
    entry.problem =
        message.map(|message| message.chars().filter(|letter| *letter != '\0').take(MAX_PROBLEM).collect());
}

pub(super) async fn save(
    tx: &DatabaseTransaction,
    entry: billing_entry::Model,
) -> Result<billing_entry::Model, DbErr> {
    let (organization_id, id, at) = (entry.organization_id, entry.id, entry.updated_at);
    let saved = billing_entry::Entity::update(entry.into_active_model().reset_all()).exec(tx).await?;
    news::tell(Happened { what: What::BillingEntryChanged, organization_id, id, at });
    Ok(saved)
}
