//! Service items: what a ticket hangs on, and what says whose it is.

use std::collections::BTreeMap;

use super::{Connection, paging::List, wire};
use crate::{psa::PsaError, sync::remote::PickItem};

/// Where a service item's name stands: views call it so, the entity's own name for it is not recorded.
const NAMES: &[&str] = &["ServiceItemName", "Name"];

/// How many service items are read at once, and how many parts at most for the list of names.
const SIZE: u64 = 1_000;
const PARTS: usize = 20;
/// How many parts of one customer's service items are read: it is never believed to have none beyond.
const CUSTOMER_PARTS: usize = 5;

/// How many names stand in a message.
const NAMED: usize = 8;

/// One service item of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    id: String,
    name: String,
}

impl Connection {
    /// The customer's service item of that name, else its only one. Never another customer's.
    pub(super) async fn service_item(
        &self,
        customer: &str,
        wanted: Option<&str>,
    ) -> Result<String, PsaError> {
        let filter = format!("CustomerId eq {customer}");
        let list = List { filter: Some(&filter), ..ALL };
        let (rows, is_all) = self.pages(list, CUSTOMER_PARTS).await?;
        let own = rows.iter().filter(|row| wire::guid(row, "CustomerId").as_deref() == Some(customer));
        let items: Vec<_> = own.filter(|row| !wire::is_out_of_use(row)).filter_map(item).collect();
        if let Some(item) = choose(&items, wanted) {
            return Ok(item.id.clone());
        }
        if !is_all || (items.is_empty() && !rows.is_empty() && rows.iter().all(hides_its_customer)) {
            let detail = String::from("MSP Manager does not show which service items are this customer's");
            return Err(PsaError::Unavailable { detail });
        }
        Err(self.no_service_item(customer, wanted, &items).await)
    }

    async fn no_service_item(&self, customer: &str, wanted: Option<&str>, items: &[Item]) -> PsaError {
        // For the message alone: what is refused stays refused where the name cannot be read.
        let name = match self.customer_name(customer).await {
            Ok(Some(name)) => name,
            Ok(None) => {
                let reason =
                    format!("MSP Manager has no customer {customer}; load the companies again and map anew");
                return PsaError::Rejected { field: Some(String::from("company")), reason };
            }
            Err(_) => customer.to_owned(),
        };
        let reason = if items.is_empty() {
            format!(
                "{name} has no service item in MSP Manager, and a ticket cannot be created without one: add a \
                 service item to this customer"
            )
        } else {
            let mut names: Vec<_> =
                items.iter().take(NAMED).map(|item| format!("\"{}\"", item.name)).collect();
            if items.len() > NAMED {
                names.push(format!("{} more", items.len() - NAMED));
            }
            let names = names.join(", ");
            match wanted {
                Some(wanted) => format!(
                    "{name} has no service item \"{wanted}\" in MSP Manager; it has {names}. Choose one of these \
                     in the ticket profile, or add one of that name to the customer"
                ),
                None => format!(
                    "{name} has several service items in MSP Manager ({names}); choose one of these in the \
                     ticket profile"
                ),
            }
        };
        PsaError::Rejected { field: Some(String::from("service_item")), reason }
    }

    /// The names in use, each once, the most frequent first.
    pub(super) async fn service_item_names(&self) -> Result<Vec<PickItem>, PsaError> {
        let (rows, _) = self.pages(ALL, PARTS).await?;
        let mut names: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for row in rows.iter().filter(|row| !wire::is_out_of_use(row)) {
            if let Some(name) = wire::any_text(row, NAMES) {
                names.entry(same(name)).or_insert_with(|| (0, name.to_owned())).0 += 1;
            }
        }
        if names.is_empty() && !rows.is_empty() {
            let reason = String::from("MSP Manager does not show the names of its service items");
            return Err(PsaError::Rejected { field: None, reason });
        }
        let item = |name: String| PickItem { value: name.clone(), label: name, ..PickItem::default() };
        // What most customers have comes first.
        let mut names: Vec<_> = names.into_values().collect();
        names.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        Ok(names.into_iter().map(|(_, name)| item(name)).collect())
    }
}

const ALL: List<'static> = List { path: "ServiceItems", id: "ServiceItemId", filter: None, size: SIZE };

fn hides_its_customer(row: &serde_json::Value) -> bool {
    wire::get(row, "CustomerId").is_none()
}

fn item(row: &serde_json::Value) -> Option<Item> {
    let name = wire::any_text(row, NAMES).unwrap_or("(without a name)").to_owned();
    Some(Item { id: wire::guid(row, "ServiceItemId")?, name })
}

/// Names are compared without case and without doubled spaces.
fn same(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Of several of the same name the one with the lowest id, so that the choice is always the same.
fn choose<'a>(items: &'a [Item], wanted: Option<&str>) -> Option<&'a Item> {
    let named = wanted.and_then(|wanted| {
        let wanted = same(wanted);
        items.iter().filter(|item| same(&item.name) == wanted).min_by(|a, b| a.id.cmp(&b.id))
    });
    named.or(match items {
        [only] => Some(only),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(names: &[(&str, &str)]) -> Vec<Item> {
        names.iter().map(|(id, name)| Item { id: (*id).to_owned(), name: (*name).to_owned() }).collect()
    }

    #[test]
    fn the_one_of_that_name_else_the_only_one_else_none() {
        let two = items(&[("b", "Managed  support"), ("a", "Managed Support"), ("c", "Projects")]);
        let id = |items: &[Item], wanted| choose(items, wanted).map(|item| item.id.clone());
        assert_eq!(id(&two, Some("managed support")).as_deref(), Some("a"));
        assert_eq!(id(&two, Some("Projects")).as_deref(), Some("c"));
        assert_eq!((id(&two, Some("Other")), id(&two, None)), (None, None));
        let one = items(&[("c", "Projects")]);
        assert_eq!((id(&one, Some("Other")).as_deref(), id(&one, None).as_deref()), (Some("c"), Some("c")));
        assert_eq!(id(&[], None), None);
    }
}
