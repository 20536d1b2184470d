//! Settings that an endpoint learns by itself.

use entity::webhook_endpoint;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QuerySelect as _, Set, prelude::Json as JsonValue, sea_query::LockType,
};
use serde_json::Map;

use crate::{
    audit::{self, Change},
    error::Error,
    ground::Ground,
    organizations::viewer::Viewer,
};

/// Gives an endpoint a setting where it has none by that name. Gives the value that stands: of two that come at
/// once the first one's.
pub async fn settle_setting(
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
    name: &'static str,
    value: &str,
) -> Result<JsonValue, Error> {
    let (ground_of, value) = (ground.clone(), JsonValue::from(value));
    let (id, organization_id) = (endpoint.id, endpoint.organization_id);
    let stands = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = webhook_endpoint::Entity::find_by_id(id)
                    .filter(webhook_endpoint::Column::OrganizationId.eq(organization_id))
                    .lock(LockType::Update)
                    .one(tx)
                    .await?
                    .ok_or(Error::NotFound)?;
                let known = old.settings.as_ref().and_then(|settings| settings.get(name));
                if let Some(known) = known.filter(|known| !known.is_null()) {
                    return Ok(known.clone());
                }
                let mut settings = match &old.settings {
                    Some(JsonValue::Object(settings)) => settings.clone(),
                    _ => Map::new(),
                };
                settings.insert(name.to_owned(), value.clone());
                let mut row = old.clone().into_active_model();
                row.settings = Set(Some(JsonValue::Object(settings)));
                // Who has seen the settings without it must not write them over it.
                row.version = Set(old.version + 1);
                row.updated_at = Set(ground_of.clock.now());
                let changed = row.update(tx).await?;
                let change = Change::between("webhookEndpointConfirmSubscription", &old, &changed);
                audit::record(tx, &ground_of, &Viewer::gateway(), change).await?;
                Ok::<_, Error>(value)
            })
        })
        .await?;
    ground.endpoints.forget();
    Ok(stands)
}
