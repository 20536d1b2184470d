//! Applying what was chosen: some at a time, each wholly or not at all, with its own error. What was applied and how far
//! that is are one transaction, so that it goes on where it stopped, on whichever node.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{HashMap, HashSet};

use entity::{
    Timestamp, company, company_import,
    company_import::ImportState,
    company_import_item::{self, ItemAction, ItemState, Standing},
    company_mapping::{self, MappingOrigin},
    psa_company, psa_connection, sync_run,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType, Query, SelectStatement},
};
use uuid::Uuid;

use crate::{
    audit::{self, Change},
    decisions::held,
    error::Error,
    ground::Ground,
    organizations::viewer::Viewer,
    sync::runs::{self, Counts, Failure, Step},
};

/// How many are applied in one transaction.
const BATCH: u64 = 100;
/// The longest name of a company, in characters.
pub(super) const MAX_NAME: usize = 200;

/// Whether an import waits to be applied, for those who look for work.
pub fn any_due(_now: Timestamp) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(company_import::Entity)
        .and_where(company_import::Column::State.eq(ImportState::Finishing))
        .limit(1)
        .take()
}

/// The import that has waited longest to be applied.
pub async fn due(db: &impl ConnectionTrait) -> Result<Option<company_import::Model>, DbErr> {
    company_import::Entity::find()
        .filter(company_import::Column::State.eq(ImportState::Finishing))
        .order_by_asc(company_import::Column::UpdatedAt)
        .order_by_asc(company_import::Column::Id)
        .one(db)
        .await
}

/// Applies some of an import. False where nothing of it is left.
pub async fn apply_some(ground: &Ground, import: &company_import::Model) -> Result<bool, Error> {
    let Some(run_id) = import.finish_run_id else { return Ok(false) };
    let (ground_of, import) = (ground.clone(), import.clone());
    let applied = ground.db.write(move |tx| {
        Box::pin(async move {
            // Two nodes that apply the same queue here.
            let run = sync_run::Entity::find_by_id(run_id).lock(LockType::NoKeyUpdate).one(tx).await?;
            let Some(run) = run.filter(|run| !run.status.has_ended()) else { return Ok(false) };
            let now = ground_of.clock.now();
            if !runs::goes_on(&run) {
                runs::begin(tx, run_id, now).await?;
            }
            let items = next_items(tx, import.id).await?;
            let Some(last) = items.last().map(|item| item.id.to_string()) else {
                runs::finish(tx, run_id, now).await?;
                return Ok(false);
            };
            let read = items.len() as u64;
            let mut chunk = Chunk::read(tx, &ground_of, &import, items).await?;
            let (counts, failures) = chunk.apply(tx).await?;
            let step = Step { cursor: Some(last), read, total: None, counts, failures };
            runs::step(tx, &ground_of, run_id, step).await?;
            held::release(tx, import.organization_id, now).await?;
            audit::record_all(tx, &ground_of, &Viewer::gateway(), chunk.changes).await?;
            Ok::<_, Error>(true)
        })
    });
    let is_more = applied.await?;
    ground.wake.inbox();
    Ok(is_more)
}

async fn next_items(
    tx: &DatabaseTransaction,
    import_id: Uuid,
) -> Result<Vec<company_import_item::Model>, DbErr> {
    use company_import_item::Column as C;
    company_import_item::Entity::find()
        .filter(C::CompanyImportId.eq(import_id))
        .filter(C::State.eq(ItemState::Staged))
        .filter(C::Action.ne(ItemAction::None))
        .order_by_asc(C::Id)
        .limit(BATCH)
        .all(tx)
        .await
}

/// Some items, and everything that decides whether they can be applied.
struct Chunk {
    ground: Ground,
    items: Vec<company_import_item::Model>,
    connection: Option<psa_connection::Model>,
    psa_companies: HashMap<Uuid, psa_company::Model>,
    companies: HashMap<Uuid, company::Model>,
    /// Names of companies that are in use.
    names: HashSet<String>,
    /// What companies are mapped to, on this connection.
    mapped: HashMap<Uuid, Uuid>,
    changes: Vec<Change>,
}

