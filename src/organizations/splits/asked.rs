//! What is asked for, looked through.

use std::collections::BTreeSet;

use entity::{company, organization, psa_connection, webhook_endpoint};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Alias, Expr, ExprTrait as _, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Splitting;
use crate::{
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        form::Form,
        moving::{Chosen, Selection, type_name},
        organization as organizations,
    },
};

/// How many companies can go at a time.
pub const MAX_COMPANIES: usize = 5_000;
/// How many connections.
pub const MAX_CONNECTIONS: usize = 100;
/// How many endpoints.
pub const MAX_ENDPOINTS: usize = 500;

/// What is asked for, with nothing wrong about it by itself.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The organization to be made.
    pub(super) made: organization::Model,
    /// What goes.
    pub(super) selection: Selection,
    /// The same, in its parts.
    pub(super) chosen: Chosen,
}

impl Asked {
    /// What was chosen, for logs and digests.
    pub(super) fn chosen_as_json(&self) -> Value {
        let ids = |table: &str, ids: &[Uuid]| -> Value {
            ids.iter().map(|id| global_id::encode(&type_name(table), *id)).collect()
        };
        json!({
            "companyIds": ids("company", &self.chosen.companies),
            "psaConnectionIds": ids("psa_connection", &self.chosen.connections),
            "webhookEndpointIds": ids("webhook_endpoint", &self.chosen.endpoints),
        })
    }
}

/// Tells all that is wrong with it at once.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    ground: &Ground,
    source: &organization::Model,
    splitting: &Splitting,
) -> Result<Asked, Error> {
    let mut form = Form::default();
    form.extend(organizations::was_merged(source, "sourceId"));
    let mut made = organizations::draft(&mut form, ground, &splitting.new);
    made.is_ticketing_enabled = source.is_ticketing_enabled;
    let same_slug =
        organization::Entity::find().filter(organization::Column::Slug.eq(&made.slug)).count(db).await?;
    if same_slug > 0 {
        form.add(Problem::of("slug", ProblemCode::Taken, organizations::slug_is_taken(&made.slug)));
    }
    let lists = [
        ("companyIds", "company", &splitting.company_ids, MAX_COMPANIES),
        ("psaConnectionIds", "psa_connection", &splitting.psa_connection_ids, MAX_CONNECTIONS),
        ("webhookEndpointIds", "webhook_endpoint", &splitting.webhook_endpoint_ids, MAX_ENDPOINTS),
    ];
    if lists.iter().all(|(_, _, ids, _)| ids.is_empty()) {
        let message = "choose what goes: companies, the PSA connections that they are mapped on, the endpoints that their \
                       scanners post to";
        form.add(Problem::of("companyIds", ProblemCode::Required, message));
    }
    for (field, table, ids, most) in lists {
        if ids.len() > most {
            let message = format!(
                "{most} can go at a time; split a part first, then the rest, and merge both (`organizationMerge`)"
            );
            form.add(Problem::of(field, ProblemCode::TooLong, message));
            continue;
        }
        let there = there(db, table, source.id, ids).await?;
        for (index, _) in ids.iter().enumerate().filter(|(_, id)| !there.contains(id)) {
            let message = format!("{} has none of this id; take the id from its own list", source.slug);
            form.add(Problem::at(&[field, &index.to_string()], ProblemCode::NotFound, message));
        }
    }
    form.finish()?;
    let chosen = Chosen {
        companies: sorted(&splitting.company_ids),
        endpoints: with_those_of(db, source.id, splitting).await?,
        connections: sorted(&splitting.psa_connection_ids),
        policies: Vec::new(),
    };
    let selection = Selection { source_id: source.id, target_id: None, chosen: Some(chosen.clone()) };
    Ok(Asked { made, selection, chosen })
}

fn sorted(ids: &[Uuid]) -> Vec<Uuid> {
    ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

async fn there(
    db: &impl ConnectionTrait,
    table: &'static str,
    source_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeSet<Uuid>, Error> {
    let query = Query::select()
        .column("id")
        .from(Alias::new(table))
        .and_where(Expr::col("organization_id").eq(source_id))
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .to_owned();
    let rows = db.query_all(&query).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The endpoints that were chosen, and those that speak for connections that were.
async fn with_those_of(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    splitting: &Splitting,
) -> Result<Vec<Uuid>, Error> {
    use webhook_endpoint::Column as E;
    let of_connections: Vec<Uuid> = webhook_endpoint::Entity::find()
        .select_only()
        .column(E::Id)
        .filter(E::OrganizationId.eq(source_id))
        .filter(E::PsaConnectionId.is_in(splitting.psa_connection_ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(sorted(&[splitting.webhook_endpoint_ids.as_slice(), &of_connections].concat()))
}

/// The names of companies, by their ids.
pub(super) async fn company_names(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<std::collections::BTreeMap<Uuid, String>, Error> {
    use company::Column as C;
    let rows: Vec<(Uuid, String)> = company::Entity::find()
        .select_only()
        .columns([C::Id, C::Name])
        .filter(C::OrganizationId.eq(source_id))
        .filter(C::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// The connections of an organization.
pub(super) async fn connections(
    db: &impl ConnectionTrait,
    source_id: Uuid,
) -> Result<Vec<psa_connection::Model>, Error> {
    use psa_connection::Column as C;
    Ok(psa_connection::Entity::find()
        .filter(C::OrganizationId.eq(source_id))
        .order_by_asc(C::Id)
        .all(db)
        .await?)
}
