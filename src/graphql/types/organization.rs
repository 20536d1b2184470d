//! One MSP: everything else hangs below it.

use async_graphql::{Context, ID, Object, Result};
use entity::{company, organization};

use super::{
    AccessTokenConnection, AccessTokenFilter, AccessTokenOrder, AuditEntryConnection, AuditLogFilter,
    Company, CompanyAssetConnection, CompanyAssetFilter, CompanyAssetOrder, CompanyConnection, CompanyFilter,
    CompanyMappingConnection, CompanyMappingFilter, CompanyMappingOrder, CompanyOrder,
    CompanyValueConnection, CompanyValueFilter, ConfigurationConnection, ConfigurationExport,
    ConfigurationFilter, ConfigurationOrder, EventConnection, EventFilter, EventOrder, EventSetConnection,
    EventSetFilter, EventSetOrder, FindingConnection, FindingFilter, FindingOrder, HeldEventCounts,
    HeldEventFilter, MaintenanceWindowConnection, MaintenanceWindowFilter, MaintenanceWindowOrder,
    MemberConnection, MemberFilter, MuteConnection, MuteFilter, MuteOrder, NotificationConnection,
    NotificationFilter, NotificationOrder, OrganizationBilling, OrganizationStatistics, Policy,
    PolicyConnection, PolicyFilter, PsaConnectionConnection, PsaConnectionFilter, PsaConnectionOrder,
    PsaTicketConnection, PsaTicketFilter, PsaTicketOrder, SyncRunConnection, SyncRunFilter, SyncRunOrder,
    TicketConnection, TicketFilter, TicketOperationConnection, TicketOperationFilter, TicketOperationOrder,
    TicketOrder, TicketProfileConnection, TicketProfileFilter, TicketProfileOrder, WebhookDeliveryConnection,
    WebhookDeliveryFilter, WebhookDeliveryOrder, WebhookEndpointConnection, WebhookEndpointFilter,
    WebhookEndpointOrder, WebhookSubscriberConnection, WebhookSubscriberFilter, WebhookSubscriberOrder,
    configuration::export, policy::PolicyOf,
};
use crate::{
    db::page::PageArgs,
    decisions::events::{EventList, EventsOf},
    findings::read::{FindingList, FindingsOf},
    graphql::{Asking as _, ids, scalars::DateTime},
    notifications::read::{NotificationList, NotificationsOf},
    organizations::maintenance_windows,
    queue::deliveries::{DeliveriesOf, DeliveryList},
    sync::{configurations::ConfigurationsOf, psa_tickets::PsaTicketsOf},
    tickets::read::{OperationList, OperationsOf, TicketList, TicketsOf},
};

/// One MSP: everything else hangs below it.
pub struct Organization(pub organization::Model);

