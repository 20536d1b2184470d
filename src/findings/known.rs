//! The findings that a batch of events speaks of: locked together, changed in memory, written together.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and company")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use entity::{finding, finding_alias};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, Iterable as _, PrimaryKeyToColumn, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, LockType, OnConflict},
};
use uuid::Uuid;

use super::record::{About, Change, fresh, merge};
use crate::{db::portions, decisions::event::Event, ground::Ground};

/// How many rows one statement writes: 24 columns each, and SQLite takes 32,766 values.
const ROWS: usize = 500;
/// How many keys of one place one statement asks for.
const KEYS: usize = 500;
/// For how many places one statement asks.
const PLACES: usize = 50;

/// Where a finding has its key: in a company, by a source. Findings are locked in this order.
type Place = (Uuid, String);

/// Findings that are locked to the end of the transaction. What two workers learn of one finding at the same moment is
/// taken in one after the other.
#[derive(Debug, Default)]
pub struct Findings {
    rows: HashMap<Uuid, Row>,
    /// By every key that a finding has or had.
    by_key: HashMap<Place, HashMap<String, Uuid>>,
    /// Former keys that are still to be written.
    aliases: Vec<finding_alias::Model>,
}

#[derive(Debug)]
struct Row {
    model: finding::Model,
    /// Written down for the first statement about it, which is still to be recorded.
    is_unsaid: bool,
    /// Made in this transaction.
    is_new: bool,
    is_changed: bool,
}

impl Findings {
    /// Locks the findings that events speak of, and writes down those that are not known yet, as the first event about
    /// each shows them.
    pub async fn lock(
        &mut self,
        tx: &DatabaseTransaction,
        ground: &Ground,
        wanted: &[(About, &Event)],
    ) -> Result<(), DbErr> {
        let Some((About { organization_id, .. }, _)) = wanted.first() else { return Ok(()) };
        let mut keys: BTreeMap<Place, BTreeSet<&str>> = BTreeMap::new();
        for (about, event) in wanted {
            keys.entry((about.company_id, event.source.clone())).or_default().extend(event.keys());
        }
        self.find(tx, *organization_id, &keys).await?;
        let mut missing = self.missing(ground, wanted);
        missing.sort_by(|a, b| (a.company_id, &a.source, &a.key).cmp(&(b.company_id, &b.source, &b.key)));
        let mut others: BTreeMap<Place, BTreeSet<&str>> = BTreeMap::new();
        for chunk in portions::of(&missing, ROWS) {
            use finding::Column as C;
            let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
            let mut key = OnConflict::columns([C::OrganizationId, C::CompanyId, C::Source, C::Key]);
            let made = finding::Entity::insert_many(rows)
                .on_conflict(key.do_nothing_on([C::Id]).to_owned())
                .exec_with_returning_keys(tx)
                .await;
            let made: BTreeSet<Uuid> = match made {
                Ok(ids) => ids.into_iter().collect(),
                Err(DbErr::RecordNotInserted) => BTreeSet::new(),
                Err(error) => return Err(error),
            };
            for row in chunk {
                if made.contains(&row.id) {
                    self.take(Row { model: row.clone(), is_unsaid: true, is_new: true, is_changed: false });
                } else {
                    let place = (row.company_id, row.source.clone());
                    others.entry(place).or_default().insert(row.key.as_str());
                }
            }
        }
        // Made by another worker at the same moment.
        self.find(tx, *organization_id, &others).await?;
        for (about, event) in wanted.iter().filter(|(_, event)| !event.former_keys.is_empty()) {
            self.rename(ground, about.company_id, event);
        }
        Ok(())
    }

    /// Writes down what an event says; its finding is locked.
    pub fn record(
        &mut self,
        about: About,
        event: &Event,
        ground: &Ground,
    ) -> Result<(finding::Model, Change), DbErr> {
        let row = self
            .id_of(about.company_id, event)
            .and_then(|id| self.rows.get_mut(&id))
            .ok_or_else(|| DbErr::RecordNotFound("finding".to_owned()))?;
        if std::mem::take(&mut row.is_unsaid) {
            let is_open = row.model.state == finding::FindingState::Open;
            let change = if is_open { Change::New } else { Change::EndedBefore };
            return Ok((row.model.clone(), change));
        }
        let said = fresh(ground, about, event, ground.clock.now());
        let (changed, change) = merge(&row.model, said, event.kind.action);
        if let Some(changed) = changed {
            row.model = changed;
            row.is_changed = true;
        }
        Ok((row.model.clone(), change))
    }

