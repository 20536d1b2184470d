//! Lists of what an organization sets up, in pages.

use entity::{
    access_token, company, company_mapping, organization, psa_connection, ticket_profile, webhook_endpoint,
};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait as _, JoinType, QueryFilter as _, QuerySelect, Select,
    sea_query::{Alias, ColumnRef, Expr, IntoColumnRef as _, Query},
};
use uuid::Uuid;

use super::{
    reach::{self, List},
    viewer::Viewer,
};
use crate::db::{
    filter::{any_of, contains},
    page::Order,
};

/// Below what organizations, and tokens of the installation, are listed: nothing has this id.
pub const INSTALLATION: Uuid = Uuid::nil();

const ROOT: &str = "installation";

/// Puts rows below [`INSTALLATION`].
fn below_installation<E: sea_orm::EntityTrait>(mut rows: Select<E>) -> Select<E> {
    let root = Query::select().expr_as(Expr::value(INSTALLATION), "id").take();
    let always = Expr::value(1).eq(Expr::value(1));
    QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, root, ROOT, always);
    rows
}

fn installation() -> ColumnRef {
    (Alias::new(ROOT), Alias::new("id")).into_column_ref()
}

fn column(column: impl ColumnTrait) -> ColumnRef {
    column.as_column_ref().into_column_ref()
}

/// The organizations in reach, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrganizationList {
    /// Part of the name or of the slug.
    pub text: Option<String>,
}

impl List for OrganizationList {
    type Entity = organization::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<organization::Entity> {
        use organization::Column as C;
        let rows = reach::rows::<organization::Entity>(viewer);
        below_installation(rows.filter(contains(&[C::Name, C::Slug], self.text.as_deref())))
    }

    fn parent(&self) -> ColumnRef {
        installation()
    }

    fn order(&self) -> Order<organization::Entity> {
        Order::ascending(organization::Column::Name)
    }
}

/// Access tokens, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenList {
    /// Those of the whole installation, rather than of an organization.
    pub of_installation: bool,
}

impl List for TokenList {
    type Entity = access_token::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<access_token::Entity> {
        let rows = reach::rows::<access_token::Entity>(viewer);
        if self.of_installation {
            below_installation(rows.filter(access_token::Column::OrganizationId.is_null()))
        } else {
            rows
        }
    }

    fn parent(&self) -> ColumnRef {
        if self.of_installation { installation() } else { column(access_token::Column::OrganizationId) }
    }

    fn order(&self) -> Order<access_token::Entity> {
        Order::descending(access_token::Column::CreatedAt)
    }
}

/// Companies of an organization, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CompanyList {
    /// Part of the name.
    pub text: Option<String>,
    /// Not mapped on this connection.
    pub unmapped_on: Option<Uuid>,
}

impl List for CompanyList {
    type Entity = company::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company::Entity> {
        let unmapped = self.unmapped_on.map(|connection_id| {
            let mapped = Query::select()
                .column(company_mapping::Column::CompanyId)
                .from(company_mapping::Entity)
                .and_where(company_mapping::Column::PsaConnectionId.eq(connection_id))
                .take();
            company::Column::Id.not_in_subquery(mapped)
        });
        reach::rows::<company::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[company::Column::Name], self.text.as_deref()))
                .add_option(unmapped),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(company::Column::OrganizationId)
    }

    fn order(&self) -> Order<company::Entity> {
        Order::ascending(company::Column::Name)
    }
}

/// Below what mappings are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MappingsOf {
    /// All of an organization.
    #[default]
    Organization,
    /// Those of a company: one a connection.
    Company,
    /// Those on a connection.
    PsaConnection,
    /// Those to a company of the PSA.
    PsaCompany,
}

/// Mappings, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MappingList {
    /// Below what.
    pub of: MappingsOf,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// With ticketing on, or off.
    pub is_ticketing_enabled: Option<bool>,
}

impl List for MappingList {
    type Entity = company_mapping::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company_mapping::Entity> {
        use company_mapping::Column as C;
        reach::rows::<company_mapping::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add(any_of(C::CompanyId, self.company_ids.as_deref()))
                .add_option(self.is_ticketing_enabled.map(|is_on| C::IsTicketingEnabled.eq(is_on))),
        )
    }

    fn parent(&self) -> ColumnRef {
        use company_mapping::Column as C;
        column(match self.of {
            MappingsOf::Organization => C::OrganizationId,
            MappingsOf::Company => C::CompanyId,
            MappingsOf::PsaConnection => C::PsaConnectionId,
            MappingsOf::PsaCompany => C::PsaCompanyId,
        })
    }

    fn order(&self) -> Order<company_mapping::Entity> {
        Order::descending(company_mapping::Column::CreatedAt)
    }
}

/// Connections of an organization, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConnectionList {
    /// To this platform.
    pub platform: Option<String>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
}

impl List for ConnectionList {
    type Entity = psa_connection::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_connection::Entity> {
        use psa_connection::Column as C;
        reach::rows::<psa_connection::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.platform.as_deref().map(|platform| C::Platform.eq(platform)))
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled))),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(psa_connection::Column::OrganizationId)
    }

    fn order(&self) -> Order<psa_connection::Entity> {
        Order::ascending(psa_connection::Column::Name)
    }
}

/// Ticket profiles by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProfileList {
    /// Of a connection, rather than of an organization.
    pub of_connection: bool,
}

impl List for ProfileList {
    type Entity = ticket_profile::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<ticket_profile::Entity> {
        reach::rows::<ticket_profile::Entity>(viewer)
    }

    fn parent(&self) -> ColumnRef {
        use ticket_profile::Column as C;
        column(if self.of_connection { C::PsaConnectionId } else { C::OrganizationId })
    }

    fn order(&self) -> Order<ticket_profile::Entity> {
        Order::ascending(ticket_profile::Column::Name)
    }
}

/// Webhook endpoints, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EndpointList {
    /// Of a connection, rather than of an organization.
    pub of_connection: bool,
    /// Of this sender.
    pub sender: Option<String>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
}

impl List for EndpointList {
    type Entity = webhook_endpoint::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<webhook_endpoint::Entity> {
        use webhook_endpoint::Column as C;
        reach::rows::<webhook_endpoint::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.sender.as_deref().map(|sender| C::Sender.eq(sender)))
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled))),
        )
    }

    fn parent(&self) -> ColumnRef {
        use webhook_endpoint::Column as C;
        column(if self.of_connection { C::PsaConnectionId } else { C::OrganizationId })
    }

    fn order(&self) -> Order<webhook_endpoint::Entity> {
        Order::descending(webhook_endpoint::Column::CreatedAt)
    }
}
