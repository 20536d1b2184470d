//! What can be done, a file for each thing it is done to.

use async_graphql::Interface;

use super::errors::UserErrorCode;

pub mod tickets;

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
    TicketOperationRetryUserError in tickets,
    TicketSendTestUserError in tickets,
    WebhookDeliveryRedriveUserError in tickets,
}
