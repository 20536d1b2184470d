//! Who may do what: the one table. Domain functions ask [`Viewer::may`](super::viewer::Viewer::may) with a
//! permission; the roles that hold it, and what in the API needs it, stand here and nowhere else.

use std::fmt::Write as _;

use entity::Role;

use self::Permission as P;
use crate::error::Error;

/// Something that may be done in an organization, or with the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See everything but payloads, the audit log and who has access.
    Read,
    /// See the raw bodies of webhooks.
    ReadPayloads,
    /// See who changed what.
    ReadAudit,
    /// Redrive, retry, link and test tickets, mute findings.
    Operate,
    /// Verify logins to PSAs, and load companies and lists from them.
    CheckIntegrations,
    /// Report how much companies use.
    ReportUsage,
    /// See and change what is billed: calendars, lines and the ledger.
    ManageBilling,
    /// Change companies and the names that senders have for them.
    ManageCompanies,
    /// Change connections to PSAs, mappings and ticket profiles.
    ManageIntegrations,
    /// Change what deserves a ticket, and when.
    ManagePolicies,
    /// Change webhook endpoints and subscribers, and their secrets.
    ManageEndpoints,
    /// Change access tokens, members, their roles and what each sees of tickets.
    ManageAccess,
    /// Say who is an owner.
    ManageOwners,
    /// Change the organization itself.
    ManageOrganization,
    /// Ask about the schema, and use GraphiQL, where `serve` has them off.
    Introspect,
    /// Make organizations, and everything in all of them.
    OperateInstallation,
}

impl Permission {
    /// All of them, the least first.
    pub const ALL: [Self; 16] = [
        P::Read,
        P::ReadPayloads,
        P::ReadAudit,
        P::Operate,
        P::CheckIntegrations,
        P::ReportUsage,
        P::ManageBilling,
        P::ManageCompanies,
        P::ManageIntegrations,
        P::ManagePolicies,
        P::ManageEndpoints,
        P::ManageAccess,
        P::ManageOwners,
        P::ManageOrganization,
        P::Introspect,
        P::OperateInstallation,
    ];

    /// Its name, as the API and the README have it.
    pub const fn name(self) -> &'static str {
        match self {
            P::Read => "READ",
            P::ReadPayloads => "READ_PAYLOADS",
            P::ReadAudit => "READ_AUDIT",
            P::Operate => "OPERATE",
            P::CheckIntegrations => "CHECK_INTEGRATIONS",
            P::ReportUsage => "REPORT_USAGE",
            P::ManageBilling => "MANAGE_BILLING",
            P::ManageCompanies => "MANAGE_COMPANIES",
            P::ManageIntegrations => "MANAGE_INTEGRATIONS",
            P::ManagePolicies => "MANAGE_POLICIES",
            P::ManageEndpoints => "MANAGE_ENDPOINTS",
            P::ManageAccess => "MANAGE_ACCESS",
            P::ManageOwners => "MANAGE_OWNERS",
            P::ManageOrganization => "MANAGE_ORGANIZATION",
            P::Introspect => "INTROSPECT",
            P::OperateInstallation => "OPERATE_INSTALLATION",
        }
    }

    /// The permission of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    /// What it is for, in words that follow "may".
    pub const fn about(self) -> &'static str {
        match self {
            P::Read => "see companies, connections, findings, tickets and what became of events",
            P::ReadPayloads => "see the raw bodies of webhooks",
            P::ReadAudit => "see who changed what",
            P::Operate => "redrive, retry, link and test tickets, mute findings, and redrive notifications",
            P::CheckIntegrations => "verify logins to PSAs, load companies and lists from them",
            P::ReportUsage => "report how much companies use, and see it",
            P::ManageBilling => "see and change what is billed: calendar, lines, pushes and the ledger",
            P::ManageCompanies => "change companies and senders' names for them",
            P::ManageIntegrations => "change connections to PSAs, mappings and ticket profiles",
            P::ManagePolicies => "change what deserves a ticket, and when",
            P::ManageEndpoints => {
                "change webhook endpoints, subscribers and their secrets, and see what subscribers are sent"
            }
            P::ManageAccess => "change access tokens, members, and what each role sees of tickets",
            P::ManageOwners => "say who is an owner",
            P::ManageOrganization => "change the organization itself",
            P::Introspect => "ask about the schema and use GraphiQL where they are off",
            P::OperateInstallation => "make organizations, and everything in all of them",
        }
    }

    /// Whether a role holds it in its organization. [`Permission::OperateInstallation`] is held by no role:
    /// only owners' and administrators' tokens that are for all of the installation have it.
    pub fn is_held_by(self, role: Role) -> bool {
        match self {
            P::OperateInstallation => false,
            P::Read => true,
            P::ManageOwners => role == Role::Owner,
            P::ReadPayloads => !matches!(role, Role::Viewer | Role::Billing),
            P::Introspect => matches!(role, Role::Owner | Role::Administrator | Role::Developer),
            P::Operate => matches!(role, Role::Owner | Role::Administrator | Role::Technician),
            P::CheckIntegrations => !matches!(role, Role::Viewer | Role::Developer),
            P::ReportUsage | P::ManageBilling | P::ManageCompanies | P::ManageIntegrations => {
                matches!(role, Role::Owner | Role::Administrator | Role::Billing)
            }
            P::ReadAudit
            | P::ManagePolicies
            | P::ManageEndpoints
            | P::ManageAccess
            | P::ManageOrganization => matches!(role, Role::Owner | Role::Administrator),
        }
    }

    /// What somebody without it is answered.
    pub fn is_lacking(self) -> Error {
        Error::Forbidden { needs: self.name(), held_by: self.holders() }
    }

    /// What holds it, for people who lack it.
    fn holders(self) -> &'static str {
        match self {
            P::OperateInstallation => "an operator of the installation",
            P::Read => "any role",
            P::ManageOwners => "OWNER",
            P::ReadPayloads => "OWNER, ADMINISTRATOR, TECHNICIAN or DEVELOPER",
            P::Introspect => "OWNER, ADMINISTRATOR or DEVELOPER",
            P::Operate => "OWNER, ADMINISTRATOR or TECHNICIAN",
            P::CheckIntegrations => "OWNER, ADMINISTRATOR, BILLING or TECHNICIAN",
            P::ReportUsage | P::ManageBilling | P::ManageCompanies | P::ManageIntegrations => {
                "OWNER, ADMINISTRATOR or BILLING"
            }
            P::ReadAudit
            | P::ManagePolicies
            | P::ManageEndpoints
            | P::ManageAccess
            | P::ManageOrganization => "OWNER or ADMINISTRATOR",
        }
    }
}

