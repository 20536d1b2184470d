//! Additions of agreements: changed in place, and nothing of what they were before is kept.

use super::{
    api,
    deeds::API_MEMBER,
    errors::{self, Problem},
    patch,
    resources::Table,
    row,
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, LedgerBilling, Reply};

impl ConnectWiseWorld {
    pub(super) fn patch_addition(&mut self, call: &Call, agreement: i64, id: i64) -> Result<Reply, Reply> {
        let resource = Table::Additions.resource();
        let missing = || errors::not_found(resource.label, &id.to_string());
        let current = self.find(Table::Additions, id).ok_or_else(missing)?.clone();
        if row::int(&current, "agreementId") != Some(agreement) {
            return Err(missing());
        }
        let body = writing::body(call, resource.name)?;
        let written = patch::read(resource, &[], &current, body)?;
        let sets_quantity = written.contains_key("quantity");
        let mut changed = current;
        changed.extend(written);
        changed.retain(|_, value| !value.is_null());
        let missing: Vec<_> = ["product", "billCustomer"]
            .into_iter()
            .filter(|name| !changed.contains_key(*name))
            .map(Problem::missing)
            .collect();
        if !missing.is_empty() {
            return Err(errors::invalid(resource.name, &missing));
        }
        self.stamp(&mut changed, &self.member_name(API_MEMBER));
        let reply = api::one(call, 200, &changed);
        if let Some(kept) = self.find_mut(Table::Additions, id) {
            *kept = changed;
        }
        *self.addition_writes.entry(id).or_default() += u32::from(sets_quantity);
        Ok(reply)
    }

    /// What truly stands in the agreements.
    pub(super) fn tell_billing(&self) -> Vec<LedgerBilling> {
        let tell = |addition: &row::Row| {
            let id = row::id(addition);
            let agreement = row::int(addition, "agreementId")?;
            let company = row::int(self.find(Table::Agreements, agreement)?, "company/id")?;
            let quantity = addition.get("quantity").and_then(serde_json::Value::as_f64).unwrap_or_default();
            Some(LedgerBilling {
                company_id: company.into(),
                invoice_id: agreement.into(),
                id: id.into(),
                name: row::text(addition, "description").unwrap_or_default().to_owned(),
                quantity: quantity.to_string(),
                writes: self.addition_writes.get(&id).copied().unwrap_or_default(),
            })
        };
        self.rows(Table::Additions).iter().filter_map(tell).collect()
    }
}