impl Chunk {
    async fn read(
        tx: &DatabaseTransaction,
        ground: &Ground,
        import: &company_import::Model,
        items: Vec<company_import_item::Model>,
    ) -> Result<Self, DbErr> {
        let organization_id = import.organization_id;
        let connection = psa_connection::Entity::find_by_id(import.psa_connection_id).one(tx).await?;
        let targets = items.iter().filter_map(|item| item.company_id);
        let companies = company::Entity::find()
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(targets))
            .order_by_asc(company::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .all(tx)
            .await?;
        let psa_companies = psa_company::Entity::find()
            .filter(psa_company::Column::OrganizationId.eq(organization_id))
            .filter(psa_company::Column::Id.is_in(items.iter().map(|item| item.psa_company_id)))
            .all(tx)
            .await?;
        let new = items.iter().filter(|item| item.action == ItemAction::Create).map(wanted_name);
        let names = company::Entity::find()
            .select_only()
            .column(company::Column::Name)
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Name.is_in(new))
            .into_tuple::<String>()
            .all(tx)
            .await?;
        let mapped = company_mapping::Entity::find()
            .filter(company_mapping::Column::OrganizationId.eq(organization_id))
            .filter(company_mapping::Column::PsaConnectionId.eq(import.psa_connection_id))
            .filter(company_mapping::Column::CompanyId.is_in(companies.iter().map(|row| row.id)))
            .all(tx)
            .await?;
        Ok(Self {
            ground: ground.clone(),
            items,
            connection,
            psa_companies: psa_companies.into_iter().map(|row| (row.id, row)).collect(),
            companies: companies.into_iter().map(|row| (row.id, row)).collect(),
            names: names.into_iter().collect(),
            mapped: mapped.into_iter().map(|row| (row.company_id, row.psa_company_id)).collect(),
            changes: Vec::new(),
        })
    }

    /// Applies each that can be, and writes down why the others cannot.
    async fn apply(&mut self, tx: &DatabaseTransaction) -> Result<(Counts, Vec<Failure>), DbErr> {
        let now = self.ground.clock.now();
        let (mut counts, mut failures) = (Counts::default(), Vec::new());
        let (mut companies, mut mappings, mut done) = (Vec::new(), Vec::new(), Vec::new());
        for mut item in std::mem::take(&mut self.items) {
            match self.one(&item, now) {
                Ok((company, mapping)) => {
                    item.company_id = Some(mapping.company_id);
                    item.state = ItemState::Applied;
                    item.problem = None;
                    match company {
                        Some(company) => {
                            counts.created += 1;
                            companies.push(company);
                        }
                        None => counts.updated += 1,
                    }
                    mappings.push(mapping);
                }
                Err(message) => {
                    counts.failed += 1;
                    let external_id = self.psa_companies.get(&item.psa_company_id);
                    failures.push(Failure {
                        external_id: external_id.map(|row| row.external_id.clone()),
                        name: Some(item.name.clone()),
                        message: message.clone(),
                    });
                    item.state = ItemState::Failed;
                    item.problem = Some(message);
                }
            }
            item.updated_at = now;
            done.push(item);
        }
        if !companies.is_empty() {
            let rows = companies.into_iter().map(|row| row.into_active_model().reset_all());
            company::Entity::insert_many(rows).exec_without_returning(tx).await?;
        }
        if !mappings.is_empty() {
            let rows = mappings.into_iter().map(|row| row.into_active_model().reset_all());
            company_mapping::Entity::insert_many(rows).exec_without_returning(tx).await?;
        }
        for item in done {
            item.into_active_model().reset_all().update(tx).await?;
        }
        Ok((counts, failures))
    }

    /// The rows that one item comes to, or why it cannot be applied.
    fn one(
        &mut self,
        item: &company_import_item::Model,
        now: Timestamp,
    ) -> Result<(Option<company::Model>, company_mapping::Model), String> {
        let theirs = self.psa_companies.get(&item.psa_company_id).cloned();
        let theirs = theirs.ok_or("the PSA's company is no longer known here; start another import")?;
        if theirs.missing_since.is_some() {
            return Err("the PSA no longer lists this company; leave it out".to_owned());
        }
        let only = self.connection.as_ref().and_then(|connection| connection.company_id);
        let (company, is_new) = if item.action == ItemAction::Create {
            if only.is_some() {
                return Err("this connection is for one company only; map that one".to_owned());
            }
            let name = wanted_name(item);
            if name.chars().count() > MAX_NAME {
                return Err(format!("its name is longer than {MAX_NAME} characters; choose a shorter one"));
            }
            if !self.names.insert(name.clone()) {
                return Err(format!(
                    "another company of this organization is named {name}; map that one, or choose a different name"
                ));
            }
            let id = self.ground.chance.id(now);
            let organization_id = item.organization_id;
            let company = company::Model {
                id,
                organization_id,
                name,
                company_type_id: None,
                company_status_id: None,
                company_market_id: None,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            (company, true)
        } else {
            let found = item.company_id.and_then(|id| self.companies.get(&id)).cloned();
            (found.ok_or("the company was removed meanwhile; choose another one")?, false)
        };
        if only.is_some_and(|only| only != company.id) {
            return Err("this connection is for another company only; map that one".to_owned());
        }
        if let Some(other) = self.mapped.insert(company.id, theirs.id) {
            self.mapped.insert(company.id, other);
            let message = if other == theirs.id {
                format!("\"{}\" is mapped to it already; leave it out", company.name)
            } else {
                format!(
                    "\"{}\" is mapped to another company of this PSA; choose another one, or take that mapping away \
                         first",
                    company.name
                )
            };
            return Err(message);
        }
        let mapping = mapping(&self.ground, item, &company, &theirs, now);
        let named = format!("{} → {}", company.name, theirs.name);
        if is_new {
            self.changes.push(Change::made("companyCreate", &company));
        }
        self.changes.push(Change::made("companyMappingSet", &mapping).named(named));
        Ok((is_new.then_some(company), mapping))
    }
}

fn wanted_name(item: &company_import_item::Model) -> String {
    item.company_name.clone().unwrap_or_else(|| item.name.trim().to_owned())
}

fn mapping(
    ground: &Ground,
    item: &company_import_item::Model,
    company: &company::Model,
    theirs: &psa_company::Model,
    now: Timestamp,
) -> company_mapping::Model {
    let is_best = item.action == ItemAction::Map && item.best_company_id == Some(company.id);
    let origin = match item.action {
        ItemAction::Map if item.standing != Standing::Exact && is_best => MappingOrigin::Suggested,
        ItemAction::Map if !is_best => MappingOrigin::Manual,
        _ => MappingOrigin::Imported,
    };
    company_mapping::Model {
        id: ground.chance.id(now),
        organization_id: item.organization_id,
        company_id: company.id,
        psa_connection_id: theirs.psa_connection_id,
        psa_company_id: theirs.id,
        is_ticketing_enabled: true,
        ticket_profile_id: None,
        event_set_id: None,
        is_enabled: true,
        is_configurations_enabled: false,
        origin,
        confidence: item.score.filter(|_| is_best),
        mapped_at: Some(now),
        psa_name: Some(theirs.name.clone()),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
