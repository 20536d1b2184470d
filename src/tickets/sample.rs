//! Test tickets: created, read back and closed like any other, each step an operation.
#![expect(clippy::disallowed_methods, reason = "scopes every query by the viewer's organization")]

use std::collections::BTreeMap;

use entity::{
    Severity, company, company_mapping, ticket, ticket::TicketState, ticket_operation::OperationKind,
    ticket_profile,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::Value;
use uuid::Uuid;

use super::{
    marker,
    pen::Pen,
    plan::{self, Opening, Place},
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        viewer::{Permission, Viewer},
    },
};

/// For whom and how a test ticket is made.
#[derive(Clone, Copy, Debug)]
pub struct SendTest {
    /// For whom, on which connection.
    pub company_mapping_id: Uuid,
    /// How; where none is given, the mapping's profile, else the default, else the only one there is.
    pub ticket_profile_id: Option<Uuid>,
}

/// Plans a test ticket: its operations CREATE, READ_BACK and CLOSE are the steps of the test.
pub async fn send(viewer: &Viewer, ground: &Ground, test: SendTest) -> Result<ticket::Model, Error> {
    let db = ground.db.reader();
    let mapping = company_mapping::Entity::find_by_id(test.company_mapping_id).one(db).await?;
    let mapping = mapping.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::Operate, mapping.organization_id)?;
    let company = company::Entity::find_by_id(mapping.company_id).one(db).await?.ok_or(Error::NotFound)?;
    let profiles = ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(mapping.organization_id))
        .filter(ticket_profile::Column::PsaConnectionId.eq(mapping.psa_connection_id))
        .order_by_desc(ticket_profile::Column::IsDefault)
        .all(db)
        .await?;
    let wanted = test.ticket_profile_id.or(mapping.ticket_profile_id);
    let profile = match wanted {
        Some(id) => profiles.into_iter().find(|profile| profile.id == id),
        None => profiles.into_iter().next(),
    };
    let profile = profile.ok_or_else(|| {
        Problem::of(
            "ticketProfileId",
            ProblemCode::NotFound,
            "no such ticket profile on the mapping's connection; make one first",
        )
    })?;
    let place = Place { company, mapping, profile };
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let ticket = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let (pen, now) = (Pen::at_once(tx, &ground_of), ground_of.clock.now());
                let opening = Opening {
                    group_key: format!("test:{}", ground_of.chance.id(now)),
                    marker: marker::by_chance(&ground_of.chance),
                    policy_id: None,
                    title: format!("Test ticket of PSA Gateway for {}", place.company.name),
                    body: format!("A test asked for by {} at {now}. It is closed again by itself; nothing needs to be done.", by.name),
                    severity: Severity::Info,
                    is_test: true,
                    is_list: false,
                    overrides: BTreeMap::new(),
                    previous_ticket_id: None,
                    first_seen_at: None,
                    event_id: None,
                };
                let (ticket, _) = plan::open(pen, &place, opening).await?;
                let ticket =
                    plan::add_operation(pen, ticket, OperationKind::ReadBack, Value::Null, None).await?;
                debug_assert_eq!(ticket.state, TicketState::Planned, "a close before the creation waits behind it");
                let ticket =
                    plan::add_operation(pen, ticket, OperationKind::Close, Value::Null, None).await?;
                plan::wake_lanes(tx, &ground_of, ticket.organization_id, vec![ticket.id]).await?;
                once.finish(tx, &ground_of, &Done::row(ticket.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made("ticketSendTest", &ticket)).await?;
                Ok::<_, Error>(ticket)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(ticket)
}