/// One MSP: everything else hangs below it.
#[Object]
impl Organization {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<organization::Entity>(self.0.id)
    }

    /// Short name in addresses and commands; unique in the installation.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
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

    /// Whether events open tickets at all: the switch of all automated ticketing. What is open is followed and closed
    /// all the same.
    async fn is_ticketing_enabled(&self) -> bool {
        self.0.is_ticketing_enabled
    }

    /// The organization that it was merged into, which has all that it had; null where it goes on by itself.
    async fn merged_into(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        let Some(id) = self.0.merged_into_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<organization::Entity>(id).await?.map(Organization))
    }

    /// When it was merged into another one.
    async fn merged_at(&self) -> Option<DateTime> {
        self.0.merged_at.map(Into::into)
    }

    /// The shard that it lives in, or is being brought to, where that is not the one that is asked; null otherwise. What is
    /// left of it here is its audit log.
    async fn moving_to(&self) -> Option<&str> {
        self.0.moving_to.as_deref()
    }

    /// What deserves a ticket, in the order in which they are asked: the first that matches decides.
    async fn policies(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PolicyFilter>,
    ) -> Result<PolicyConnection> {
        let wanted = filter.unwrap_or_default().read()?;
        Ok(PolicyConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its named choices of event kinds, by name unless ordered otherwise.
    async fn event_sets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<EventSetFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<EventSetOrder>,
    ) -> Result<EventSetConnection> {
        let wanted = filter.unwrap_or_default().read(order_by);
        Ok(EventSetConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The company that takes what senders say of customers that nobody here is known as; null where that is held.
    async fn catch_all_company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.catch_all_company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company))
    }

    /// Times in which findings get no new tickets, the latest to begin first unless ordered otherwise.
    async fn maintenance_windows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<MaintenanceWindowFilter>,
        #[graphql(desc = "The order; by default the latest to begin first.")] order_by: Option<
            MaintenanceWindowOrder,
        >,
    ) -> Result<MaintenanceWindowConnection> {
        let ground = ctx.ground()?;
        let wanted = filter.unwrap_or_default().read(ground.clock.now(), order_by)?;
        let wanted = maintenance_windows::with_weekly(ctx.viewer()?, ground, self.0.id, wanted).await?;
        Ok(MaintenanceWindowConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Findings and groups of which nobody wants to hear, the newest mute first unless ordered otherwise.
    async fn mutes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<MuteFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<MuteOrder>,
    ) -> Result<MuteConnection> {
        let wanted = filter.unwrap_or_default().read(ctx.ground()?.clock.now(), order_by)?;
        Ok(MuteConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Events that wait until somebody mends the reason; then they go on by themselves.
    async fn held_events(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<HeldEventFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<EventOrder>,
    ) -> Result<EventConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = EventList { of: EventsOf::Organization, filter, order };
        Ok(EventConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What is held, by what it waits for, with the next step.
    async fn held_event_counts(&self, ctx: &Context<'_>) -> Result<HeldEventCounts> {
        HeldEventCounts::of(ctx, self.0.id).await
    }

    /// The first of its policies.
    #[graphql(deprecation = "Use policies: there may be several. Removed after 2027-06-30.")]
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Policy>> {
        Ok(ctx.loaders()?.get(PolicyOf(self.0.id)).await?.map(Policy))
    }

    /// What it bills: its calendar, lines and ledger.
    async fn billing(&self) -> OrganizationBilling {
        OrganizationBilling { organization_id: self.0.id }
    }

    /// Numbers for its dashboards. Kept by the database, not counted when somebody looks.
    async fn statistics(&self) -> OrganizationStatistics {
        OrganizationStatistics { organization_id: self.0.id }
    }

    /// The types, statuses and markets of its companies, by name.
    async fn company_values(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyValueFilter>,
    ) -> Result<CompanyValueConnection> {
        let wanted = filter.unwrap_or_default().read();
        Ok(CompanyValueConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its customers' devices as scanners know them, by name.
    async fn assets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyAssetFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<CompanyAssetOrder>,
    ) -> Result<CompanyAssetConnection> {
        let wanted = filter.unwrap_or_default().read(false, order_by)?;
        Ok(CompanyAssetConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its customers' assets as its PSAs keep them, by name unless ordered otherwise: the copies that were read last.
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
        let wanted = filter.unwrap_or_default().read(ctx, ConfigurationsOf::Organization, order_by)?;
        Ok(ConfigurationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its PSAs' own tickets of mapped companies, whoever made them: the copies that were read last.
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
        let wanted = filter.unwrap_or_default().read(PsaTicketsOf::Organization, order_by)?;
        Ok(PsaTicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The same as comma-separated values, page by page, for spreadsheets.
    async fn configuration_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<ConfigurationFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<ConfigurationOrder>,
    ) -> Result<ConfigurationExport> {
        let wanted = filter.unwrap_or_default().read(ctx, ConfigurationsOf::Organization, order_by)?;
        export(ctx, self.0.id, wanted, PageArgs { first, after, ..PageArgs::default() }).await
    }

    /// Its customers, by name unless ordered otherwise.
    async fn companies(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<CompanyOrder>,
    ) -> Result<CompanyConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(CompanyConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Which company of a PSA is which of its own, the newest first unless ordered otherwise.
    async fn company_mappings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyMappingFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<CompanyMappingOrder>,
    ) -> Result<CompanyMappingConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(CompanyMappingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its logins to PSAs, by name unless ordered otherwise.
    async fn psa_connections(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PsaConnectionFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<PsaConnectionOrder>,
    ) -> Result<PsaConnectionConnection> {
        let wanted = filter.unwrap_or_default().read(order_by);
        Ok(PsaConnectionConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// How its tickets are made and closed, by name unless ordered otherwise.
    async fn ticket_profiles(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketProfileFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<TicketProfileOrder>,
    ) -> Result<TicketProfileConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(TicketProfileConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Where its senders post to, the newest first unless ordered otherwise.
    async fn webhook_endpoints(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<WebhookEndpointFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<WebhookEndpointOrder>,
    ) -> Result<WebhookEndpointConnection> {
        let wanted = filter.unwrap_or_default().read(order_by)?;
        Ok(WebhookEndpointConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Who is told what becomes of its tickets, by name unless ordered otherwise.
    async fn webhook_subscribers(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<WebhookSubscriberFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<WebhookSubscriberOrder>,
    ) -> Result<WebhookSubscriberConnection> {
        let wanted = filter.unwrap_or_default().read(order_by);
        Ok(WebhookSubscriberConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What its subscribers are told and were told.
    async fn notifications(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<NotificationFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<NotificationOrder>,
    ) -> Result<NotificationConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = NotificationList { of: NotificationsOf::Organization, filter, order };
        Ok(NotificationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Who may use the API for it, the newest first. Tokens of the installation are not among them. Needs
    /// `MANAGE_ACCESS`.
    async fn access_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<AccessTokenFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<AccessTokenOrder>,
    ) -> Result<Option<AccessTokenConnection>> {
        let wanted = filter.unwrap_or_default().read(ctx, false, order_by)?;
        Ok(Some(AccessTokenConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?))
    }

    /// Its members and whom it has invited, by name. Operators of the installation are not among them. Needs
    /// `MANAGE_ACCESS`.
    async fn members(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<MemberFilter>,
    ) -> Result<Option<MemberConnection>> {
        let wanted = filter.unwrap_or_default().read(false);
        Ok(Some(MemberConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?))
    }

    /// Who changed what in it, the newest first: its own people, and operators of the installation. Needs
    /// `READ_AUDIT`.
    async fn audit_log(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<AuditLogFilter>,
    ) -> Result<Option<AuditEntryConnection>> {
        let wanted = filter.unwrap_or_default().read()?;
        Ok(Some(AuditEntryConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?))
    }

    /// The readings of companies and pick lists through its connections.
    async fn sync_runs(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<SyncRunFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<SyncRunOrder>,
    ) -> Result<SyncRunConnection> {
        let wanted = filter.unwrap_or_default().read(true, order_by)?;
        Ok(SyncRunConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its tickets.
    async fn tickets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<TicketOrder>,
    ) -> Result<TicketConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = TicketList { of: TicketsOf::Organization, filter, order };
        Ok(TicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its findings.
    async fn findings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<FindingFilter>,
        #[graphql(desc = "The order; by default the latest seen first.")] order_by: Option<FindingOrder>,
    ) -> Result<FindingConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = FindingList { of: FindingsOf::Organization, filter, order };
        Ok(FindingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What its senders said, and what became of it.
    async fn events(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<EventFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<EventOrder>,
    ) -> Result<EventConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = EventList { of: EventsOf::Organization, filter, order };
        Ok(EventConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The webhooks it received.
    async fn webhook_deliveries(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<WebhookDeliveryFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<WebhookDeliveryOrder>,
    ) -> Result<WebhookDeliveryConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = DeliveryList { of: DeliveriesOf::Organization, filter, order };
        Ok(WebhookDeliveryConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What was and is to be done at its PSAs.
    async fn ticket_operations(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketOperationFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<TicketOperationOrder>,
    ) -> Result<TicketOperationConnection> {
        let (filter, order) = (filter.unwrap_or_default().read()?, order_by.unwrap_or_default().into());
        let wanted = OperationList { of: OperationsOf::Organization, filter, order };
        Ok(TicketOperationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }
}
