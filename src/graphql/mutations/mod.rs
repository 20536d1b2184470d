//! What can be done, a file for each thing it is done to.

use async_graphql::{Interface, MaybeUndefined};

use super::errors::UserErrorCode;

pub mod companies;
pub mod connection_webhooks;
pub mod connections;
mod credentials;
pub mod endpoints;
pub mod many;
pub mod members;
mod once;
pub mod organizations;
pub mod profiles;
pub mod ticket_permissions;
pub mod tickets;
pub mod tokens;

/// A list to change: none where it is absent, an empty one for null.
fn cleared<T>(list: MaybeUndefined<Vec<T>>) -> Option<Vec<T>> {
    match list {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(list) => Some(list),
    }
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
    CompanyAliasAddUserError in companies,
    CompanyAliasRemoveUserError in companies,
    CompanyCreateManyUserError in many,
    CompanyCreateUserError in companies,
    CompanyDeleteUserError in companies,
    CompanyMappingRemoveManyUserError in many,
    CompanyMappingRemoveUserError in companies,
    CompanyMappingSetManyUserError in many,
    CompanyMappingSetUserError in companies,
    CompanyUpdateUserError in companies,
    MemberInviteUserError in members,
    MemberRemoveUserError in members,
    MemberUpdateUserError in members,
    OrganizationCreateUserError in organizations,
    OrganizationUpdateUserError in organizations,
    PolicyUpdateUserError in organizations,
    PsaConnectionClearUserError in connection_webhooks,
    PsaConnectionCreateUserError in connections,
    PsaConnectionDeleteUserError in connections,
    PsaConnectionRegisterWebhookUserError in connection_webhooks,
    PsaConnectionRemoveWebhookUserError in connection_webhooks,
    PsaConnectionSyncCompaniesUserError in connections,
    PsaConnectionSyncPickListsUserError in connections,
    PsaConnectionUpdateUserError in connections,
    PsaConnectionVerifyUserError in connections,
    TicketLinkUserError in tickets,
    TicketOperationRetryManyUserError in many,
    TicketOperationRetryUserError in tickets,
    TicketPermissionRemoveUserError in ticket_permissions,
    TicketPermissionSetUserError in ticket_permissions,
    TicketProfileCreateUserError in profiles,
    TicketProfileDeleteUserError in profiles,
    TicketProfileUpdateUserError in profiles,
    TicketSendTestUserError in tickets,
    WebhookDeliveryRedriveManyUserError in many,
    WebhookDeliveryRedriveUserError in tickets,
    WebhookEndpointCreateUserError in endpoints,
    WebhookEndpointExpireSecretUserError in endpoints,
    WebhookEndpointRotateSecretUserError in endpoints,
    WebhookEndpointUpdateUserError in endpoints,
}
