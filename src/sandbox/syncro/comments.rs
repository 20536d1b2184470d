//! Comments: the description is the first of them.

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    dates,
    events::Event,
    paging,
    params::{Fields, Kind, Params},
    replies,
    settings::{self, USERS},
    ticket_list::time,
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// Comments a page, unless another number is asked for.
const PER_PAGE: usize = 10;
/// The most that may be asked for. Not documented; 100 is what clients ask for.
const MOST: usize = 100;

/// A comment.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) id: i64,
    pub(super) subject: String,
    pub(super) body: String,
    /// The author's name as shown.
    pub(super) tech: Option<String>,
    pub(super) hidden: bool,
    /// None where the customer wrote it.
    pub(super) user_id: Option<i64>,
    /// Came with the ticket.
    pub(super) is_description: bool,
    /// Whether the API's caller had it mailed to the end customer.
    pub(super) mailed: bool,
    pub(super) created_at: Timestamp,
}

/// A comment that is not kept yet.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) tech: Option<String>,
    pub(super) hidden: bool,
    pub(super) user_id: i64,
    pub(super) mailed: bool,
}

pub(super) const COMMENT: Fields = &[
    ("subject", Kind::Text),
    ("body", Kind::Text),
    ("tech", Kind::Text),
    ("hidden", Kind::Flag),
    ("sms_body", Kind::Text),
    ("do_not_email", Kind::Flag),
];

/// What a comment must have. The document marks neither; live both are.
pub(super) fn blanks(sent: &Params) -> Vec<String> {
    let blank = [("body", "Body can't be blank"), ("subject", "Subject can't be blank")];
    let missing = blank.iter().filter(|(name, _)| sent.text(name).is_none());
    missing.map(|(_, words)| (*words).to_owned()).collect()
}

impl SyncroWorld {
    /// Mails go out unless they are declined: `do_not_email` and `hidden` are false where they are not sent.
    pub(super) fn read_comment(&self, sent: &Params, customer: i64) -> New {
        let hidden = sent.flag("hidden");
        let takes_mail = self.customer(customer).is_some_and(super::customers::Customer::takes_mail);
        New {
            subject: sent.text("subject").unwrap_or_default().to_owned(),
            body: sent.text("body").unwrap_or_default().to_owned(),
            tech: sent.text("tech").map(str::to_owned),
            hidden,
            user_id: USERS[0].id,
            mailed: takes_mail && !hidden && !sent.flag("do_not_email"),
        }
    }

    pub(super) fn add_comments(&mut self, ticket: i64, new: Vec<New>) -> Option<Comment> {
        let (mut last, now) = (None, self.now());
        for new in new {
            let comment = Comment {
                id: self.next_id(),
                subject: new.subject,
                body: new.body,
                tech: new.tech.or_else(|| settings::user(new.user_id).map(|user| user.name.to_owned())),
                hidden: new.hidden,
                user_id: Some(new.user_id),
                is_description: false,
                mailed: new.mailed,
                created_at: now,
            };
            let ticket = self.ticket_mut(ticket)?;
            ticket.updated_at = now;
            ticket.comments.push(comment.clone());
            last = Some(comment);
        }
        last
    }

    pub(super) fn comment_json(&self, ticket: i64, comment: &Comment) -> Value {
        let at = dates::written(comment.created_at, self.options.local_times);
        json!({
            "id": comment.id,
            "created_at": at,
            "updated_at": at,
            "ticket_id": ticket,
            "subject": comment.subject,
            "body": comment.body,
            "tech": comment.tech,
            "hidden": comment.hidden,
            "user_id": comment.user_id,
        })
    }

    /// `POST /tickets/{id}/comment`.
    pub(super) fn post_comment(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let customer = self.ticket(id).ok_or_else(replies::not_found)?.customer_id;
        let sent = Params::read(call)?;
        let mut wrong = sent.complaints(COMMENT);
        wrong.extend(blanks(&sent));
        if !wrong.is_empty() {
            return Err(replies::invalid(&wrong));
        }
        let new = self.read_comment(&sent, customer);
        let comment = self.add_comments(id, vec![new]).ok_or_else(replies::not_found)?;
        self.notify(id, Event::Replied);
        Ok(Reply::ok(&json!({ "comment": self.comment_json(id, &comment) })))
    }

    /// `GET /tickets/{id}/comments`: the newest first, ten a page, unless asked otherwise.
    pub(super) fn list_comments(&self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let ticket = self.ticket(id).ok_or_else(replies::not_found)?;
        let query = call.query();
        let (mut from, mut to) = (Vec::new(), Vec::new());
        // Comments are never changed here: both times are one.
        for name in ["created_after", "updated_after"] {
            from.extend(time(&query, name)?);
        }
        for name in ["created_before", "updated_before"] {
            to.extend(time(&query, name)?);
        }
        let mut found: Vec<_> = ticket
            .comments
            .iter()
            .filter(|comment| {
                from.iter().all(|from| comment.created_at > *from)
                    && to.iter().all(|to| comment.created_at < *to)
            })
            .collect();
        if !query.text("sort_direction").is_some_and(|direction| direction.eq_ignore_ascii_case("asc")) {
            found.reverse();
        }
        let per_page = query.text("per_page").and_then(|text| text.parse().ok()).filter(|n| *n > 0);
        let page = paging::cut(&query, per_page.unwrap_or(PER_PAGE).min(MOST), found);
        let rows: Vec<_> = page
            .rows
            .iter()
            .map(|comment| {
                let mut row = self.comment_json(id, comment);
                if let Value::Object(row) = &mut row {
                    let user = comment.user_id.and_then(settings::user);
                    row.insert("is_rich_text".to_owned(), false.into());
                    row.insert("user".to_owned(), user.map_or(json!({}), |user| self.user_json(user)));
                }
                row
            })
            .collect();
        Ok(Reply::ok(&json!({ "comments": rows, "meta": page.meta(false, true) })))
    }
}
