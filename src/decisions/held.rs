//! Events that wait for somebody to mend something.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{Timestamp, event, usage_report, webhook_delivery};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _,
    sea_query::{Asterisk, Expr, ExprTrait as _, Func, Order, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use crate::{
    error::Error,
    ground::Ground,
    organizations::{reach, viewer::Viewer},
};

/// How many held events of an organization are counted, the newest first.
pub const COUNTED: u64 = 50_000;
/// How many groups are told, the largest first.
pub const GROUPS: usize = 100;
/// SQLite takes 500 selects in one statement.
const ORGANIZATIONS_AT_ONCE: usize = 50;

const HELD: &str = "held";

/// Held events that wait for the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Stable name of the reason.
    pub reason: String,
    /// Which product said them.
    pub source: String,
    /// The sender's name for the customer; none where it names none.
    pub client_ref: Option<String>,
    /// The company, where it is known who is meant.
    pub company_id: Option<Uuid>,
    /// How many.
    pub count: u64,
    /// Since when the oldest waits.
    pub oldest_at: Timestamp,
    /// When the newest came.
    pub newest_at: Timestamp,
    /// The title of one of them.
    pub sample_title: String,
}

/// What is held in an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By what it waits for, the largest first; [`GROUPS`] at the most.
    pub groups: Vec<Group>,
    /// Whether all of it was counted, and every group is told.
    pub is_complete: bool,
}

impl Group {
    /// What to do, in words.
    pub fn next_step(&self) -> String {
        let source = &self.source;
        match (self.reason.as_str(), &self.client_ref, self.company_id) {
            ("unmapped_company", _, Some(_)) => {
                "map the company to one of the PSA on the connection of the ticket profile that applies; then this \
                 goes on by itself"
                    .to_owned()
            }
            ("unmapped_company", Some(client_ref), None) => format!(
                "give the company that {source} calls \"{client_ref}\" this alias, or choose a catch-all company; \
                 then this goes on by itself"
            ),
            // What an inventory says of nobody's devices never goes to the catch-all.
            ("unknown_company", Some(client_ref), _) => format!(
                "give the company that {source} calls \"{client_ref}\" this alias (companyAliasAdd); then this goes on by \
                 itself"
            ),
            ("unmapped_company", None, None) => format!(
                "let {source} name the customer (client_ref) and redrive the deliveries, or choose a catch-all company"
            ),
            ("no_profile", ..) => {
                "make a ticket profile and mark it as the default, or name one in the policy or in the company's \
                 mapping; then this goes on by itself"
                    .to_owned()
            }
            ("baseline_ended", ..) => "nothing: this goes on by itself in a moment".to_owned(),
            _ => "read the `explanation` of one of these events".to_owned(),
        }
    }
}

/// What is held in each organization, in one statement for fifty of them.
pub async fn counts(
    viewer: &Viewer,
    ground: &Ground,
    organization_ids: &[Uuid],
) -> Result<HashMap<Uuid, Counts>, Error> {
    let nothing = || Counts { groups: Vec::new(), is_complete: true };
    let mut found: HashMap<Uuid, Counts> = organization_ids.iter().map(|id| (*id, nothing())).collect();
    for some in organization_ids.chunks(ORGANIZATIONS_AT_ONCE) {
        let arms = some.iter().map(|id| groups_of(viewer, *id));
        let all = arms.reduce(|mut all, arm| all.union(UnionType::All, arm).take());
        let Some(statement) = all else { continue };
        for row in ground.db.reader().query_all(&statement).await? {
            let count: i64 = row.try_get("", "how_many")?;
            let group = Group {
                reason: row.try_get("", "reason")?,
                source: row.try_get("", "source")?,
                client_ref: row.try_get("", "client_ref")?,
                company_id: row.try_get("", "company_id")?,
                count: u64::try_from(count).unwrap_or_default(),
                oldest_at: Timestamp(row.try_get("", "oldest")?),
                newest_at: Timestamp(row.try_get("", "newest")?),
                sample_title: row.try_get("", "sample")?,
            };
            found.entry(row.try_get("", "whose")?).or_insert_with(nothing).groups.push(group);
        }
    }
    for counts in found.values_mut() {
        let all: u64 = counts.groups.iter().map(|group| group.count).sum();
        counts.is_complete = all < COUNTED && counts.groups.len() <= GROUPS;
        counts.groups.sort_by(|a, b| {
            let names =
                |group: &Group| (group.reason.clone(), group.source.clone(), group.client_ref.clone());
            b.count.cmp(&a.count).then_with(|| names(a).cmp(&names(b)))
        });
        counts.groups.truncate(GROUPS);
    }
    Ok(found)
}

fn groups_of(viewer: &Viewer, organization_id: Uuid) -> SelectStatement {
    use event::Column as C;
    const BY: [&str; 4] = ["reason", "source", "client_ref", "company_id"];
    let rows = reach::rows::<event::Entity>(viewer)
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Outcome.eq(event::Outcome::Held));
    let mut rows = rows
        .select_only()
        .columns([C::Reason, C::Source, C::ClientRef, C::CompanyId, C::CreatedAt, C::Title])
        .into_query();
    rows.order_by_expr(Expr::col(C::CreatedAt.as_column_ref()), Order::Desc).limit(COUNTED);
    let mut groups = Query::select();
    for name in BY {
        groups.column((HELD, name)).group_by_col((HELD, name));
    }
    groups
        .expr_as(Expr::value(organization_id), "whose")
        .expr_as(Func::count(Expr::col(Asterisk)), "how_many")
        .expr_as(Expr::col((HELD, "created_at")).min(), "oldest")
        .expr_as(Expr::col((HELD, "created_at")).max(), "newest")
        .expr_as(Expr::col((HELD, "title")).max(), "sample")
        .from_subquery(rows, HELD);
    groups
}

/// Decides an organization's held events again: call it in the transaction that mends what they may wait
/// for (a mapping, an alias, a profile). Events that still lack something are held again. Gives the number of
/// deliveries queued.
pub async fn release(tx: &impl ConnectionTrait, organization_id: Uuid, now: Timestamp) -> Result<u64, DbErr> {
    let held = event::Entity::find()
        .select_only()
        .column(event::Column::WebhookDeliveryId)
        .filter(event::Column::OrganizationId.eq(organization_id))
        .filter(event::Column::Outcome.eq(event::Outcome::Held))
        .into_query();
    let held_usage = usage_report::Entity::find()
        .select_only()
        .column(usage_report::Column::WebhookDeliveryId)
        .filter(usage_report::Column::OrganizationId.eq(organization_id))
        .filter(usage_report::Column::State.eq(usage_report::UsageState::Held))
        .filter(usage_report::Column::WebhookDeliveryId.is_not_null())
        .into_query();
    let id = webhook_delivery::Column::Id;
    webhook_delivery::Entity::update_many()
        .col_expr(webhook_delivery::Column::RunAt, Expr::value(now))
        .col_expr(webhook_delivery::Column::Attempts, Expr::value(0))
        .filter(webhook_delivery::Column::OrganizationId.eq(organization_id))
        .filter(Condition::any().add(id.in_subquery(held)).add(id.in_subquery(held_usage)))
        .exec(tx)
        .await
        .map(|result| result.rows_affected)
}
