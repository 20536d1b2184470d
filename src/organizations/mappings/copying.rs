//! Copying a mapping to other companies: what it is mapped to, and its settings.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{company_mapping, company_mapping::MappingOrigin};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::{References, SetMapping, write};
use crate::{
    audit,
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        reach,
        viewer::{Permission, Viewer},
    },
};

/// To how many companies a mapping is copied at once.
const MAX: usize = 100;

/// Which mapping to copy to which companies.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The mapping.
    pub id: Uuid,
    /// The companies.
    pub company_ids: Vec<Uuid>,
}

/// Copies a mapping, all or nothing. A company that has none on that connection is mapped to the same company of the PSA;
/// one that has keeps what it is mapped to and gets the settings.
pub async fn copy(
    viewer: &Viewer,
    ground: &Ground,
    copied: Copied,
) -> Result<Vec<company_mapping::Model>, Error> {
    let source = reach::by_id::<company_mapping::Entity>(viewer, ground, copied.id).await?;
    viewer.may(Permission::ManageIntegrations, source.organization_id)?;
    let count = copied.company_ids.len();
    if count == 0 || count > MAX {
        let message = format!("{count} companies are given; give 1 to {MAX}");
        return Err(Problem::of("companyIds", ProblemCode::Invalid, message).into());
    }
    let (viewer_of, ground_of, once) = (viewer.clone(), ground.clone(), viewer.once());
    let rows = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_mapping::Column as C;
                once.begin(tx).await?;
                let known = company_mapping::Entity::find()
                    .filter(C::OrganizationId.eq(source.organization_id))
                    .filter(C::PsaConnectionId.eq(source.psa_connection_id))
                    .filter(C::CompanyId.is_in(copied.company_ids.iter().copied()))
                    .all(tx)
                    .await?;
                let like = |company_id: &Uuid| {
                    let own = known.iter().find(|row| row.company_id == *company_id);
                    Ok(SetMapping {
                        company_id: *company_id,
                        psa_company_id: own.map_or(source.psa_company_id, |own| own.psa_company_id),
                        is_ticketing_enabled: Some(source.is_ticketing_enabled),
                        ticket_profile_id: Some(source.ticket_profile_id),
                        event_set_id: Some(source.event_set_id),
                        is_enabled: Some(source.is_enabled),
                        is_configurations_enabled: Some(source.is_configurations_enabled),
                        origin: own.is_none().then_some((MappingOrigin::Copied, None)),
                        expected_version: None,
                    })
                };
                let wanted: Vec<Result<SetMapping, Vec<Problem>>> =
                    copied.company_ids.iter().map(like).collect();
                let references = References::read(tx, &viewer_of, &wanted).await?;
                let checked = references.check(wanted);
                let wrong: Vec<_> = checked
                    .iter()
                    .enumerate()
                    .filter_map(|(index, checked)| Some((index, checked.as_ref().err()?)))
                    .flat_map(|(index, problems)| {
                        problems.iter().map(move |problem| Problem {
                            field: vec!["companyIds".to_owned(), index.to_string()],
                            ..problem.clone()
                        })
                    })
                    .collect();
                if !wrong.is_empty() {
                    return Err(Error::Invalid(wrong));
                }
                let (outcomes, changes) = write(tx, &ground_of, checked).await?;
                held::release(tx, source.organization_id, ground_of.clock.now()).await?;
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |row: &company_mapping::Model| row.id))
                    .await?;
                audit::record_all(tx, &ground_of, &viewer_of, changes).await?;
                Ok::<_, Error>(outcomes.into_iter().flatten().collect())
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(rows)
}