    /// Whether the finding of an event is locked.
    pub fn has(&self, company_id: Uuid, event: &Event) -> bool {
        self.id_of(company_id, event).is_some()
    }

    /// Whether a finding was made in this transaction: nothing else can refer to it yet.
    pub fn is_new(&self, id: Uuid) -> bool {
        self.rows.get(&id).is_some_and(|row| row.is_new)
    }

    /// The findings that were known before, and those that are new.
    pub fn ids(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let (new, known): (Vec<&Row>, Vec<&Row>) = self.rows.values().partition(|row| row.is_new);
        let ids = |rows: Vec<&Row>| rows.into_iter().map(|row| row.model.id).collect();
        (ids(known), ids(new))
    }

    /// Writes down at which endpoint a finding was learned, or that it is no longer as it was then.
    pub async fn learned_at(
        &mut self,
        tx: &DatabaseTransaction,
        finding: &finding::Model,
        webhook_endpoint_id: Option<Uuid>,
    ) -> Result<(), DbErr> {
        use finding::Column as C;
        if let Some(row) = self.rows.get_mut(&finding.id) {
            row.model.baseline_endpoint_id = webhook_endpoint_id;
            row.is_changed = true;
            return Ok(());
        }
        finding::Entity::update_many()
            .col_expr(C::BaselineEndpointId, Expr::value(webhook_endpoint_id))
            .filter(C::OrganizationId.eq(finding.organization_id))
            .filter(C::Id.eq(finding.id))
            .exec(tx)
            .await
            .map(|_| ())
    }

    /// Whether subscribers were told of findings: it is written in the database already.
    pub fn told(&mut self, ids: &[Uuid], is_told: bool) {
        for id in ids {
            if let Some(row) = self.rows.get_mut(id) {
                row.model.is_told = is_told;
            }
        }
    }

