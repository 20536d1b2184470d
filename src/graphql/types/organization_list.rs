//! Organizations: which, and in which order.

use async_graphql::InputObject;
use entity::organization;

use super::{OrderDirection, Organization, filters::ordering};
use crate::{
    graphql::{connection::connection, plain},
    organizations::lists::OrganizationList,
};

impl From<organization::Model> for Organization {
    fn from(row: organization::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of organizations, by name.
    OrganizationConnection, OrganizationEdge, Organization, OrganizationList, plain organization {
        "id": Id as plain::id::<organization::Entity>,
        "slug": Slug as plain::text,
        "name": Name as plain::text,
        "createdAt": CreatedAt as plain::time,
        "version": Version as plain::whole,
        "updatedAt": UpdatedAt as plain::time,
        "isTicketingEnabled": IsTicketingEnabled as plain::flag,
        "mergedAt": MergedAt as plain::maybe_time,
        "movingTo": MovingTo as plain::maybe_text,
    }
}

/// Which organizations; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrganizationFilter {
    /// Part of the name or of the slug, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of organizations; those that are equal stand in the order of their ids.
    OrganizationOrder, OrganizationOrderField of organization, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were made.
        CreatedAt,
    ]
}
