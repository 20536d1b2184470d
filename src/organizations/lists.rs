//! Lists of what an organization sets up, in pages.

mod connected;
mod deciding;

use entity::{
    Role, Timestamp, access_token, company, company_alias, company_mapping, member, organization, psa_company,
};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait as _, JoinType, QueryFilter as _, QuerySelect, QueryTrait as _, Select,
    sea_query::{Alias, ColumnRef, Expr, IntoColumnRef as _, Query, SelectStatement},
};
use uuid::Uuid;

pub use connected::{ConnectionList, EndpointList, ProfileList, SubscriberList};
pub use deciding::{EventSetList, MuteList, PolicyList, WindowList};

use super::{
    mappings::drift,
    reach::{self, List, Owned},
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

/// A column of rows in reach whose `texts` have this text somewhere.
fn having<E: Owned>(viewer: &Viewer, column: E::Column, texts: &[E::Column], text: &str) -> SelectStatement {
    let rows = reach::rows::<E>(viewer).filter(contains(texts, Some(text)));
    rows.select_only().column(column).into_query()
}

/// A text that is not empty.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// The organizations in reach, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrganizationList {
    /// Part of the name or of the slug.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<organization::Entity>>,
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
        self.order.unwrap_or(Order::ascending(organization::Column::Name))
    }
}

/// Whether a token works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// It was withdrawn.
    Revoked,
}

/// Access tokens, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenList {
    /// Those of the whole installation, rather than of an organization.
    pub of_installation: bool,
    /// In one of these states by this time.
    pub states: Option<(Vec<TokenState>, Timestamp)>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<access_token::Entity>>,
}

fn is_in(state: TokenState, now: Timestamp) -> Condition {
    use access_token::Column as C;
    let is_revoked = C::RevokedAt.is_not_null();
    match state {
        TokenState::Revoked => Condition::all().add(is_revoked),
        TokenState::Expired => Condition::all().add(is_revoked.not()).add(C::ExpiresAt.lte(now)),
        TokenState::Active => Condition::all()
            .add(is_revoked.not())
            .add(Condition::any().add(C::ExpiresAt.is_null()).add(C::ExpiresAt.gt(now))),
    }
}

impl List for TokenList {
    type Entity = access_token::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<access_token::Entity> {
        let mut filter = contains(&[access_token::Column::Name], self.text.as_deref());
        if let Some((states, now)) = &self.states {
            let any = states.iter().fold(Condition::any(), |any, state| any.add(is_in(*state, *now)));
            filter = Condition::all().add(filter).add(any);
        }
        let rows = reach::rows::<access_token::Entity>(viewer).filter(filter);
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
        self.order.unwrap_or(Order::descending(access_token::Column::CreatedAt))
    }
}

/// Members, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MemberList {
    /// Operators of the installation, rather than an organization's.
    pub of_installation: bool,
    /// Part of the name or of the address.
    pub text: Option<String>,
    /// In one of these roles.
    pub roles: Option<Vec<Role>>,
    /// Let in, or switched off.
    pub is_enabled: Option<bool>,
    /// Invited and not yet here, or here.
    pub is_pending: Option<bool>,
}

impl List for MemberList {
    type Entity = member::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<member::Entity> {
        use member::Column as C;
        let pending = |yes: bool| if yes { C::Subject.is_null() } else { C::Subject.is_not_null() };
        let rows = reach::rows::<member::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[C::Name, C::Email], self.text.as_deref()))
                .add(any_of(C::Role, self.roles.as_deref()))
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled)))
                .add_option(self.is_pending.map(pending)),
        );
        if self.of_installation { below_installation(rows.filter(C::OrganizationId.is_null())) } else { rows }
    }

    fn parent(&self) -> ColumnRef {
        if self.of_installation { installation() } else { column(member::Column::OrganizationId) }
    }

    fn order(&self) -> Order<member::Entity> {
        Order::ascending(member::Column::Name)
    }
}

/// Companies of an organization, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CompanyList {
    /// Part of the name or of an alias.
    pub text: Option<String>,
    /// Not mapped on this connection.
    pub unmapped_on: Option<Uuid>,
    /// Mapped on any connection, or on none.
    pub is_mapped: Option<bool>,
    /// Another order.
    pub order: Option<Order<company::Entity>>,
}

impl List for CompanyList {
    type Entity = company::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company::Entity> {
        use company::Column as C;
        let mapped = |on: Option<Uuid>| {
            let on = on.map(|id| company_mapping::Column::PsaConnectionId.eq(id));
            let rows = reach::rows::<company_mapping::Entity>(viewer);
            let rows = rows.filter(Condition::all().add_option(on));
            rows.select_only().column(company_mapping::Column::CompanyId).into_query()
        };
        let is_mapped = |is_mapped| {
            if is_mapped { C::Id.in_subquery(mapped(None)) } else { C::Id.not_in_subquery(mapped(None)) }
        };
        let called = given(self.text.as_ref()).map(|text| {
            use company_alias::Column as A;
            let known_as = having::<company_alias::Entity>(viewer, A::CompanyId, &[A::Value], text);
            Condition::any().add(contains(&[C::Name], Some(text))).add(C::Id.in_subquery(known_as))
        });
        reach::rows::<company::Entity>(viewer).filter(
            Condition::all()
                .add_option(called)
                .add_option(self.unmapped_on.map(|id| C::Id.not_in_subquery(mapped(Some(id)))))
                .add_option(self.is_mapped.map(is_mapped)),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(company::Column::OrganizationId)
    }

    fn order(&self) -> Order<company::Entity> {
        self.order.unwrap_or(Order::ascending(company::Column::Name))
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

/// Mappings, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MappingList {
    /// Below what.
    pub of: MappingsOf,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// To one of these companies of PSAs.
    pub psa_company_ids: Option<Vec<Uuid>>,
    /// With ticketing on, or off.
    pub is_ticketing_enabled: Option<bool>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// Drifted, or not: see [`drift`].
    pub is_stale: Option<bool>,
    /// Part of the name of the company or of the PSA's company.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<company_mapping::Entity>>,
}

impl List for MappingList {
    type Entity = company_mapping::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company_mapping::Entity> {
        use company_mapping::Column as C;
        let called = given(self.text.as_ref()).map(|text| {
            use company::Column as Ours;
            use psa_company::Column as Theirs;
            let ours = having::<company::Entity>(viewer, Ours::Id, &[Ours::Name], text);
            let theirs = having::<psa_company::Entity>(viewer, Theirs::Id, &[Theirs::Name], text);
            Condition::any().add(C::CompanyId.in_subquery(ours)).add(C::PsaCompanyId.in_subquery(theirs))
        });
        reach::rows::<company_mapping::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add(any_of(C::CompanyId, self.company_ids.as_deref()))
                .add(any_of(C::PsaCompanyId, self.psa_company_ids.as_deref()))
                .add_option(called)
                .add_option(self.is_ticketing_enabled.map(|is_on| C::IsTicketingEnabled.eq(is_on)))
                .add_option(self.is_enabled.map(|is_on| C::IsEnabled.eq(is_on)))
                .add_option(self.is_stale.map(drift::condition)),
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
        self.order.unwrap_or(Order::descending(company_mapping::Column::CreatedAt))
    }
}