/// Roles, the most powerful first, with their names in the API.
pub const ROLES: [(Role, &str); 6] = [
    (Role::Owner, "OWNER"),
    (Role::Administrator, "ADMINISTRATOR"),
    (Role::Billing, "BILLING"),
    (Role::Technician, "TECHNICIAN"),
    (Role::Developer, "DEVELOPER"),
    (Role::Viewer, "VIEWER"),
];

/// What each field at the root of the API needs. Queries that are not here need [`Permission::Read`] and give
/// what is in reach.
pub const NEEDS: &[(&str, Permission)] = &[
    ("accessTokenCreate", P::ManageAccess),
    ("accessTokenRevoke", P::ManageAccess),
    ("accessTokenRotate", P::ManageAccess),
    ("accessTokenUpdate", P::ManageAccess),
    ("assetUpsert", P::ManageCompanies),
    ("auditLog", P::OperateInstallation),
    ("billingCalendarSet", P::ManageBilling),
    ("billingCorrectionCreate", P::ManageBilling),
    ("billingEntryDecide", P::ManageBilling),
    ("billingLineCreate", P::ManageBilling),
    ("billingLineDisable", P::ManageBilling),
    ("billingLineUpdate", P::ManageBilling),
    ("billingLinesRefresh", P::ManageBilling),
    ("billingPush", P::ManageBilling),
    ("companyAliasAdd", P::ManageCompanies),
    ("companyAliasRemove", P::ManageCompanies),
    ("companyCreate", P::ManageCompanies),
    ("companyCreateMany", P::ManageCompanies),
    ("companyDelete", P::ManageCompanies),
    ("companyImportChoose", P::ManageIntegrations),
    ("companyImportChooseAll", P::ManageIntegrations),
    ("companyImportDiscard", P::ManageIntegrations),
    ("companyImportFinish", P::ManageIntegrations),
    ("companyImportStart", P::ManageIntegrations),
    ("companyMappingCopy", P::ManageIntegrations),
    ("companyMappingRemove", P::ManageIntegrations),
    ("companyMappingRemoveMany", P::ManageIntegrations),
    ("companyMappingSet", P::ManageIntegrations),
    ("companyMappingSetMany", P::ManageIntegrations),
    ("companyUpdate", P::ManageCompanies),
    ("companyValueAssign", P::ManageCompanies),
    ("companyValueCreate", P::ManageCompanies),
    ("companyValueCreateUnmapped", P::ManageIntegrations),
    ("companyValueDelete", P::ManageCompanies),
    ("companyValueMap", P::ManageIntegrations),
    ("companyValueSyncSet", P::ManageIntegrations),
    ("companyValueUpdate", P::ManageCompanies),
    ("contactSyncSet", P::ManageIntegrations),
    ("configurationSyncSet", P::ManageIntegrations),
    ("eventSetCopy", P::ManagePolicies),
    ("eventSetCreate", P::ManagePolicies),
    ("eventSetDelete", P::ManagePolicies),
    ("eventSetUpdate", P::ManagePolicies),
    ("findingMute", P::Operate),
    ("findingUnmute", P::Operate),
    ("maintenanceWindowCreate", P::ManagePolicies),
    ("maintenanceWindowDelete", P::ManagePolicies),
    ("maintenanceWindowUpdate", P::ManagePolicies),
    ("memberInvite", P::ManageAccess),
    ("memberRemove", P::ManageAccess),
    ("memberUpdate", P::ManageAccess),
    ("notificationRedrive", P::Operate),
    ("organizationCreate", P::OperateInstallation),
    ("organizationMerge", P::OperateInstallation),
    ("organizationSplit", P::OperateInstallation),
    ("organizationUpdate", P::ManageOrganization),
    ("policyCopy", P::ManagePolicies),
    ("policyCreate", P::ManagePolicies),
    ("policyCreateFromPreset", P::ManagePolicies),
    ("policyDelete", P::ManagePolicies),
    ("policyPreview", P::ManagePolicies),
    ("policyReorder", P::ManagePolicies),
    ("policyUpdate", P::ManagePolicies),
    ("psaConnectionClear", P::ManageIntegrations),
    ("psaConnectionCreate", P::ManageIntegrations),
    ("psaConnectionDelete", P::ManageIntegrations),
    ("psaConnectionPushAssets", P::CheckIntegrations),
    ("psaConnectionRegisterWebhook", P::ManageIntegrations),
    ("psaConnectionRemoveWebhook", P::ManageIntegrations),
    ("psaConnectionSyncCompanies", P::CheckIntegrations),
    ("psaConnectionSyncContacts", P::CheckIntegrations),
    ("psaConnectionSyncConfigurations", P::CheckIntegrations),
    ("psaConnectionSyncPickLists", P::CheckIntegrations),
    ("psaConnectionSyncTickets", P::CheckIntegrations),
    ("psaConnectionUpdate", P::ManageIntegrations),
    ("psaConnectionVerify", P::CheckIntegrations),
    ("psaTicketSyncSet", P::ManageIntegrations),
    ("syncRunCancel", P::CheckIntegrations),
    ("syncScheduleRemove", P::ManageIntegrations),
    ("syncScheduleSet", P::ManageIntegrations),
    ("ticketLink", P::Operate),
    ("ticketOperationRetry", P::Operate),
    ("ticketOperationRetryMany", P::Operate),
    ("ticketPermissionRemove", P::ManageAccess),
    ("ticketPermissionSet", P::ManageAccess),
    ("ticketProfileCreate", P::ManageIntegrations),
    ("ticketProfileDelete", P::ManageIntegrations),
    ("ticketProfileUpdate", P::ManageIntegrations),
    ("ticketSendTest", P::Operate),
    ("usageReport", P::ReportUsage),
    ("webhookDeliveryRedrive", P::Operate),
    ("webhookDeliveryRedriveMany", P::Operate),
    ("webhookEndpointCreate", P::ManageEndpoints),
    ("webhookEndpointEndBaseline", P::ManageEndpoints),
    ("webhookEndpointExpireSecret", P::ManageEndpoints),
    ("webhookEndpointRotateSecret", P::ManageEndpoints),
    ("webhookEndpointTryReading", P::ManageEndpoints),
    ("webhookEndpointUpdate", P::ManageEndpoints),
    ("webhookSubscriberCreate", P::ManageEndpoints),
    ("webhookSubscriberDelete", P::ManageEndpoints),
    ("webhookSubscriberRotateSecret", P::ManageEndpoints),
    ("webhookSubscriberSendTest", P::ManageEndpoints),
    ("webhookSubscriberUpdate", P::ManageEndpoints),
];

