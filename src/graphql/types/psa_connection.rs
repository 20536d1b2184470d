//! A named login to one PSA.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{company, organization, psa_connection};

use super::contact::{ContactConnection, ContactFilter, ContactOrder};
use super::contact_sync::{ContactSync, contact_sync};
use super::psa_ticket::{PsaTicketConnection, PsaTicketFilter, PsaTicketOrder};
use super::psa_ticket_sync::{PsaTicketSync, psa_ticket_sync};
use super::{
    Company, CompanyImportConnection, CompanyMappingConnection, CompanyValueSync, ConfigurationConnection,
    ConfigurationFilter, ConfigurationOrder, ConfigurationSync, OrderDirection, Organization, PickList,
    Platform, PsaBillingLineConnection, PsaBillingLineFilter, PsaBillingLineOrder, PsaCompanyConnection,
    PsaCompanyFilter, PsaCompanyOrder, PsaConnectionAbility, PsaConnectionClearPreview, PsaConnectionHealth,
    PsaConnectionHealthStatus, PsaConnectionWebhookHealth, Setting, SuggestedTicketProfile, SyncKind,
    SyncRun, SyncRunConnection, SyncRunFilter, SyncSchedule, TicketConnection, TicketFilter, TicketOrder,
    TicketPermission, TicketProfileConnection, Verification, VerificationStep, WebhookEndpointConnection,
    all,
    company_value::company_value_syncs,
    configuration_sync::configuration_sync,
    filters::ordering,
    pick_list::PickListsOf,
    profile_rules,
    psa_connection_health::{WebhookHealthOf, settings},
    sync_schedule::{LastRunOf, SchedulesOf},
    ticket_permission::TicketPermissionsOf,
};
use crate::{
    db::page::PageArgs,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::{
        clearing,
        lists::{ConnectionList, EndpointList, MappingList, MappingsOf, ProfileList},
        profiles,
        viewer::Permission,
    },
    sync::contacts::ContactsOf,
    sync::psa_tickets::PsaTicketsOf,
    sync::{configurations::ConfigurationsOf, imports::ImportList, pick_lists::LoadedList},
    tickets::read::{TicketList, TicketsOf},
};

/// A named login to one PSA.
pub struct PsaConnection(pub psa_connection::Model);

impl From<psa_connection::Model> for PsaConnection {
    fn from(row: psa_connection::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of PSA connections, by name.
    PsaConnectionConnection, PsaConnectionEdge, PsaConnection, ConnectionList
}

/// Which connections; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PsaConnectionFilter {
    /// Key of the platform.
    pub platform: Option<String>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// How they are, by the last check or call.
    pub health: Option<PsaConnectionHealthFilter>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

/// The health of a connection.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PsaConnectionHealthFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<PsaConnectionHealthStatus>>,
}

ordering! {
    /// The order of PSA connections; those that are equal stand in the order of their ids.
    PsaConnectionOrder, PsaConnectionOrderField of psa_connection, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were made.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
    ]
}

impl PsaConnectionFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<PsaConnectionOrder>) -> ConnectionList {
        ConnectionList {
            platform: self.platform,
            is_enabled: self.is_enabled,
            healths: all(self.health.and_then(|health| health.any_of)),
            text: self.query,
            order: order_by.map(Into::into),
        }
    }
}

/// A named login to one PSA.
#[Object]
impl PsaConnection {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_connection::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Which kind of PSA.
    async fn platform(&self) -> Platform {
        Platform::of(&self.0.platform)
    }

    /// Name for people; unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it is used. Work for one that is switched off waits.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// The credential fields that are no secret, as they were normalised. Secret ones are never shown.
    async fn settings(&self) -> Vec<Setting> {
        settings(&serde_json::from_value(self.0.settings.clone()).unwrap_or_default())
    }

    /// Whether it has credentials.
    async fn has_credentials(&self) -> bool {
        !self.0.sealed_credentials.is_empty()
    }

    /// The last four characters of the secret; empty where it is too short to show any.
    async fn credentials_hint(&self) -> &str {
        &self.0.credentials_hint
    }

    /// When the credentials were last changed.
    async fn credentials_updated_at(&self) -> DateTime {
        self.0.credentials_updated_at.into()
    }

    /// What the last check or call has shown.
    async fn health(&self) -> PsaConnectionHealth {
        PsaConnectionHealth {
            status: self.0.health.into(),
            checked_at: self.0.health_checked_at.map(DateTime),
            message: self.0.health_message.clone(),
        }
    }

