//! Whether the secrets in the database can be opened.

use super::Check;
use crate::vault::rotation::{DataKeys, MasterKeyUse};

/// What was found out about keys.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Why the master keys that are set cannot be read, where they cannot.
    pub unreadable: Option<String>,
    /// Master keys, given or needed.
    pub uses: Vec<MasterKeyUse>,
    /// Data keys.
    pub data_keys: DataKeys,
    /// What is wrong with data keys that do not open, though their master key is given.
    pub broken: Vec<String>,
}

impl Keys {
    /// Whether a gateway can start with them.
    pub fn are_good(&self) -> bool {
        self.unreadable.is_none()
            && self.broken.is_empty()
            && self.uses.iter().all(|one| one.origin.is_some())
    }
}

/// What to make of it.
pub fn judge(keys: &Keys) -> Vec<Check> {
    let name = "keys.master";
    let mut checks = Vec::new();
    if let Some(why) = &keys.unreadable {
        let next = "without it no secret opens, and no gateway starts; restore it from your copy";
        checks.push(Check::bad(name, why.as_str(), next));
    }
    for one in &keys.uses {
        let needs = format!("{} data keys, {} secrets", one.data_keys, one.secrets);
        checks.push(match &one.origin {
            None if keys.unreadable.is_some() => continue,
            None => Check::bad(
                name,
                format!("the master key {} is not given, and {needs} need it", one.id),
                "give it among PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES, then run psa-gateway keys rotate",
            ),
            Some(origin) if one.is_current => {
                Check::ok(name, format!("{} ({origin}) is current: {needs}", one.id))
            }
            Some(origin) if one.can_be_removed() => Check::look(
                name,
                format!("{} ({origin}) is a previous key that nothing needs", one.id),
                "remove it from the settings; keep it with the back-ups that were made under it",
            ),
            Some(origin) => Check::look(
                name,
                format!("{} ({origin}) is a previous key, and {needs} still need it", one.id),
                "run psa-gateway keys rotate",
            ),
        });
    }
    checks.extend(keys.broken.iter().map(|why| {
        let next = "psa-gateway keys list shows which are concerned; restore a back-up, or type those secrets in anew";
        Check::bad("keys.data", why.as_str(), next)
    }));
    if keys.data_keys.lost_secrets > 0 {
        checks.push(Check::bad(
            "keys.data",
            format!("{} secrets are sealed under data keys that are gone", keys.data_keys.lost_secrets),
            "restore the table data_key, or type them in anew",
        ));
    }
    if keys.unreadable.is_none() && keys.broken.is_empty() && keys.data_keys.lost_secrets == 0 {
        let organizations = keys.data_keys.organizations;
        checks
            .push(Check::ok("keys.data", format!("all open; {organizations} organizations have their own")));
    }
    checks
}
