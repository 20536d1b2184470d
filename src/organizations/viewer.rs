//! Who is asking. The first argument of every domain function.

use std::net::IpAddr;

use entity::Role;
use uuid::Uuid;

pub use super::permissions::Permission;
use super::{once::Once, sight::Sight, ticket_permissions};
use crate::error::Error;

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// The gateway's own work, and commands run on its machine.
    Gateway,
    /// An access token.
    Token(Uuid),
    /// A member, signed in at the installation's identity provider.
    Member(Uuid),
}

/// Who is asking, and how far that reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    known: Known,
    /// Name of the token or member.
    pub name: String,
    /// The one organization it reaches; none for all of the installation.
    organization_id: Option<Uuid>,
    role: Role,
    /// Where a token holds less than its role.
    scopes: Option<Vec<Permission>>,
    /// The address they call from.
    from: Option<IpAddr>,
    /// The request they ask with.
    request_id: Option<String>,
    /// How much they see of tickets.
    sight: Sight,
    /// The key under which they ask, where they gave one.
    once: Once,
}

impl Viewer {
    /// Somebody inside one organization.
    pub fn of_organization(known: Known, name: &str, organization_id: Uuid, role: Role) -> Self {
        Self { organization_id: Some(organization_id), ..Self::operator(known, name, role) }
    }

    /// Somebody who reaches every organization of the installation.
    pub fn operator(known: Known, name: &str, role: Role) -> Self {
        // Who may change the rules is not bound by them.
        let sight = if Permission::ManageAccess.is_held_by(role) { Sight::All } else { Sight::default() };
        Self {
            known,
            name: name.to_owned(),
            organization_id: None,
            role,
            scopes: None,
            from: None,
            request_id: None,
            sight,
            once: Once::default(),
        }
    }

    /// The gateway itself: commands run on its machine, and its own set-up.
    pub fn gateway() -> Self {
        Self::operator(Known::Gateway, "PSA Gateway", Role::Owner)
    }

    /// The same with no more than these permissions of their role, and reading.
    #[must_use]
    pub fn narrowed(self, scopes: Option<Vec<Permission>>) -> Self {
        Self { scopes, ..self }
    }

    /// The same, calling from an address.
    #[must_use]
    pub fn calling_from(self, from: Option<IpAddr>) -> Self {
        Self { from, ..self }
    }

    /// The same, asking with a request of this id.
    #[must_use]
    pub fn asking_with(self, request_id: &str) -> Self {
        Self { request_id: Some(request_id.to_owned()).filter(|id| !id.is_empty()), ..self }
    }

    /// The same, seeing this much of tickets.
    #[must_use]
    pub fn with_sight(self, sight: Sight) -> Self {
        Self { sight, ..self }
    }

    /// The same, asking under a key.
    #[must_use]
    pub fn asking_once(self, once: Once) -> Self {
        Self { once, ..self }
    }

    /// How much they see of tickets.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// The key under which they ask.
    pub fn once(&self) -> Once {
        self.once.clone()
    }

    /// The texts by which ticket permissions name them.
    pub fn subjects(&self) -> Vec<String> {
        ticket_permissions::subjects(self.known, self.role)
    }

    /// By what they are known.
    pub fn known(&self) -> Known {
        self.known
    }

    /// What they are.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The address they call from, where they call at all.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// The request they ask with, where they ask with one.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The one organization they reach; none for an operator of the installation.
    pub fn organization_id(&self) -> Option<Uuid> {
        self.organization_id
    }

    /// Whether an organization is in reach.
    pub fn reaches(&self, organization_id: Uuid) -> bool {
        self.organization_id.is_none_or(|own| own == organization_id)
    }

    /// Whether they hold a permission, wherever they reach.
    pub fn holds(&self, permission: Permission) -> bool {
        let by_role = match permission {
            Permission::OperateInstallation => {
                self.organization_id.is_none() && matches!(self.role, Role::Owner | Role::Administrator)
            }
            // Who may make organizations may say whose they are.
            Permission::ManageOwners if self.organization_id.is_none() => {
                matches!(self.role, Role::Owner | Role::Administrator)
            }
            permission => permission.is_held_by(self.role),
        };
        let in_scope = self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&permission));
        by_role && (in_scope || permission == Permission::Read)
    }

    /// Every permission they hold.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(|permission| self.holds(*permission))
    }

    /// May do something in an organization. A stranger's organization is not found.
    pub fn may(&self, permission: Permission, organization_id: Uuid) -> Result<(), Error> {
        if !self.reaches(organization_id) {
            return Err(Error::NotFound);
        }
        if self.holds(permission) { Ok(()) } else { Err(permission.is_lacking()) }
    }

    /// May do something with the installation.
    pub fn may_operate_installation(&self) -> Result<(), Error> {
        let needed = Permission::OperateInstallation;
        if self.holds(needed) { Ok(()) } else { Err(needed.is_lacking()) }
    }

    /// May make somebody of this role and these permissions: nobody gives what they do not hold.
    pub fn may_give(&self, role: Role, scopes: Option<&[Permission]>) -> Result<(), Error> {
        let mut given = Permission::ALL.into_iter().filter(|permission| {
            permission.is_held_by(role) && scopes.is_none_or(|scopes| scopes.contains(permission))
        });
        match given.find(|permission| !self.holds(*permission)) {
            Some(lacking) => Err(lacking.is_lacking()),
            None => Ok(()),
        }
    }
}
