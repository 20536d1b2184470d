//! Who shares which budget of calls.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{RateScope, budget_of, http::Outbound, http::OutboundOptions, platforms};

#[test]
fn a_budget_is_shared_as_far_as_the_vendor_counts_and_never_by_claiming_to_be_another() {
    let http = Outbound::new(OutboundOptions::default()).unwrap();
    let (acme, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for platform in platforms() {
        let settings = |domain: &str| {
            BTreeMap::from([
                ("domain".to_owned(), format!("https://{domain}")),
                ("username".to_owned(), format!("api@{domain}")),
            ])
        };
        let key = |organization, login: u128, domain: &str| {
            let login = Uuid::from_u128(login);
            budget_of(*platform, &http, organization, login, &settings(domain)).expect("a limit").0
        };
        let same = key(acme, 10, "one.example");
        let second_login = key(acme, 11, "one.example");
        let neighbour = key(other, 12, "one.example");
        match platform.capabilities().rate_scope {
            RateScope::Installation => {
                assert_eq!(BTreeSet::from([&same, &second_login, &neighbour]).len(), 1, "{}", platform.key());
            }
            RateScope::Tenant => {
                assert_eq!(same, second_login, "{}: logins of one instance share", platform.key());
                assert_ne!(same, neighbour, "{}: organizations do not", platform.key());
                assert_ne!(same, key(acme, 10, "two.example"), "{}", platform.key());
            }
            RateScope::Login => assert_ne!(same, second_login, "{}", platform.key()),
        }
    }
    let syncro = platforms().iter().find(|platform| platform.key() == "syncro").expect("Syncro");
    assert_eq!(syncro.capabilities().rate_scope, RateScope::Installation, "Syncro counts by source address");
}