/// What a mutation needs.
pub fn needed_by(mutation: &str) -> Option<Permission> {
    NEEDS.iter().find(|(field, _)| *field == mutation).map(|(_, needed)| *needed)
}

/// The table as the README has it: a line for each permission, a column for each role.
pub fn table() -> String {
    let mut text = String::from("| permission | may |");
    for (_, name) in ROLES {
        let _ = write!(text, " {name} |");
    }
    text.push_str(" needed by |\n| --- | --- |");
    text.push_str(&" :-: |".repeat(ROLES.len()));
    text.push_str(" --- |\n");
    for permission in Permission::ALL {
        let _ = write!(text, "| `{}` | {} |", permission.name(), permission.about());
        for (role, _) in ROLES {
            text.push_str(if permission.is_held_by(role) { " ● |" } else { "   |" });
        }
        let fields: Vec<_> =
            NEEDS.iter().filter(|(_, needed)| *needed == permission).map(|(f, _)| format!("`{f}`")).collect();
        let _ = writeln!(text, " {} |", fields.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_prints_the_table() {
        let readme = include_str!("../../README.md");
        assert!(
            readme.contains(&table()),
            "put what `psa-gateway roles` prints into the README:\n{}",
            table()
        );
    }

    #[test]
    fn what_a_person_is_told_names_the_roles_that_hold_it() {
        for permission in Permission::ALL {
            if matches!(permission, P::Read | P::OperateInstallation) {
                continue;
            }
            let told: Vec<_> = permission.holders().split([',', ' ']).collect();
            for (role, name) in ROLES {
                assert_eq!(permission.is_held_by(role), told.contains(&name), "{permission:?} and {name}");
            }
        }
    }

    #[test]
    fn nobody_holds_what_an_owner_does_not() {
        for permission in Permission::ALL {
            for (role, _) in ROLES {
                assert!(!permission.is_held_by(role) || permission.is_held_by(Role::Owner));
            }
        }
    }
}
