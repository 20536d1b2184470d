//! What can be done, a file for each thing it is done to.

use async_graphql::{ID, Interface, MaybeUndefined};

use super::{errors::UserErrorCode, ids};
use crate::error::{Error, Problem};

pub mod assets;
pub mod billing;
pub mod companies;
pub mod company_values;
pub mod configurations;
pub mod connection_webhooks;
pub mod connections;
pub mod contacts;
mod credentials;
pub mod endpoint_baseline;
pub mod endpoints;
pub mod event_sets;
pub mod imports;
pub mod maintenance_windows;
pub mod many;
pub mod members;
pub mod mergers;
pub mod mutes;
mod once;
pub mod organizations;
pub mod policies;
mod policy_conditions;
mod policy_handling;
pub mod profiles;
pub mod psa_tickets;
pub mod splits;
pub mod subscribers;
pub mod syncs;
pub mod ticket_permissions;
pub mod tickets;
pub mod tokens;
pub mod usage;

/// A list to change: none where it is absent, an empty one for null.
fn cleared<T>(list: MaybeUndefined<Vec<T>>) -> Option<Vec<T>> {
    match list {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(list) => Some(list),
    }
}

/// The rows of a list of ids; each that is no such id is told.
fn listed<E: ids::Identified>(typed: &[ID], field: &str) -> Result<Vec<uuid::Uuid>, Error> {
    listed_at::<E>(typed, &[field])
}

/// The same of a list inside a field.
fn listed_at<E: ids::Identified>(typed: &[ID], path: &[&str]) -> Result<Vec<uuid::Uuid>, Error> {
    let (mut found, mut problems) = (Vec::new(), Vec::<Problem>::new());
    for (index, id) in typed.iter().enumerate() {
        match ids::parse::<E>(id, &[path, &[&index.to_string()]].concat()) {
            Ok(id) => found.push(id),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Error::Invalid(problems)) }
}

macro_rules! user_errors {
    ($($error:ident in $file:ident),* $(,)?) => {
        /// Something in a mutation's input that a person can mend by typing something else.
        #[derive(Interface)]
        #[graphql(
            field(name = "code", ty = "UserErrorCode", desc = "Stable, for programs."),
            field(
                name = "field",
                ty = "Option<Vec<String>>",
                desc = "The path of the input's field; null when it concerns the whole."
            ),
            field(name = "message", ty = "&str", desc = "For people: what is wrong and what to do. May change.")
        )]
        pub enum UserError {
            $(
                #[doc(hidden)]
                $error($file::$error),
            )*
        }
    };
}

user_errors! {
    AccessTokenCreateUserError in tokens,
    AccessTokenRevokeUserError in tokens,
    AccessTokenRotateUserError in tokens,
    AccessTokenUpdateUserError in tokens,
    AssetUpsertUserError in assets,
    BillingCalendarSetUserError in billing,
    BillingCorrectionCreateUserError in billing,
    BillingEntryDecideUserError in billing,
    BillingLineCreateUserError in billing,
    BillingLineDisableUserError in billing,
    BillingLineUpdateUserError in billing,
    BillingLinesRefreshUserError in billing,
    BillingPushUserError in billing,
    CompanyAliasAddUserError in companies,
    CompanyAliasRemoveUserError in companies,
    CompanyCreateManyUserError in many,
    CompanyCreateUserError in companies,
    CompanyDeleteUserError in companies,
    CompanyImportChooseAllUserError in imports,
    CompanyImportChooseUserError in imports,
    CompanyImportDiscardUserError in imports,
    CompanyImportFinishUserError in imports,
    CompanyImportStartUserError in imports,
    CompanyMappingCopyUserError in companies,
    CompanyMappingRemoveManyUserError in many,
    CompanyMappingRemoveUserError in companies,
    CompanyMappingSetManyUserError in many,
    CompanyMappingSetUserError in companies,
    CompanyUpdateUserError in companies,
    CompanyValueAssignUserError in company_values,
    CompanyValueCreateUnmappedUserError in company_values,
    CompanyValueCreateUserError in company_values,
    CompanyValueDeleteUserError in company_values,
    CompanyValueMapUserError in company_values,
    CompanyValueSyncSetUserError in company_values,
    CompanyValueUpdateUserError in company_values,
    ContactSyncSetUserError in contacts,
    ConfigurationSyncSetUserError in configurations,
    EventSetCopyUserError in event_sets,
    EventSetCreateUserError in event_sets,
    EventSetDeleteUserError in event_sets,
    EventSetUpdateUserError in event_sets,
    FindingMuteUserError in mutes,
    FindingUnmuteUserError in mutes,
    MaintenanceWindowCreateUserError in maintenance_windows,
    MaintenanceWindowDeleteUserError in maintenance_windows,
    MaintenanceWindowUpdateUserError in maintenance_windows,
    MemberInviteUserError in members,
    MemberRemoveUserError in members,
    MemberUpdateUserError in members,
    NotificationRedriveUserError in subscribers,
    OrganizationCreateUserError in organizations,
    OrganizationMergeUserError in mergers,
    OrganizationSplitUserError in splits,
    OrganizationUpdateUserError in organizations,
    PolicyCopyUserError in policies,
    PolicyCreateFromPresetUserError in policies,
    PolicyCreateUserError in policies,
    PolicyDeleteUserError in policies,
    PolicyReorderUserError in policies,
    PolicyUpdateUserError in policies,
    PsaConnectionClearUserError in connection_webhooks,
    PsaConnectionCreateUserError in connections,
    PsaConnectionDeleteUserError in connections,
    PsaConnectionPushAssetsUserError in assets,
    PsaConnectionRegisterWebhookUserError in connection_webhooks,
    PsaConnectionRemoveWebhookUserError in connection_webhooks,
    PsaConnectionSyncCompaniesUserError in connections,
    PsaConnectionSyncContactsUserError in contacts,
    PsaConnectionSyncConfigurationsUserError in configurations,
    PsaConnectionSyncPickListsUserError in connections,
    PsaConnectionSyncTicketsUserError in psa_tickets,
    PsaConnectionUpdateUserError in connections,
    PsaConnectionVerifyUserError in connections,
    PsaTicketSyncSetUserError in psa_tickets,
    SyncRunCancelUserError in syncs,
    SyncScheduleRemoveUserError in syncs,
    SyncScheduleSetUserError in syncs,
    TicketLinkUserError in tickets,
    TicketOperationRetryManyUserError in many,
    TicketOperationRetryUserError in tickets,
    TicketPermissionRemoveUserError in ticket_permissions,
    TicketPermissionSetUserError in ticket_permissions,
    TicketProfileCreateUserError in profiles,
    TicketProfileDeleteUserError in profiles,
    TicketProfileUpdateUserError in profiles,
    TicketSendTestUserError in tickets,
    UsageReportUserError in usage,
    WebhookDeliveryRedriveManyUserError in many,
    WebhookDeliveryRedriveUserError in tickets,
    WebhookEndpointCreateUserError in endpoints,
    WebhookEndpointEndBaselineUserError in endpoint_baseline,
    WebhookEndpointExpireSecretUserError in endpoints,
    WebhookEndpointRotateSecretUserError in endpoints,
    WebhookEndpointUpdateUserError in endpoints,
    WebhookSubscriberCreateUserError in subscribers,
    WebhookSubscriberDeleteUserError in subscribers,
    WebhookSubscriberRotateSecretUserError in subscribers,
    WebhookSubscriberSendTestUserError in subscribers,
    WebhookSubscriberUpdateUserError in subscribers,
}