    /// Writes what was recorded. Call it before anything reads findings from the database.
    pub async fn write(&mut self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        use finding::Column as C;
        use finding_alias::Column as A;
        let key = [A::OrganizationId, A::CompanyId, A::Source, A::Key];
        let known_already = OnConflict::columns(key).do_nothing().to_owned();
        for alias in self.aliases.drain(..) {
            let alias = finding_alias::Entity::insert(alias.into_active_model());
            alias.on_conflict(known_already.clone()).exec_without_returning(tx).await?;
        }
        let changed: Vec<_> = self.rows.values_mut().filter(|row| row.is_changed).collect();
        let keys: Vec<C> = finding::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
        let rest = C::iter().filter(|column| !matches!(column, C::Id | C::OrganizationId | C::CompanyId));
        let by_id = OnConflict::columns(keys).update_columns(rest).to_owned();
        let mut rows = Vec::with_capacity(changed.len());
        for row in changed {
            row.is_changed = false;
            rows.push(row.model.clone());
        }
        for chunk in portions::of(&rows, ROWS) {
            let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
            finding::Entity::insert_many(rows).on_conflict(by_id.clone()).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    /// Lets go of findings that are changed in the database itself: they are asked for again.
    pub fn forget(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        for id in ids {
            self.rows.remove(&id);
        }
    }

    /// The finding that an event speaks of: by its key, else by one that it had.
    fn id_of(&self, company_id: Uuid, event: &Event) -> Option<Uuid> {
        let keys = self.by_key.get(&(company_id, event.source.clone()))?;
        let id = event.keys().find_map(|key| keys.get(key))?;
        self.rows.contains_key(id).then_some(*id)
    }

    fn take(&mut self, row: Row) {
        let place = (row.model.company_id, row.model.source.clone());
        self.by_key.entry(place).or_default().insert(row.model.key.clone(), row.model.id);
        self.rows.insert(row.model.id, row);
    }

    /// What is not known yet, as the first event about each shows it.
    fn missing(&self, ground: &Ground, wanted: &[(About, &Event)]) -> Vec<finding::Model> {
        let (mut missing, mut named) = (Vec::new(), HashSet::new());
        let now = ground.clock.now();
        for (about, event) in wanted {
            let name = |key| (about.company_id, event.source.as_str(), key);
            if self.id_of(about.company_id, event).is_some() {
                continue;
            }
            // Another event may speak of it by a key that it had before.
            if !event.keys().any(|key| named.contains(&name(key))) {
                missing.push(fresh(ground, *about, event, now));
            }
            named.extend(event.keys().map(name));
        }
        missing
    }

    /// A sender names a finding by another key than before: it has that from now on, and is known by the former ones.
    fn rename(&mut self, ground: &Ground, company_id: Uuid, event: &Event) {
        let id = self.id_of(company_id, event);
        let Some(row) = id.and_then(|id| self.rows.get_mut(&id)) else { return };
        let is_renamed = event.former_keys.contains(&row.model.key);
        if is_renamed {
            row.model.key.clone_from(&event.finding_key);
            row.is_changed = true;
        }
        let (id, now) = (row.model.id, ground.clock.now());
        let known = self.by_key.entry((company_id, event.source.clone())).or_default();
        known.entry(event.finding_key.clone()).or_insert(id);
        for key in &event.former_keys {
            // One that is another finding's stays that.
            let is_its_own = known.get(key).is_none_or(|known| *known == id);
            if !is_its_own || (known.contains_key(key) && !is_renamed) {
                continue;
            }
            known.insert(key.clone(), id);
            self.aliases.push(finding_alias::Model {
                id: ground.chance.id(now),
                organization_id: row.model.organization_id,
                company_id,
                source: row.model.source.clone(),
                key: key.clone(),
                finding_id: id,
                created_at: now,
            });
        }
    }

    /// Locks the findings that are known by these keys, now or formerly.
    async fn find(
        &mut self,
        tx: &DatabaseTransaction,
        organization_id: Uuid,
        keys: &BTreeMap<Place, BTreeSet<&str>>,
    ) -> Result<(), DbErr> {
        use finding::Column as C;
        use finding_alias::Column as A;
        let places: Vec<_> = keys
            .iter()
            .flat_map(|(place, keys)| {
                let keys: Vec<&str> = keys.iter().copied().collect();
                keys.chunks(KEYS).map(|keys| (place, keys.to_vec())).collect::<Vec<_>>()
            })
            .collect();
        for places in places.chunks(PLACES) {
            let places = portions::filled(places.iter().cloned());
            let mut is_alias = Condition::any();
            for ((company_id, source), keys) in &places {
                let keys = A::Key.is_in(portions::filled(keys.iter().copied()));
                is_alias = is_alias.add(A::CompanyId.eq(*company_id).and(A::Source.eq(source)).and(keys));
            }
            let aliases = finding_alias::Entity::find()
                .filter(A::OrganizationId.eq(organization_id))
                .filter(is_alias)
                .all(tx)
                .await?;
            let mut is_known = Condition::any();
            for ((company_id, source), keys) in &places {
                let keys = C::Key.is_in(portions::filled(keys.iter().copied()));
                is_known = is_known.add(C::CompanyId.eq(*company_id).and(C::Source.eq(source)).and(keys));
            }
            if !aliases.is_empty() {
                is_known =
                    is_known.add(C::Id.is_in(portions::filled(aliases.iter().map(|alias| alias.finding_id))));
            }
            let found = finding::Entity::find()
                .filter(C::OrganizationId.eq(organization_id))
                .filter(is_known)
                .order_by_asc(C::CompanyId)
                .order_by_asc(C::Source)
                .order_by_asc(C::Key)
                .lock(LockType::Update)
                .all(tx)
                .await?;
            for model in found {
                if !self.rows.contains_key(&model.id) {
                    self.take(Row { model, is_unsaid: false, is_new: false, is_changed: false });
                }
            }
            for alias in aliases {
                let known = self.by_key.entry((alias.company_id, alias.source)).or_default();
                known.entry(alias.key).or_insert(alias.finding_id);
            }
        }
        Ok(())
    }
}