    /// The last check; null where there was none since the credentials were changed.
    async fn verification(&self) -> Option<Verification> {
        serde_json::from_value(self.0.verification.clone()).ok()
    }

    /// What the login may be used for, as the last check has shown, each ability once; empty where there was none since the credentials
    /// were changed.
    async fn abilities(&self) -> Vec<PsaConnectionAbility> {
        let last: Verification = serde_json::from_value(self.0.verification.clone()).unwrap_or_default();
        let mut abilities: Vec<PsaConnectionAbility> = Vec::new();
        for VerificationStep { ability, outcome, message, .. } in last.steps {
            let Some(ability) = ability else { continue };
            match abilities.iter_mut().find(|known| known.ability == ability) {
                // Of several steps the one that says the least for it counts.
                Some(known) if outcome.weight() > known.outcome.weight() => {
                    (known.outcome, known.message) = (outcome, message);
                }
                Some(_) => {}
                None => abilities.push(PsaConnectionAbility { ability, outcome, message }),
            }
        }
        abilities
    }

    /// The one company that it is for; null where it is for all.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company::from))
    }

    /// Whether the PSA tells the gateway what happens to tickets; null where it has no endpoint.
    async fn webhook_health(&self, ctx: &Context<'_>) -> Result<Option<PsaConnectionWebhookHealth>> {
        let found = ctx.loaders()?.get(WebhookHealthOf(self.0.id)).await?;
        Ok(found.map(|(endpoint, last_received_at)| PsaConnectionWebhookHealth {
            registration: endpoint.registration.into(),
            message: endpoint.registration_message.clone(),
            checked_at: endpoint.registration_checked_at.map(DateTime),
            last_received_at: last_received_at.map(DateTime),
            webhook_endpoint: endpoint.into(),
        }))
    }

    /// What `psaConnectionClear` would take away now. Needs `MANAGE_INTEGRATIONS`.
    async fn clear_preview(&self, ctx: &Context<'_>) -> Result<PsaConnectionClearPreview> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        viewer.may(Permission::ManageIntegrations, self.0.organization_id)?;
        Ok(clearing::preview(viewer, ground, self.0.id).await?.into())
    }

    /// The PSA's own lists of values, in the order of their keys: the copy that was read last.
    async fn pick_lists(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these lists.")] keys: Option<Vec<String>>,
    ) -> Result<Vec<PickList>> {
        let found = ctx.loaders()?.get(PickListsOf(self.0.id)).await?.unwrap_or_default();
        let is_wanted = |key: &String| keys.as_ref().is_none_or(|keys| keys.contains(key));
        Ok(found.into_iter().filter(|row| is_wanted(&row.key)).map(PickList::from).collect())
    }

    /// Values to begin a ticket profile with: those that the platform demands and the statuses, the first of its pick
    /// lists that go together.
    async fn suggested_ticket_profile(&self, ctx: &Context<'_>) -> Result<SuggestedTicketProfile> {
        let lists = ctx.loaders()?.get(PickListsOf(self.0.id)).await?.unwrap_or_default();
        let lists = lists.into_iter().map(|row| (row.key.clone(), LoadedList::of(&row))).collect();
        let values = profiles::suggest(&profile_rules(&self.0.platform), &lists);
        Ok(SuggestedTicketProfile {
            fields: settings(&values.fields),
            status_on_create: values.status_on_create,
            status_on_close: Some(values.status_on_close).filter(|status| !status.is_empty()),
        })
    }

    /// The PSA's companies: the copy that was read last. `psaConnectionSyncCompanies` reads them anew.
    async fn psa_companies(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PsaCompanyFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<PsaCompanyOrder>,
    ) -> Result<PsaCompanyConnection> {
        let wanted = filter.unwrap_or_default().read(order_by);
        Ok(PsaCompanyConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The lines of its companies' recurring invoices: the copy that was read last. `billingLinesRefresh` reads those
    /// of a company anew. Needs `MANAGE_BILLING`.
    async fn billing_lines(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PsaBillingLineFilter>,
        #[graphql(desc = "The order; by default by the names of invoices.")] order_by: Option<
            PsaBillingLineOrder,
        >,
    ) -> Result<PsaBillingLineConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(PsaBillingLineConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The companies mapped on it.
    async fn company_mappings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<CompanyMappingConnection> {
        let wanted = MappingList { of: MappingsOf::PsaConnection, ..MappingList::default() };
        Ok(CompanyMappingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its ticket profiles, by name.
    async fn ticket_profiles(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<TicketProfileConnection> {
        let wanted = ProfileList { of_connection: true, ..ProfileList::default() };
        Ok(TicketProfileConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Who sees which boards, fields and notes of its tickets, in the order of their making: 200 rules at the most.
    /// Needs `MANAGE_ACCESS`.
    async fn ticket_permissions(&self, ctx: &Context<'_>) -> Result<Option<Vec<TicketPermission>>> {
        let found = ctx.loaders()?.get(TicketPermissionsOf(self.0.id)).await?.unwrap_or_default();
        Ok(Some(found.into_iter().map(TicketPermission::from).collect()))
    }

    /// The endpoints that its PSA posts to, the newest first.
    async fn webhook_endpoints(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<WebhookEndpointConnection> {
        let wanted = EndpointList { of_connection: true, ..EndpointList::default() };
        Ok(WebhookEndpointConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// How types, statuses and markets of its PSA's companies and ours go together.
    async fn company_value_syncs(&self, ctx: &Context<'_>) -> Result<Vec<CompanyValueSync>> {
        company_value_syncs(ctx, &self.0).await
    }

    /// How contacts are kept in step with its PSA.
    async fn contact_sync(&self, ctx: &Context<'_>) -> Result<ContactSync> {
        contact_sync(ctx, &self.0).await
    }

    /// The people at its PSA's companies: the copy that was read last. `psaConnectionSyncContacts` reads them anew.
    async fn contacts(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<ContactFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<ContactOrder>,
    ) -> Result<ContactConnection> {
        let wanted = filter.unwrap_or_default().read(ContactsOf::PsaConnection, order_by);
        Ok(ContactConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// How the copy of its PSA's own tickets is kept in step.
    async fn psa_ticket_sync(&self, ctx: &Context<'_>) -> Result<PsaTicketSync> {
        psa_ticket_sync(ctx, &self.0).await
    }

    /// Its PSA's own tickets of mapped companies, whoever made them: the copy that was read last.
    /// `psaConnectionSyncTickets` reads them anew.
    async fn psa_tickets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PsaTicketFilter>,
        #[graphql(desc = "The order; by default the one that changed last first.")] order_by: Option<
            PsaTicketOrder,
        >,
    ) -> Result<PsaTicketConnection> {
        let wanted = filter.unwrap_or_default().read(PsaTicketsOf::PsaConnection, order_by)?;
        Ok(PsaTicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// How configurations are kept in step with its PSA.
    async fn configuration_sync(&self, ctx: &Context<'_>) -> Result<ConfigurationSync> {
        configuration_sync(ctx, &self.0).await
    }

    /// The PSA's configurations: the copy that was read last. `psaConnectionSyncConfigurations` reads them anew.
    async fn configurations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<ConfigurationFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<ConfigurationOrder>,
    ) -> Result<ConfigurationConnection> {
        let wanted = filter.unwrap_or_default().read(ctx, ConfigurationsOf::PsaConnection, order_by)?;
        Ok(ConfigurationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The imports of its PSA's companies, the newest first.
    async fn company_imports(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<CompanyImportConnection> {
        Ok(CompanyImportConnection::new(self.0.id, ImportList, &PageArgs { first, after, last, before })?)
    }

    /// When its runs come by themselves, in the order of their kinds.
    async fn sync_schedules(&self, ctx: &Context<'_>) -> Result<Vec<SyncSchedule>> {
        let found = ctx.loaders()?.get(SchedulesOf(self.0.id)).await?.unwrap_or_default();
        Ok(found.into_iter().map(SyncSchedule::from).collect())
    }

    /// The last run of a kind, whoever asked for it; null where there was none.
    async fn last_sync_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which runs.")] kind: SyncKind,
    ) -> Result<Option<SyncRun>> {
        Ok(ctx.loaders()?.get(LastRunOf(self.0.id, kind.into())).await?.map(SyncRun))
    }

    /// How old the copy of the PSA's companies is: when all of them were read last; null where they never were.
    async fn psa_companies_synced_at(&self) -> Option<DateTime> {
        self.0.companies_synced_at.map(DateTime)
    }

    /// The runs that read its companies and pick lists, the newest first.
    async fn sync_runs(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<SyncRunFilter>,
    ) -> Result<SyncRunConnection> {
        let wanted = filter.unwrap_or_default().read(false, None)?;
        Ok(SyncRunConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The tickets on it, the newest first unless ordered otherwise.
    async fn tickets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<TicketOrder>,
    ) -> Result<TicketConnection> {
        let wanted = TicketList {
            of: TicketsOf::PsaConnection,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(TicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}
