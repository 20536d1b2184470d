//! stub
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]
use entity::{company, company_alias};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;
/// stub
pub async fn find_by_ref(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    _source: &str,
    client_ref: &str,
) -> Result<Option<company::Model>, DbErr> {
    let alias = company_alias::Entity::find()
        .filter(company_alias::Column::OrganizationId.eq(organization_id))
        .filter(company_alias::Column::Value.eq(client_ref))
        .one(db)
        .await?;
    let Some(alias) = alias else { return Ok(None) };
    company::Entity::find_by_id(alias.company_id).one(db).await
}
