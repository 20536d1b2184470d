//! Where everything begins: who asks, organizations, and what can be connected.
#![expect(clippy::too_many_arguments, reason = "a Relay connection has four, with filter and order six")]
#![expect(clippy::unused_async, reason = "resolvers must be async, connections read nothing yet")]

use async_graphql::{Context, Object, Result};

use super::{
    Asking as _,
    types::{
        AccessTokenConnection, AccessTokenFilter, AccessTokenOrder, AuditEntryConnection, AuditLogFilter,
        MemberConnection, MemberFilter, Organization, OrganizationConnection, OrganizationFilter,
        OrganizationOrder, Platform, Sender, TicketTemplateVariable, Viewer,
    },
};
use crate::{
    audit,
    db::page::PageArgs,
    error::Error,
    organizations::{
        lists::{INSTALLATION, OrganizationList},
        organization,
    },
    tickets::template,
};

/// Who asks, organizations, and what can be connected.
#[derive(Default)]
pub(super) struct SetupQuery;

#[Object]
impl SetupQuery {
    /// Who is asking, and how far that reaches.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer(ctx.viewer()?.clone()))
    }

    /// The organizations you reach, by name.
    async fn organizations(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<OrganizationFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<OrganizationOrder>,
    ) -> Result<OrganizationConnection> {
        let wanted = OrganizationList {
            text: filter.and_then(|filter| filter.query),
            order: order_by.map(Into::into),
        };
        Ok(OrganizationConnection::new(INSTALLATION, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The organization of that slug; null where there is none, or it is not yours.
    async fn organization_by_slug(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its short name.")] slug: String,
    ) -> Result<Option<Organization>> {
        match organization::by_slug(ctx.viewer()?, ctx.ground()?, &slug).await {
            Ok(row) => Ok(Some(row.into())),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The access tokens of the installation's operators, the newest first; an organization's own stand
    /// below it. Empty for everybody else. Needs `MANAGE_ACCESS`.
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
        let wanted = filter.unwrap_or_default().read(ctx, true, order_by)?;
        Ok(Some(AccessTokenConnection::new(INSTALLATION, wanted, &PageArgs { first, after, last, before })?))
    }

    /// Who changed what in the installation itself, the newest first: organizations made, and tokens of operators.
    /// What is done in an organization stands in its own log, also where an operator did it. Needs
    /// `OPERATE_INSTALLATION`.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<AuditLogFilter>,
    ) -> Result<Option<AuditEntryConnection>> {
        ctx.viewer()?.may_operate_installation()?;
        let wanted = filter.unwrap_or_default().read()?;
        let args = PageArgs { first, after, last, before };
        Ok(Some(AuditEntryConnection::new(audit::INSTALLATION, wanted, &args)?))
    }

    /// Members who operate the installation, by name; an organization's own stand below it. Empty for everybody
    /// else. Needs `MANAGE_ACCESS`.
    async fn members(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<MemberFilter>,
    ) -> Result<Option<MemberConnection>> {
        let wanted = filter.unwrap_or_default().read(true);
        Ok(Some(MemberConnection::new(INSTALLATION, wanted, &PageArgs { first, after, last, before })?))
    }

    /// What a profile's templates can say, as `{{ name }}`.
    async fn ticket_template_variables(&self) -> Vec<TicketTemplateVariable> {
        let variable = |(name, description): &(&str, &str)| TicketTemplateVariable {
            name: (*name).to_owned(),
            description: (*description).to_owned(),
        };
        template::VARIABLES.iter().map(variable).collect()
    }

    /// Every kind of PSA that can be connected.
    async fn platforms(&self) -> Vec<Platform> {
        Platform::all()
    }

    /// The kind of PSA of that key; null where there is none.
    async fn platform(
        &self,
        #[graphql(desc = "Its stable name, e.g. `halo`.")] key: String,
    ) -> Option<Platform> {
        crate::psa::platform(&key).map(Platform::from)
    }

    /// Every kind of product that can post to webhook endpoints: scanners, and PSAs.
    async fn senders(&self) -> Vec<Sender> {
        Sender::all()
    }
}
