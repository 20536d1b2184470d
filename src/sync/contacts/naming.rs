//! Which contact a ticket gets: the one that its event names, where that is one of the ticket's own company.
#![expect(clippy::disallowed_methods, reason = "scopes the query by organization and company")]

use entity::contact;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::email_key;
use crate::{db::filter::contains, decisions::event::Contact};

/// So many with the same address are looked at.
const MOST: u64 = 100;

/// A contact that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The PSA's id.
    pub external_id: String,
    /// Their name.
    pub name: String,
    /// By what they were found, for people.
    pub by: &'static str,
}

/// Finds the contact that is named, by the PSA's id, else by e-mail address, among those of one company of the PSA, in one
/// statement. Who is inactive, or whom the PSA no longer lists, is not found.
pub async fn find(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_company_id: Uuid,
    named: &Contact,
) -> Result<Option<Found>, DbErr> {
    use contact::Column as C;
    let key = named.email.as_deref().and_then(email_key);
    if named.id.is_none() && key.is_none() {
        return Ok(None);
    }
    let rows = contact::Entity::find()
        .filter(C::PsaCompanyId.eq(psa_company_id))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::IsActive.eq(true))
        .filter(C::MissingSince.is_null())
        .filter(
            Condition::any()
                .add_option(named.id.as_ref().map(|id| C::ExternalId.eq(id)))
                .add_option(key.as_ref().map(|key| contains(&[C::EmailKeys], Some(key)))),
        )
        .order_by_asc(C::Name)
        .order_by_asc(C::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let by_id = || {
        let id = named.id.as_ref()?;
        rows.iter().find(|row| row.external_id == *id).map(|row| (row, "by its id"))
    };
    let by_email = || {
        let key = key.as_ref()?;
        // The address that is somebody's main one goes before one that is among another's.
        let is_main = |row: &&contact::Model| email_key(&row.email).as_ref() == Some(key);
        let found =
            rows.iter().find(is_main).or_else(|| rows.iter().find(|row| row.email_keys.contains(key)));
        found.map(|row| (row, "by e-mail address"))
    };
    Ok(by_id().or_else(by_email).map(|(row, by)| Found {
        external_id: row.external_id.clone(),
        name: row.name.clone(),
        by,
    }))
}
