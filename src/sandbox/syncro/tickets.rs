//! A ticket, and how the vendor writes one down.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    comments::Comment,
    dates, replies,
    settings::{self, ticket_type_name},
    world::SyncroWorld,
};
use crate::sandbox::frame::Reply;

/// A ticket.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// Stands in URLs.
    pub(super) id: i64,
    /// What people quote; never the id.
    pub(super) number: i64,
    pub(super) subject: String,
    pub(super) status: String,
    pub(super) priority: Option<String>,
    pub(super) problem_type: Option<String>,
    pub(super) customer_id: i64,
    pub(super) contact_id: Option<i64>,
    pub(super) user_id: Option<i64>,
    pub(super) type_id: Option<i64>,
    pub(super) due_date: Option<Timestamp>,
    pub(super) start_at: Option<Timestamp>,
    pub(super) end_at: Option<Timestamp>,
    pub(super) properties: Map<String, Value>,
    pub(super) tag_list: Vec<String>,
    pub(super) asset_ids: Vec<i64>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) resolved_at: Option<Timestamp>,
    pub(super) comments: Vec<Comment>,
    /// From when lists and searches see it.
    pub(super) listed_from: Timestamp,
    pub(super) deleted: bool,
}

impl SyncroWorld {
    /// A ticket that was not deleted.
    pub(super) fn ticket(&self, id: i64) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.id == id && !ticket.deleted)
    }

    pub(super) fn ticket_mut(&mut self, id: i64) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id && !ticket.deleted)
    }

    /// What a list's row and a record share.
    fn common(&self, ticket: &Ticket) -> Map<String, Value> {
        let local = self.options.local_times;
        let customer = self.customer(ticket.customer_id).map(super::customers::Customer::name);
        let user = ticket.user_id.and_then(settings::user).map(|user| self.user_json(user));
        let json = json!({
            "id": ticket.id,
            "number": ticket.number,
            "subject": ticket.subject,
            "created_at": dates::written(ticket.created_at, local),
            "customer_id": ticket.customer_id,
            "customer_business_then_name": customer,
            "due_date": dates::written_or_null(ticket.due_date, local),
            "resolved_at": dates::written_or_null(ticket.resolved_at, local),
            "start_at": dates::written_or_null(ticket.start_at, local),
            "end_at": dates::written_or_null(ticket.end_at, local),
            "location_id": Value::Null,
            "problem_type": ticket.problem_type,
            "status": ticket.status,
            "properties": ticket.properties,
            "user_id": ticket.user_id,
            "user": user,
            "updated_at": dates::written(ticket.updated_at, local),
            "pdf_url": Value::Null,
            "priority": ticket.priority,
            "tag_list": ticket.tag_list,
        });
        if let Value::Object(json) = json { json } else { Map::new() }
    }

    /// A row of a list. Lists carry the first comment alone since 2026-03-11, unless all are asked for.
    pub(super) fn ticket_row(&self, ticket: &Ticket, with_all_comments: bool) -> Value {
        let shown = if with_all_comments { ticket.comments.len() } else { 1 };
        let comments = ticket.comments.iter().take(shown);
        let contact = ticket.contact_id.and_then(|id| self.contact(id));
        let rest = json!({
            "location_name": Value::Null,
            "ticket_type_id": ticket.type_id,
            "ticket_type_name": ticket.type_id.and_then(ticket_type_name),
            "billing_status": Value::Null,
            "sla_name": Value::Null,
            "creator_name_or_email": Value::Null,
            "contact_fullname": contact.map(super::contacts::Contact::name),
            "contract_name": Value::Null,
            "address_id": Value::Null,
            "parent": false,
            "parent_id": Value::Null,
            "child": false,
            "recurring": false,
            "customer_reply": ticket.status == "Customer Reply",
            "total_formatted_billable_time": Value::Null,
            "contact_id": ticket.contact_id,
            "sla_breached": false,
            "sla_breaching_soon": false,
            "contract_id": Value::Null,
            "sla_id": Value::Null,
            "customer_tag_list": [],
            "resolution_time": Value::Null,
            "response_time": Value::Null,
            "customer_icons": [],
            "comments": comments.map(|comment| self.comment_json(ticket.id, comment)).collect::<Vec<_>>(),
        });
        joined(self.common(ticket), rest)
    }

    /// A record. It has neither `contact_id` nor `ticket_type_id`, but the contact and the type themselves.
    pub(super) fn ticket_json(&self, ticket: &Ticket) -> Value {
        let comments: Vec<_> =
            ticket.comments.iter().map(|comment| self.comment_json(ticket.id, comment)).collect();
        let assets: Vec<_> = ticket
            .asset_ids
            .iter()
            .filter_map(|id| self.asset(*id))
            .map(|asset| self.asset_json(asset))
            .collect();
        let kind = ticket.type_id;
        let contact = ticket.contact_id.and_then(|id| self.contact(id));
        let customer = self.customer(ticket.customer_id);
        let rest = json!({
            "intake_form_html": Value::Null,
            "signature_name": Value::Null,
            "signature_date": Value::Null,
            "asset_ids": ticket.asset_ids,
            "outtake_form_name": Value::Null,
            "outtake_form_date": Value::Null,
            "outtake_form_html": Value::Null,
            "comments": comments,
            "attachments": [],
            "ticket_timers": [],
            "line_items": [],
            "worksheet_results": [],
            "assets": assets,
            "appointments": [],
            "ticket_fields": kind.map(|kind| self.ticket_fields(Some(kind))).unwrap_or_default(),
            "ticket_answers": [],
            "customer": customer.map(|customer| self.customer_json(customer)),
            "contact": contact.map(|contact| self.contact_json(contact)),
            "ticket_type": kind.and_then(|kind| self.ticket_type_json(kind)),
            "address": Value::Null,
        });
        joined(self.common(ticket), rest)
    }

    pub(super) fn get_ticket(&self, id: i64) -> Result<Reply, Reply> {
        let ticket = self.ticket(id).ok_or_else(replies::not_found)?;
        Ok(Reply::ok(&json!({ "ticket": self.ticket_json(ticket) })))
    }
}

fn joined(mut common: Map<String, Value>, rest: Value) -> Value {
    if let Value::Object(rest) = rest {
        common.extend(rest);
    }
    Value::Object(common)
}
