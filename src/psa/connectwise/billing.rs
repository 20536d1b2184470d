//! Additions of agreements: what ConnectWise bills again and again.
//!
//! The quantity of an addition is changed in place (as Commvault documents doing). ConnectWise keeps no history of that;
//! the ledger here does.

use async_trait::async_trait;
use entity::Quantity;
use serde_json::{Value, json};

use super::{
    Connection,
    conditions::Conditions,
    errors::Act,
    wire::{self, chosen},
};
use crate::{
    psa::{Billing, PsaError},
    sync::billing::remote::{LinePlace, QuantityChange, RemoteBillingLine},
};

const PATH: &str = "/finance/agreements";
const AGREEMENT: &str = "id,name,company,cancelledFlag,agreementStatus,billingCycle,nextInvoiceDate";
const ADDITION: &str = "id,product,quantity,description,billCustomer,cancelledDate";
/// How many pages of agreements of a company, and of additions of one, are read.
const PAGES: usize = 40;

#[async_trait]
impl Billing for Connection {
    async fn lines(&self, company_external_id: &str, _day: &str) -> Result<Vec<RemoteBillingLine>, PsaError> {
        let company = chosen("company", company_external_id)?;
        let of_company = Conditions::default().is("company/id", company).flag("cancelledFlag", false);
        let agreements = self.rows_of(PATH, &of_company, AGREEMENT).await?;
        let mut lines = Vec::new();
        for agreement in agreements.iter().filter(|row| is_of(row, company) && is_running(row)) {
            let Some(id) = wire::id(agreement, "id") else { continue };
            let path = format!("{PATH}/{id}/additions");
            let additions = self.rows_of(&path, &Conditions::default(), ADDITION).await?;
            lines.extend(additions.iter().filter_map(|row| line(agreement, row)));
        }
        Ok(lines)
    }

    async fn line(&self, place: &LinePlace) -> Result<Option<RemoteBillingLine>, PsaError> {
        let company = chosen("company", &place.company_external_id)?;
        let (agreement, addition) = ids(place)?;
        let fields = |names: &str| [("fields", names.to_owned())];
        let path = format!("{PATH}/{agreement}");
        let Some(agreement) = self.api.record(&path, &fields(AGREEMENT)).await? else { return Ok(None) };
        if !is_of(&agreement, company) {
            let reason = String::from("the agreement is another company's by now; pick another line");
            return Err(PsaError::Rejected { field: None, reason });
        }
        let path = format!("{path}/additions/{addition}");
        let found = self.api.record(&path, &fields(ADDITION)).await?;
        let mut found = found.and_then(|row| line(&agreement, &row));
        if let Some(line) = found.as_mut().filter(|_| !is_running(&agreement)) {
            line.fixed_because = Some("its agreement has ended".to_owned());
        }
        Ok(found)
    }

    async fn set_quantity(&self, change: &QuantityChange) -> Result<(), PsaError> {
        let (agreement, addition) = ids(&change.place)?;
        let quantity =
            change.sent.as_whole().map_or_else(|| json!(change.sent.as_f64()), |whole| json!(whole));
        let path = format!("{PATH}/{agreement}/additions/{addition}");
        self.api.patch(Act::Edit, &path, &[("quantity", quantity)]).await.map(|_| ())
    }
}

impl Connection {
    /// All rows of a list, by id.
    async fn rows_of(
        &self,
        path: &str,
        conditions: &Conditions,
        fields: &str,
    ) -> Result<Vec<Value>, PsaError> {
        let (mut all, mut after) = (Vec::new(), 0);
        for _ in 0..PAGES {
            let more = [("fields", fields.to_owned())];
            let page = self.page_after(path, conditions.clone(), &more, after).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
        Err(PsaError::Rejected {
            field: None,
            reason: format!("{path} has more rows than {PAGES} pages hold"),
        })
    }
}

fn ids(place: &LinePlace) -> Result<(i64, i64), PsaError> {
    Ok((chosen("agreement", &place.invoice_external_id)?, chosen("addition", &place.external_id)?))
}

/// A filter that was ignored must not show another company's lines.
fn is_of(agreement: &Value, company: i64) -> bool {
    wire::reference(agreement, "company") == Some(company)
}

fn is_running(agreement: &Value) -> bool {
    let is_ended = wire::text(agreement, "agreementStatus")
        .is_some_and(|status| ["Cancelled", "Expired", "Inactive"].contains(&status));
    wire::is(agreement, "cancelledFlag") != Some(true) && !is_ended
}

fn line(agreement: &Value, addition: &Value) -> Option<RemoteBillingLine> {
    let (agreement_id, id) = (wire::id(agreement, "id")?, wire::id(addition, "id")?);
    let product = wire::field(addition, "product").and_then(|product| wire::text(product, "identifier"));
    let name =
        [product, wire::text(addition, "description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let quantity = match wire::field(addition, "quantity") {
        None | Some(Value::Null) => Quantity(0),
        Some(value) => Quantity::from_f64(value.as_f64()?)?,
    };
    let ended = wire::text(addition, "cancelledDate").is_some().then(|| "it was cancelled".to_owned());
    let not_billed = wire::text(addition, "billCustomer")
        .filter(|how| *how != "Billable")
        .map(|_| "it is not billed".to_owned());
    let next = wire::text(agreement, "nextInvoiceDate").and_then(|at| at.get(..10));
    let rhythm =
        [wire::name(agreement, "billingCycle").map(str::to_owned), next.map(|day| format!("next on {day}"))];
    let rhythm = rhythm.into_iter().flatten().collect::<Vec<_>>().join(", ");
    Some(RemoteBillingLine {
        invoice_external_id: agreement_id.to_string(),
        invoice_name: wire::text(agreement, "name").unwrap_or_default().to_owned(),
        invoice_rhythm: Some(rhythm).filter(|rhythm| !rhythm.is_empty()),
        external_id: id.to_string(),
        name,
        quantity,
        fixed_because: ended.or(not_billed),
        url: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addition_is_a_line_and_what_is_not_billed_any_more_cannot_be_set() {
        let agreement = json!({ "id": 3019, "name": "Managed Services", "company": { "id": 19 }, "cancelledFlag": false });
        let addition = json!({
            "id": 7, "product": { "id": 1, "identifier": "EDR" }, "quantity": 12.5, "description": "Seats",
            "billCustomer": "Billable",
        });
        let found = line(&agreement, &addition).unwrap();
        assert_eq!((found.name.as_str(), found.quantity), ("EDR: Seats", Quantity(12_500)));
        assert_eq!((found.invoice_external_id.as_str(), &found.fixed_because), ("3019", &None));
        let ended = json!({ "id": 7, "quantity": 1, "cancelledDate": "2026-01-01T00:00:00Z" });
        assert!(line(&agreement, &ended).unwrap().fixed_because.is_some());
        let free = json!({ "id": 7, "quantity": 1, "billCustomer": "DoNotBill" });
        assert!(line(&agreement, &free).unwrap().fixed_because.is_some());
        assert!(is_of(&agreement, 19) && !is_of(&agreement, 20) && is_running(&agreement));
        assert!(!is_running(&json!({ "agreementStatus": "Expired" })));
    }
}
