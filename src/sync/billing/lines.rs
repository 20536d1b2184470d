//! Which line of which recurring invoice bills what a company uses of a product.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{billing_line, company, company_mapping, psa_billing_line};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, sea_query::LockType,
};
use uuid::Uuid;

use super::{calendars, entries, usage::MAX_PRODUCT};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode, is_unique_violation},
    ground::Ground,
    organizations::{
        form::{Form, no_such},
        once::Done,
        reach, versions,
        viewer::{Permission, Viewer},
    },
};

/// A line to be chosen.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Who uses it.
    pub company_id: Uuid,
    /// What, by the name that reports have for it.
    pub product: String,
    /// The PSA's line that bills it.
    pub psa_billing_line_id: Uuid,
    /// Whether quantities are pushed from now on.
    pub is_enabled: bool,
}

/// What is to be changed; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct LineChange {
    /// Another line of the PSA.
    pub psa_billing_line_id: Option<Uuid>,
    /// Whether it is to be pushed again. Ending it has a function of its own.
    pub is_enabled: bool,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// Chooses the line that bills what a company uses of a product.
pub async fn create(viewer: &Viewer, ground: &Ground, new: NewLine) -> Result<billing_line::Model, Error> {
    let company = reach::by_id::<company::Entity>(viewer, ground, new.company_id).await?;
    let organization_id = company.organization_id;
    viewer.may(Permission::ManageBilling, organization_id)?;
    let mut form = Form::default();
    let product = form.line("product", &new.product, MAX_PRODUCT);
    if product.len() > MAX_PRODUCT && product.chars().count() <= MAX_PRODUCT {
        let message = format!("a product's name has at most {MAX_PRODUCT} bytes; shorten it");
        form.add(Problem::of("product", ProblemCode::TooLong, message));
    }
    form.finish()?;
    let (ground_of, by, once, now) = (ground.clone(), viewer.clone(), viewer.once(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let target = target(tx, organization_id, company.id, new.psa_billing_line_id).await?;
                let row = billing_line::Model {
                    id: ground_of.chance.id(now),
                    organization_id,
                    company_id: company.id,
                    product: product.clone(),
                    psa_connection_id: target.psa_connection_id,
                    psa_company_id: target.psa_company_id,
                    invoice_external_id: target.invoice_external_id,
                    invoice_name: target.invoice_name,
                    line_external_id: target.external_id,
                    line_name: target.name,
                    aim: 1,
                    is_enabled: new.is_enabled,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                };
                is_free(tx, &row).await?;
                calendars::begin(tx, &ground_of, organization_id).await?;
                let made = row.into_active_model().insert(tx).await.map_err(taken)?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made("billingLineCreate", &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await
}

/// Chooses another line, or has an ended one pushed again. What was planned for the line before is not sent.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: LineChange,
) -> Result<billing_line::Model, Error> {
    let old = reach::by_id::<billing_line::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageBilling, old.organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<billing_line::Entity>(tx, id, change.expected_version).await?;
                let mut new = old.clone();
                new.is_enabled |= change.is_enabled;
                if let Some(target_id) = change.psa_billing_line_id {
                    let target = target(tx, old.organization_id, old.company_id, target_id).await?;
                    let place = |row: &billing_line::Model| {
                        (row.psa_connection_id, row.invoice_external_id.clone(), row.line_external_id.clone())
                    };
                    (new.psa_connection_id, new.psa_company_id) =
                        (target.psa_connection_id, target.psa_company_id);
                    (new.invoice_external_id, new.invoice_name) =
                        (target.invoice_external_id, target.invoice_name);
                    (new.line_external_id, new.line_name) = (target.external_id, target.name);
                    if place(&new) != place(&old) {
                        entries::is_settled(tx, &old, "psaBillingLineId").await?;
                        entries::take_back(tx, &old, now).await?;
                        is_free(tx, &new).await?;
                        new.aim = old.aim + 1;
                    }
                }
                new.version = old.version + 1;
                new.updated_at = now;
                let row = new.into_active_model().reset_all();
                let changed = row.update(tx).await.map_err(taken)?;
                let change = Change::between("billingLineUpdate", &old, &changed);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await
}

/// Ends the pushing of a line: `product` is its product, typed again. What is planned is taken back; what is under way
/// is seen to its end. Gives how many were taken back, too.
pub async fn disable(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    product: &str,
) -> Result<(billing_line::Model, u64), Error> {
    let old = reach::by_id::<billing_line::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageBilling, old.organization_id)?;
    if old.product != product.trim() {
        let message = format!(
            "type the product, {}, to confirm: the PSA goes on billing what the line \"{}\" has now",
            old.product, old.line_name
        );
        return Err(Problem::of("confirmProduct", ProblemCode::Invalid, message).into());
    }
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<billing_line::Entity>(tx, id, None).await?;
                let taken_back = entries::take_back(tx, &old, now).await?;
                let mut row = old.clone();
                row.is_enabled = false;
                row.version = old.version + 1;
                row.updated_at = now;
                let changed = row.into_active_model().reset_all().update(tx).await?;
                let change = Change::between("billingLineDisable", &old, &changed);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>((changed, taken_back))
            })
        })
        .await
}

