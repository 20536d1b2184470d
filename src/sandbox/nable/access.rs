//! Keys, logins and what the role of their user may do.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{options::NableOptions, refusal::Refusal, sets::Set, world::NableWorld};
use crate::{
    clock::Chance,
    sandbox::frame::{Call, Right},
};

/// The login of the key's user; mail address and password.
const LOGIN: &str = "gateway@quayside-it.example";

/// The key, the login, and what is taken from the role.
#[derive(Debug)]
pub(super) struct Access {
    key: String,
    password: String,
    denied: BTreeSet<Right>,
}

impl Access {
    pub(super) fn new(chance: &Chance) -> Self {
        Self {
            // Real keys are Base64 of hundreds of characters.
            key: STANDARD.encode(chance.bytes::<192>()),
            password: chance.alphanumeric(20),
            denied: BTreeSet::new(),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Takes rights. Permissions on tickets are the vendor's own; closing is changing, and lists of values
    /// ask for none. Assets and bills are not here, and nobody registers webhooks.
    pub(super) fn deny(&mut self, rights: &BTreeSet<Right>, options: &NableOptions) -> bool {
        let can_be_taken = |right: &Right| match right {
            Right::ReadTickets | Right::WriteTickets => true,
            Right::Companies | Right::Contacts => options.customers_can_be_denied.holds(),
            _ => false,
        };
        let can = rights.iter().all(can_be_taken);
        if can {
            self.denied.clone_from(rights);
        }
        can
    }

    pub(super) fn may_read(&self, set: Set) -> Result<(), Refusal> {
        let right = match set {
            set if set.is_about_tickets() => Right::ReadTickets,
            Set::Customers => Right::Companies,
            Set::Contacts => Right::Contacts,
            _ => return Ok(()),
        };
        self.may(right)
    }

    pub(super) fn may(&self, right: Right) -> Result<(), Refusal> {
        if self.denied.contains(&right) { Err(Refusal::forbidden()) } else { Ok(()) }
    }
}

impl NableWorld {
    /// Mail address and password of the key's user, for HTTP Basic.
    pub fn login(&self) -> (String, String) {
        (LOGIN.to_owned(), self.access.password.clone())
    }

    /// A key in `X-API-Key`, or a login. A bearer token is nothing here.
    pub(super) fn authenticate(&self, call: &Call) -> Result<(), Refusal> {
        let key = call.header("x-api-key");
        let is_known = if key.is_empty() {
            let login = call.basic().filter(|_| self.options.basic_login_works.holds());
            login.is_some_and(|(name, password)| {
                name.eq_ignore_ascii_case(LOGIN) && password == self.access.password
            })
        } else {
            key == self.access.key
        };
        if is_known { Ok(()) } else { Err(Refusal::denied()) }
    }
}
