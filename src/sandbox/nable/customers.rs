//! Customers and what belongs to them.

use uuid::Uuid;

use super::{
    body::{Body, Shape},
    cell::{Cell, Row},
    refusal::Refusal,
    sets::Set,
    world::NableWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// A customer. The numbers of `CustomerStatusId` are not known; here 1 is active and 2 is not.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) status: i64,
    pub(super) reference: String,
    pub(super) rm_reference: String,
    pub(super) phone: String,
    pub(super) email_domain: String,
}

/// A person at a customer.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub(super) id: Uuid,
    pub(super) customer: Uuid,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) email: String,
}

/// A place of a customer's.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) id: Uuid,
    pub(super) customer: Uuid,
    pub(super) name: String,
}

/// What a customer has bought: tickets hang on it.
#[derive(Clone, Debug)]
pub(super) struct ServiceItem {
    pub(super) id: Uuid,
    pub(super) customer: Uuid,
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

const RECORD: &str = "customer";

impl Customer {
    pub(super) fn row(&self) -> Row {
        let text = |text: &str| if text.is_empty() { Cell::Null } else { Cell::text(text) };
        vec![
            Cell::Guid(self.id),
            Cell::text(&self.name),
            text(&self.short_name),
            Cell::Int(self.status),
            text(&self.reference),
            text(&self.rm_reference),
            text(&self.phone),
            text(&self.email_domain),
        ]
    }

    /// Overwrites everything but the id.
    fn write(&mut self, body: &Body) {
        body.text("CustomerName").clone_into(&mut self.name);
        body.text("ShortName").clone_into(&mut self.short_name);
        self.status = body.int("CustomerStatusId").unwrap_or(1);
        body.text("ReferenceId").clone_into(&mut self.reference);
        body.text("RmReferenceId").clone_into(&mut self.rm_reference);
        body.text("PhoneMain").clone_into(&mut self.phone);
        body.text("EmailDomain").clone_into(&mut self.email_domain);
    }
}

impl Contact {
    pub(super) fn row(&self) -> Row {
        vec![
            Cell::Guid(self.id),
            Cell::text(&self.first_name),
            Cell::text(&self.last_name),
            Cell::text(&self.email),
            Cell::Null,
            Cell::Guid(self.customer),
        ]
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

impl Location {
    pub(super) fn row(&self) -> Row {
        vec![Cell::Guid(self.id), Cell::text(&self.name), Cell::Guid(self.customer)]
    }
}

impl ServiceItem {
    pub(super) fn row(&self) -> Row {
        vec![Cell::Guid(self.id), Cell::text(self.name), Cell::text(self.kind), Cell::Guid(self.customer)]
    }
}

impl NableWorld {
    pub(super) fn customer(&self, id: Uuid) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id)
    }

    pub(super) fn service_item(&self, id: Uuid) -> Option<&ServiceItem> {
        self.service_items.iter().find(|item| item.id == id)
    }

    fn read_customer(&self, call: &Call) -> Result<Body, Refusal> {
        let shape = Shape { record: RECORD, columns: Set::Customers.columns(), read_only: &["CustomerId"] };
        let mut body = Body::read(call, &shape, &self.options)?;
        if body.int("CustomerStatusId").is_some_and(|status| !(1..=2).contains(&status)) {
            body.complain(RECORD, "CustomerStatusId", "There is no such status.");
        }
        Ok(body)
    }

    /// `POST /customers`: a name is needed; what else is, is not known.
    pub(super) fn create_customer(&mut self, call: &Call) -> Result<Reply, Refusal> {
        let mut body = self.read_customer(call)?;
        body.require(RECORD, &["CustomerName"]);
        let body = body.accepted()?;
        let mut customer = Customer {
            id: self.next_id(),
            name: String::new(),
            short_name: String::new(),
            status: 1,
            reference: String::new(),
            rm_reference: String::new(),
            phone: String::new(),
            email_domain: String::new(),
        };
        customer.write(&body);
        let row = customer.row();
        self.customers.push(customer);
        Ok(self.created(call, Set::Customers, &row))
    }

    /// `PUT /customers/{id}`: overwrites; the name is needed although only `ReferenceId` changes.
    pub(super) fn overwrite_customer(&mut self, call: &Call, id: Uuid, keep: bool) -> Result<Reply, Refusal> {
        let before = self.customer(id).ok_or(Refusal::NoRecord)?.row();
        let mut body = self.read_customer(call)?;
        if keep {
            body.fill(Set::Customers.columns(), &before, &["CustomerId"]);
        }
        body.require(RECORD, &["CustomerName"]);
        let body = body.accepted()?;
        let customer = self.customers.iter_mut().find(|customer| customer.id == id);
        let customer = customer.ok_or(Refusal::NoRecord)?;
        customer.write(&body);
        let row = customer.row();
        Ok(self.overwritten(call, Set::Customers, &row))
    }
}
