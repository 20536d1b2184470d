//! Linking a ticket that somebody made in the PSA to a finding: later events note it rather than open another.
#![expect(clippy::disallowed_methods, reason = "scopes every query by the viewer's organization")]

use std::collections::BTreeMap;

use entity::{
    company, company_mapping, finding, psa_connection, ticket, ticket_operation::OperationKind,
    ticket_profile,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;
use uuid::Uuid;

use super::{
    marker,
    pen::Pen,
    plan::{self, Opening, Place},
};
use crate::{
    audit::{self, Change, facts},
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        sight::sees,
        viewer::{Permission, Viewer},
    },
};

/// Which ticket is linked to what.
#[derive(Clone, Debug)]
pub struct Link {
    /// The problem that the ticket is about.
    pub finding_id: Uuid,
    /// Where the ticket is.
    pub psa_connection_id: Uuid,
    /// The PSA's id of it.
    pub external_id: String,
    /// How it is closed; where none is given, the mapping's profile, else the default, else the only one.
    pub ticket_profile_id: Option<Uuid>,
}

/// Plans to take over a ticket of the PSA: its operation LINK reads it and sees whether it belongs to the
/// finding's company. Where it is ours already, the finding is put on it.
pub async fn link(viewer: &Viewer, ground: &Ground, link: Link) -> Result<ticket::Model, Error> {
    let db = ground.db.reader();
    let found = finding::Entity::find_by_id(link.finding_id).one(db).await?;
    let finding = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    let organization_id = finding.organization_id;
    viewer.may(Permission::Operate, organization_id)?;
    let external_id = link.external_id.trim().to_owned();
    if external_id.is_empty() || external_id.len() > 200 || external_id.chars().any(char::is_control) {
        let message = "give the PSA's own id of the ticket, as its address in the PSA shows it";
        return Err(Problem::of("externalId", ProblemCode::Invalid, message).into());
    }
    let connection = psa_connection::Entity::find_by_id(link.psa_connection_id)
        .filter(psa_connection::Column::OrganizationId.eq(organization_id))
        .one(db)
        .await?;
    if connection.is_none() {
        let message = "there is no such PSA connection";
        return Err(Problem::of("psaConnectionId", ProblemCode::NotFound, message).into());
    }
    let mapping = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(organization_id))
        .filter(company_mapping::Column::CompanyId.eq(finding.company_id))
        .filter(company_mapping::Column::PsaConnectionId.eq(link.psa_connection_id))
        .one(db)
        .await?;
    let Some(mapping) = mapping else {
        let message = "the finding's company is not mapped on this connection; map it first";
        return Err(Problem::of("psaConnectionId", ProblemCode::Invalid, message).into());
    };
    let company = company::Entity::find_by_id(mapping.company_id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let profiles = ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
        .filter(ticket_profile::Column::PsaConnectionId.eq(link.psa_connection_id))
        .order_by_desc(ticket_profile::Column::IsDefault)
        .order_by_asc(ticket_profile::Column::Id)
        .all(db)
        .await?;
    let profile = match link.ticket_profile_id.or(mapping.ticket_profile_id) {
        Some(id) => profiles.into_iter().find(|profile| profile.id == id),
        None => profiles.into_iter().next(),
    };
    let Some(profile) = profile else {
        let message =
            "no such ticket profile on the connection; make one first: it says how the ticket is closed";
        return Err(Problem::of("ticketProfileId", ProblemCode::NotFound, message).into());
    };
    let place = Place { company, mapping, profile };
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let linked = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let pen = Pen::at_once(tx, &ground_of);
                if let Some(other) = plan::open_tickets_of(pen, organization_id, finding.id).await?.first() {
                    let number = other.external_number.as_deref().or(other.external_id.as_deref());
                    let number = if sees(&by, other) { number } else { Some("(of a board you do not see)") };
                    let message = format!(
                        "the finding is on ticket {} already; a finding has one open ticket",
                        number.unwrap_or("(not created yet)")
                    );
                    return Err(Problem::of("findingId", ProblemCode::WrongState, message).into());
                }
                if let Some(ours) = ours(tx, &place, &external_id).await? {
                    if ours.psa_company_id != place.mapping.psa_company_id || ours.open_group_key.is_none() || !sees(&by, &ours) {
                        let message = "the ticket is known and is closed, another company's, or of a board you do not see; link an open one of this company";
                        return Err(Problem::of("externalId", ProblemCode::WrongState, message).into());
                    }
                    plan::add_finding(pen, &ours, finding.id).await?;
                    audit::record(tx, &ground_of, &by, linked_to(&ours, &external_id, finding.id)).await?;
                    return Ok(ours);
                }
                let opening = Opening {
                    group_key: format!("finding:{}", finding.id),
                    marker: marker::by_chance(&ground_of.chance),
                    policy_id: None,
                    title: finding.title.clone(),
                    body: String::new(),
                    severity: finding.severity,
                    is_test: false,
                    is_list: false,
                    overrides: BTreeMap::new(),
                    previous_ticket_id: None,
                    first_seen_at: Some(finding.first_seen_at),
                    event_id: None,
                };
                let payload = json!({ "external_id": external_id, "by": by.name });
                let (ticket, is_first) =
                    plan::begin(pen, &place, opening, OperationKind::Link, payload).await?;
                if !is_first {
                    let message = "a ticket for the finding is being opened just now; a finding has one open ticket";
                    return Err(Problem::of("findingId", ProblemCode::WrongState, message).into());
                }
                plan::add_finding(pen, &ticket, finding.id).await?;
                plan::wake_lanes(tx, &ground_of, organization_id, vec![ticket.id]).await?;
                audit::record(tx, &ground_of, &by, linked_to(&ticket, &external_id, finding.id)).await?;
                Ok::<_, Error>(ticket)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(linked)
}

fn linked_to(ticket: &ticket::Model, external_id: &str, finding_id: Uuid) -> Change {
    Change::of("ticketLink", ticket)
        .is("psaConnectionId", facts::reference::<psa_connection::Model>(ticket.psa_connection_id))
        .is("externalId", external_id)
        .is("findingId", global_id::encode("Finding", finding_id))
}

async fn ours(
    tx: &sea_orm::DatabaseTransaction,
    place: &Place,
    external_id: &str,
) -> Result<Option<ticket::Model>, Error> {
    Ok(ticket::Entity::find()
        .filter(ticket::Column::OrganizationId.eq(place.mapping.organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(place.mapping.psa_connection_id))
        .filter(ticket::Column::ExternalId.eq(external_id))
        .one(tx)
        .await?)
}
