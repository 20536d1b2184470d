//! Who is asking. The first argument of every domain function.

use entity::access_token::Role;
use uuid::Uuid;

use crate::error::Error;

/// Who is asking, and how far that reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The access token that was shown; none for the gateway's own work.
    pub token_id: Option<Uuid>,
    /// Name of the token.
    pub name: String,
    /// The one organization it reaches; none for all of the installation.
    organization_id: Option<Uuid>,
    role: Role,
}

impl Viewer {
    /// Somebody inside one organization.
    pub fn of_organization(token_id: Uuid, name: &str, organization_id: Uuid, role: Role) -> Self {
        Self { token_id: Some(token_id), name: name.to_owned(), organization_id: Some(organization_id), role }
    }

    /// An operator of the installation, who reaches every organization.
    pub fn operator(token_id: Uuid, name: &str, role: Role) -> Self {
        Self { token_id: Some(token_id), name: name.to_owned(), organization_id: None, role }
    }

    /// The gateway itself: commands run on its machine, and its own set-up.
    pub fn gateway() -> Self {
        Self {
            token_id: None,
            name: "PSA Gateway".to_owned(),
            organization_id: None,
            role: Role::Administrator,
        }
    }

    /// What they may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The one organization they reach; none for an operator of the installation.
    pub fn organization_id(&self) -> Option<Uuid> {
        self.organization_id
    }

    /// Whether an organization is in reach.
    pub fn reaches(&self, organization_id: Uuid) -> bool {
        self.organization_id.is_none_or(|own| own == organization_id)
    }

    /// May read in that organization. A stranger's organization is not found.
    pub fn may_read(&self, organization_id: Uuid) -> Result<(), Error> {
        if self.reaches(organization_id) { Ok(()) } else { Err(Error::NotFound) }
    }

    /// May redrive, retry and test in that organization.
    pub fn may_operate(&self, organization_id: Uuid) -> Result<(), Error> {
        self.may_read(organization_id)?;
        if matches!(self.role, Role::Administrator | Role::Technician) {
            Ok(())
        } else {
            Err(Error::Forbidden { needs: "TECHNICIAN" })
        }
    }

    /// May change the set-up of that organization.
    pub fn may_administer(&self, organization_id: Uuid) -> Result<(), Error> {
        self.may_read(organization_id)?;
        if self.role == Role::Administrator {
            Ok(())
        } else {
            Err(Error::Forbidden { needs: "ADMINISTRATOR" })
        }
    }

    /// May make organizations.
    pub fn may_operate_installation(&self) -> Result<(), Error> {
        if self.organization_id.is_none() && self.role == Role::Administrator {
            Ok(())
        } else {
            Err(Error::Forbidden { needs: "ADMINISTRATOR of the installation" })
        }
    }
}