/// The PSA's line that is meant: of the PSA's company to which the company is mapped, and one that can be set.
async fn target(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    company_id: Uuid,
    id: Uuid,
) -> Result<psa_billing_line::Model, Error> {
    const FIELD: &str = "psaBillingLineId";
    let found = psa_billing_line::Entity::find_by_id(id)
        .filter(psa_billing_line::Column::OrganizationId.eq(organization_id))
        .one(tx)
        .await?;
    let Some(line) = found else { return Err(no_such(FIELD, "line of a recurring invoice").into()) };
    let mapping = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(organization_id))
        .filter(company_mapping::Column::CompanyId.eq(company_id))
        .filter(company_mapping::Column::PsaConnectionId.eq(line.psa_connection_id))
        .lock(LockType::KeyShare)
        .one(tx)
        .await?;
    if mapping.is_none_or(|mapping| mapping.psa_company_id != line.psa_company_id) {
        let message = "this line bills a company of the PSA to which the company is not mapped; map it first, or pick \
                       a line of the one it is mapped to";
        return Err(Problem::of(FIELD, ProblemCode::WrongState, message).into());
    }
    if let Some(why) = &line.fixed_because {
        let message = format!("the quantity of this line cannot be set: {why}; pick another one");
        return Err(Problem::of(FIELD, ProblemCode::WrongState, message).into());
    }
    Ok(line)
}

/// Whether the product has no line yet, and the line no product.
async fn is_free(tx: &DatabaseTransaction, row: &billing_line::Model) -> Result<(), Error> {
    use billing_line::Column as C;
    let others = billing_line::Entity::find()
        .filter(C::OrganizationId.eq(row.organization_id))
        .filter(C::Id.ne(row.id));
    let same = others
        .clone()
        .filter(C::CompanyId.eq(row.company_id))
        .filter(C::Product.eq(row.product.as_str()))
        .one(tx)
        .await?;
    if let Some(same) = same {
        let message = format!(
            "what this company uses of {} is billed by the line \"{}\" already; change that one",
            row.product, same.line_name
        );
        return Err(Problem::of("product", ProblemCode::Taken, message).into());
    }
    let same = others
        .filter(C::PsaConnectionId.eq(row.psa_connection_id))
        .filter(C::InvoiceExternalId.eq(row.invoice_external_id.as_str()))
        .filter(C::LineExternalId.eq(row.line_external_id.as_str()))
        .one(tx)
        .await?;
    if let Some(same) = same {
        let message =
            format!("this line bills {} already; a line bills one product: pick another", same.product);
        return Err(Problem::of("psaBillingLineId", ProblemCode::Taken, message).into());
    }
    Ok(())
}

/// Somebody else was faster.
fn taken(error: DbErr) -> Error {
    if is_unique_violation(&error) {
        let message = "this product or this line was just taken; read the billing lines again";
        return Problem::of("psaBillingLineId", ProblemCode::Taken, message).into();
    }
    error.into()
}
