//! "Disable & Clear Data": what a connection holds is taken away, and what happened stays.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use entity::{
    asset_link, company_import, company_mapping, company_value_mapping, company_value_sync, configuration,
    configuration_setup, contact, contact_setup, pick_list, psa_company, psa_connection, psa_ticket,
    psa_ticket_setup, sync_run, sync_schedule, ticket, ticket_operation, ticket_operation::OperationState,
    ticket_profile, webhook_endpoint, webhook_secret,
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    ExprTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Set, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    connections, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    db::news::{self, Happened, What},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

/// Of how many tickets watchers are told.
const TOLD: u64 = 1_000;

/// What clearing a connection takes away, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Mappings of companies.
    pub company_mappings: u64,
    /// Copies of the PSA's companies; those that tickets name stay.
    pub psa_companies: u64,
    /// Copies of the PSA's pick lists.
    pub pick_lists: u64,
    /// Ticket profiles; those that tickets were made by stay.
    pub ticket_profiles: u64,
    /// Webhook endpoints that are switched off; what came in through them stays.
    pub webhook_endpoints: u64,
    /// Operations that wait and are cancelled.
    pub waiting_operations: u64,
    /// Tickets that are open in the PSA and are no longer followed.
    pub open_tickets: u64,
}

impl Preview {
    /// The counts that are not nothing, by their names in the API.
    fn facts(&self) -> Value {
        let counts = [
            ("companyMappings", self.company_mappings),
            ("psaCompanies", self.psa_companies),
            ("pickLists", self.pick_lists),
            ("ticketProfiles", self.ticket_profiles),
            ("webhookEndpoints", self.webhook_endpoints),
            ("waitingOperations", self.waiting_operations),
            ("openTickets", self.open_tickets),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// What clearing a connection would take away now.
pub async fn preview(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<Preview, Error> {
    let connection = connections::by_id(viewer, ground, id).await?;
    Ok(count(ground.db.reader(), connection.organization_id, id).await?)
}

async fn count(db: &impl ConnectionTrait, organization_id: Uuid, id: Uuid) -> Result<Preview, DbErr> {
    Ok(Preview {
        company_mappings: company_mapping::Entity::find()
            .filter(company_mapping::Column::OrganizationId.eq(organization_id))
            .filter(company_mapping::Column::PsaConnectionId.eq(id))
            .count(db)
            .await?,
        psa_companies: psa_company::Entity::find()
            .filter(psa_company::Column::OrganizationId.eq(organization_id))
            .filter(psa_company::Column::PsaConnectionId.eq(id))
            .filter(
                psa_company::Column::Id.not_in_subquery(named_by_tickets(id, ticket::Column::PsaCompanyId)),
            )
            .count(db)
            .await?,
        pick_lists: pick_list::Entity::find()
            .filter(pick_list::Column::OrganizationId.eq(organization_id))
            .filter(pick_list::Column::PsaConnectionId.eq(id))
            .count(db)
            .await?,
        ticket_profiles: ticket_profile::Entity::find()
            .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
            .filter(ticket_profile::Column::PsaConnectionId.eq(id))
            .filter(
                ticket_profile::Column::Id
                    .not_in_subquery(named_by_tickets(id, ticket::Column::TicketProfileId)),
            )
            .count(db)
            .await?,
        webhook_endpoints: webhook_endpoint::Entity::find()
            .filter(webhook_endpoint::Column::OrganizationId.eq(organization_id))
            .filter(webhook_endpoint::Column::PsaConnectionId.eq(id))
            .filter(webhook_endpoint::Column::IsEnabled.eq(true))
            .count(db)
            .await?,
        waiting_operations: ticket_operation::Entity::find()
            .filter(ticket_operation::Column::OrganizationId.eq(organization_id))
            .filter(ticket_operation::Column::PsaConnectionId.eq(id))
            .filter(ticket_operation::Column::State.eq(OperationState::Ready))
            .count(db)
            .await?,
        open_tickets: ticket::Entity::find()
            .filter(ticket::Column::OrganizationId.eq(organization_id))
            .filter(ticket::Column::PsaConnectionId.eq(id))
            .filter(ticket::Column::OpenGroupKey.is_not_null())
            .count(db)
            .await?,
    })
}

fn named_by_tickets(id: Uuid, column: ticket::Column) -> sea_orm::sea_query::SelectStatement {
    ticket::Entity::find()
        .select_only()
        .column(column)
        .filter(ticket::Column::PsaConnectionId.eq(id))
        .into_query()
}

/// Whether somebody means it: `name` is the connection's, typed again.
pub fn confirm(connection: &psa_connection::Model, name: &str) -> Result<(), Error> {
    if connection.name == name.trim() {
        return Ok(());
    }
    let message = format!("type the connection's name, {}, to confirm", connection.name);
    Err(Problem::of("confirmName", ProblemCode::Invalid, message).into())
}

/// Switches a connection off and takes away its credentials, mappings and copies, in one transaction. Tickets and their history stay; what is open is no longer
/// followed, and its findings may get tickets elsewhere.
pub async fn clear(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
) -> Result<(psa_connection::Model, Preview), Error> {
    let connection = connections::by_id(viewer, ground, id).await?;
    let organization_id = connection.organization_id;
    viewer.may(Permission::ManageIntegrations, organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let cleared = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let connection = versions::locked::<psa_connection::Entity>(tx, id, None).await?;
                let counted = count(tx, organization_id, id).await?;
                ticket_operation::Entity::update_many()
                    .col_expr(
                        ticket_operation::Column::State,
                        Expr::value(OperationState::Cancelled.to_value()),
                    )
                    .col_expr(ticket_operation::Column::FinishedAt, Expr::value(Some(now)))
                    .filter(ticket_operation::Column::OrganizationId.eq(organization_id))
                    .filter(ticket_operation::Column::PsaConnectionId.eq(id))
                    .filter(ticket_operation::Column::State.eq(OperationState::Ready))
                    .exec(tx)
                    .await?;
                tell(tx, organization_id, id, now).await?;
                ticket::Entity::update_many()
                    .col_expr(ticket::Column::OpenGroupKey, Expr::value(None::<String>))
                    .col_expr(ticket::Column::RefreshAt, Expr::value(None::<entity::Timestamp>))
                    .col_expr(ticket::Column::StateReason, Expr::value(Some("connection_cleared")))
                    .col_expr(
                        ticket::Column::StateMessage,
                        Expr::value(Some("the connection was cleared; the ticket is no longer followed")),
                    )
                    .filter(ticket::Column::OrganizationId.eq(organization_id))
                    .filter(ticket::Column::PsaConnectionId.eq(id))
                    .filter(ticket::Column::OpenGroupKey.is_not_null())
                    .exec(tx)
                    .await?;
                company_mapping::Entity::delete_many()
                    .filter(company_mapping::Column::OrganizationId.eq(organization_id))
                    .filter(company_mapping::Column::PsaConnectionId.eq(id))
                    .exec(tx)
                    .await?;
                configuration::Entity::delete_many()
                    .filter(configuration::Column::OrganizationId.eq(organization_id))
                    .filter(configuration::Column::PsaConnectionId.eq(id))
                    .exec(tx)
                    .await?;
                asset_link::Entity::delete_many()
                    .filter(asset_link::Column::OrganizationId.eq(organization_id))
                    .filter(asset_link::Column::PsaConnectionId.eq(id))
                    .exec(tx)
                    .await?;
                configuration_setup::Entity::delete_many()
                    .filter(configuration_setup::Column::OrganizationId.eq(organization_id))
                    .filter(configuration_setup::Column::PsaConnectionId.eq(id))
                    .exec(tx)
                    .await?;
                psa_company::Entity::delete_many()
                    .filter(psa_company::Column::OrganizationId.eq(organization_id))
                    .filter(psa_company::Column::PsaConnectionId.eq(id))
                    .filter(
                        psa_company::Column::Id
                            .not_in_subquery(named_by_tickets(id, ticket::Column::PsaCompanyId)),
                    )
                    .exec(tx)
                    .await?;
                clear_profiles(tx, organization_id, id).await?;
                pick_list::Entity::delete_many()
                    .filter(pick_list::Column::OrganizationId.eq(organization_id))
                    .filter(pick_list::Column::PsaConnectionId.eq(id))
                    .exec(tx)
                    .await?;
                sync_run::Entity::delete_many()
                    .filter(sync_run::Column::OrganizationId.eq(organization_id))
                    .filter(sync_run::Column::PsaConnectionId.eq(id))
                    .exec(tx)
                    .await?;
                clear_syncs(tx, organization_id, id).await?;
                clear_endpoints(tx, organization_id, id).await?;
                let mut row = connection.clone().into_active_model();
                row.is_enabled = Set(false);
                row.settings = Set(json!({}));
                row.sealed_credentials = Set(Vec::new());
                row.credentials_hint = Set(String::new());
                row.credentials_version = Set(connection.credentials_version + 1);
                row.companies_synced_at = Set(None);
                row.version = Set(connection.version + 1);
                row.credentials_updated_at = Set(now);
                row.health = Set(psa_connection::Health::Unverified);
                row.health_checked_at = Set(None);
                row.health_message = Set(None);
                row.verification = Set(json!([]));
                row.updated_at = Set(now);
                let cleared = row.update(tx).await?;
                let change = Change::between("psaConnectionClear", &connection, &cleared)
                    .is("credentials", "removed")
                    .is("cleared", counted.facts());
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>((cleared, counted))
            })
        })
        .await?;
    ground.endpoints.forget();
    tracing::warn!(psa_connection.id = %id, by = viewer.name, "a PSA connection was switched off and cleared");
    Ok(cleared)
}

/// Tells those who watch: of the connection, and of the tickets that are no longer followed (not of more than
/// a thousand; who watches a connection reads its tickets again when it is cleared).
async fn tell(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    id: Uuid,
    at: entity::Timestamp,
) -> Result<(), DbErr> {
    let tickets: Vec<Uuid> = ticket::Entity::find()
        .select_only()
        .column(ticket::Column::Id)
        .filter(ticket::Column::OrganizationId.eq(organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(id))
        .filter(ticket::Column::OpenGroupKey.is_not_null())
        .limit(TOLD)
        .into_tuple()
        .all(tx)
        .await?;
    news::tell(Happened { what: What::ConnectionHealthChanged, organization_id, id, at });
    for id in tickets {
        news::tell(Happened { what: What::TicketUpdated, organization_id, id, at });
    }
    Ok(())
}

/// Profiles that no ticket was made by go, and policies and mappings forget them.
async fn clear_profiles(tx: &impl ConnectionTrait, organization_id: Uuid, id: Uuid) -> Result<(), DbErr> {
    let ours = || {
        ticket_profile::Entity::find()
            .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
            .filter(ticket_profile::Column::PsaConnectionId.eq(id))
    };
    let all = ours().select_only().column(ticket_profile::Column::Id).into_query();
    entity::policy::Entity::update_many()
        .col_expr(entity::policy::Column::TicketProfileId, Expr::value(None::<Uuid>))
        .col_expr(entity::policy::Column::Version, Expr::col(entity::policy::Column::Version).add(1))
        .filter(entity::policy::Column::OrganizationId.eq(organization_id))
        .filter(entity::policy::Column::TicketProfileId.in_subquery(all))
        .exec(tx)
        .await?;
    ticket_profile::Entity::delete_many()
        .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
        .filter(ticket_profile::Column::PsaConnectionId.eq(id))
        .filter(
            ticket_profile::Column::Id.not_in_subquery(named_by_tickets(id, ticket::Column::TicketProfileId)),
        )
        .exec(tx)
        .await?;
    // What stays for its tickets is nobody's default any more.
    ticket_profile::Entity::update_many()
        .col_expr(ticket_profile::Column::IsDefault, Expr::value(false))
        .col_expr(ticket_profile::Column::Version, Expr::col(ticket_profile::Column::Version).add(1))
        .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
        .filter(ticket_profile::Column::PsaConnectionId.eq(id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Runs come no more by themselves, imports are given up, and what the PSA's values were here is forgotten.
async fn clear_syncs(tx: &impl ConnectionTrait, organization_id: Uuid, id: Uuid) -> Result<(), DbErr> {
    macro_rules! clear {
        ($($table:ident)*) => {$(
            $table::Entity::delete_many()
                .filter($table::Column::OrganizationId.eq(organization_id))
                .filter($table::Column::PsaConnectionId.eq(id))
                .exec(tx)
                .await?;
        )*};
    }
    clear!(sync_schedule company_import company_value_mapping company_value_sync);
    clear!(contact contact_setup psa_ticket psa_ticket_setup);
    Ok(())
}

/// Endpoints take nothing more, and their secrets go.
async fn clear_endpoints(tx: &impl ConnectionTrait, organization_id: Uuid, id: Uuid) -> Result<(), DbErr> {
    use webhook_endpoint::Column as C;
    let ours = webhook_endpoint::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(id))
        .into_query();
    webhook_secret::Entity::delete_many()
        .filter(webhook_secret::Column::OrganizationId.eq(organization_id))
        .filter(webhook_secret::Column::WebhookEndpointId.in_subquery(ours))
        .exec(tx)
        .await?;
    webhook_endpoint::Entity::update_many()
        .col_expr(C::IsEnabled, Expr::value(false))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::Registration, Expr::value(webhook_endpoint::Registration::ByHand.to_value()))
        .col_expr(C::RegisteredId, Expr::value(None::<String>))
        .col_expr(C::RegistrationMessage, Expr::value(None::<String>))
        .col_expr(C::RegistrationDueAt, Expr::value(None::<entity::Timestamp>))
        .col_expr(C::WantedKey, Expr::value(None::<String>))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(id))
        .exec(tx)
        .await
        .map(|_| ())
}
