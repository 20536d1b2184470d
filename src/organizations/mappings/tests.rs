//! Mappings stay inside their organization and their connection.

use super::*;
use crate::{
    organizations::companies,
    testing::{self, TestGround},
};

struct Side {
    admin: Viewer,
    company: company::Model,
    psa_company: psa_company::Model,
}

async fn side(ground: &TestGround, slug: &str) -> Side {
    let (organization, admin) = ground.organization(slug).await;
    let company = companies::create(&admin, ground, organization.id, "Bakery").await.unwrap();
    let connection = testing::connection(ground, &admin, organization.id, "Halo").await;
    let psa_company = testing::psa_company(ground, &connection, "12", "The Bakery").await;
    Side { admin, company, psa_company }
}

fn map(company: &company::Model, psa_company: &psa_company::Model) -> SetMapping {
    SetMapping { company_id: company.id, psa_company_id: psa_company.id, ..SetMapping::default() }
}

#[tokio::test]
async fn a_company_is_mapped_once_a_connection_and_can_be_mapped_anew() {
    let ground = testing::ground().await;
    let acme = side(&ground, "acme").await;
    let first = set(&acme.admin, &ground, map(&acme.company, &acme.psa_company)).await.unwrap();
    assert!(first.is_ticketing_enabled);
    let again = || set(&acme.admin, &ground, map(&acme.company, &acme.psa_company));
    let (one, other) = tokio::join!(again(), again());
    assert_eq!((one.unwrap().id, other.unwrap().id), (first.id, first.id));
    let connection_id = acme.psa_company.psa_connection_id;
    let connection =
        crate::organizations::connections::by_id(&acme.admin, &ground, connection_id).await.unwrap();
    let other = testing::psa_company(&ground, &connection, "13", "Another Bakery").await;
    let off = SetMapping { is_ticketing_enabled: Some(false), ..map(&acme.company, &other) };
    let second = set(&acme.admin, &ground, off).await.unwrap();
    assert_eq!((second.id, second.psa_company_id), (first.id, other.id));
    let third = set(&acme.admin, &ground, map(&acme.company, &other)).await.unwrap();
    assert!(!third.is_ticketing_enabled, "what is not said stays");
    remove(&acme.admin, &ground, first.id).await.unwrap();
    assert!(matches!(remove(&acme.admin, &ground, first.id).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn nothing_is_mapped_across_organizations() {
    let ground = testing::ground().await;
    let (acme, globex) = (side(&ground, "acme").await, side(&ground, "globex").await);
    let fields = async |viewer: &Viewer, wanted| match set(viewer, &ground, wanted).await {
        Err(Error::Invalid(problems)) => {
            problems.into_iter().flat_map(|problem| problem.field).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let across = map(&acme.company, &globex.psa_company);
    assert_eq!(fields(&acme.admin, across).await, ["psaCompanyId"]);
    assert_eq!(fields(&globex.admin, across).await, ["companyId"]);
    // An operator reaches both, which does not make them one.
    assert_eq!(fields(&Viewer::gateway(), across).await, ["psaCompanyId"]);
    let neither = SetMapping { company_id: Uuid::nil(), psa_company_id: Uuid::nil(), ..across };
    assert_eq!(fields(&acme.admin, neither).await, ["companyId", "psaCompanyId"]);

    let mapped = set(&acme.admin, &ground, map(&acme.company, &acme.psa_company)).await.unwrap();
    assert!(matches!(remove(&globex.admin, &ground, mapped.id).await, Err(Error::NotFound)));
    let profiled =
        SetMapping { ticket_profile_id: Some(Some(Uuid::nil())), ..map(&acme.company, &acme.psa_company) };
    assert_eq!(fields(&acme.admin, profiled).await, ["ticketProfileId"]);
}
