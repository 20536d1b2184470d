//! An import of a PSA's companies, and the companies in it.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use entity::{company, company_import, company_import_item, psa_company, psa_connection, sync_run};

use super::{Company, PsaCompany, PsaConnection, SyncCompanyFilter, SyncRun, all};
use crate::{
    db::page::PageArgs,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    sync::imports::{self, ImportList, ItemList, comparing},
};

/// An import of a PSA's companies: loaded and compared, looked through, applied.
pub struct CompanyImport(pub company_import::Model);

impl From<company_import::Model> for CompanyImport {
    fn from(row: company_import::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of imports, the newest first.
    CompanyImportConnection, CompanyImportEdge, CompanyImport, ImportList
}

/// One company of an import: what it seems to be here, and what is to become of it.
pub struct CompanyImportItem(pub company_import_item::Model);

impl From<company_import_item::Model> for CompanyImportItem {
    fn from(row: company_import_item::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// The companies of an import, by name.
    CompanyImportItemConnection, CompanyImportItemEdge, CompanyImportItem, ItemList
}

/// Where an import stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "company_import::ImportState")]
pub enum CompanyImportState {
    /// The PSA's companies are being read and compared: see `loadRun`.
    Loading,
    /// They are there to be looked through; nothing is applied.
    Staged,
    /// What was chosen is being applied: see `finishRun`.
    Finishing,
    /// It is done.
    Finished,
    /// Somebody gave it up.
    Discarded,
}

/// What a company of the PSA seems to be here. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "company_import_item::Standing")]
pub enum CompanyImportStanding {
    /// A company is mapped to it already.
    Mapped,
    /// One company has exactly its name, and on both sides it is the only one: it is chosen by itself.
    Exact,
    /// One company seems to be it: look at the suggestions.
    Suggested,
    /// Several might be it: nothing is chosen by itself.
    Ambiguous,
    /// None is like it.
    Unmatched,
}

/// What is to become of a company of the PSA. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "company_import_item::ItemAction")]
pub enum CompanyImportAction {
    /// Nothing: it is left out.
    None,
    /// A company that is here is mapped to it.
    Map,
    /// A company is made and mapped to it.
    Create,
}

/// What became of a company of the PSA. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "company_import_item::ItemState")]
pub enum CompanyImportItemState {
    /// Nothing yet.
    Staged,
    /// It was done.
    Applied,
    /// It could not be done: see `problem`.
    Failed,
}

/// Which companies of an import; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CompanyImportItemFilter {
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
    /// That seem to be one of these here.
    pub standing_in: Option<Vec<CompanyImportStanding>>,
    /// Of which one of these is to become.
    pub action_in: Option<Vec<CompanyImportAction>>,
    /// Of which one of these became.
    pub state_in: Option<Vec<CompanyImportItemState>>,
}

impl CompanyImportItemFilter {
    /// The domain's list.
    pub fn read(self) -> ItemList {
        ItemList {
            standings: all(self.standing_in),
            actions: all(self.action_in),
            states: all(self.state_in),
            text: self.query,
        }
    }
}

/// A company of ours that a company of the PSA might be. None is taken by itself where several might be it.
#[derive(SimpleObject)]
pub struct CompanySuggestion {
    /// Which; null where it was removed since.
    pub company: Option<Company>,
    /// How sure that is, 0 to 1.
    pub score: f64,
    /// Why, for people; the strongest reason first.
    pub reasons: Vec<String>,
}

/// One company of an import: what it seems to be here, and what is to become of it.
#[Object]
impl CompanyImportItem {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company_import_item::Entity>(self.0.id)
    }

    /// The PSA's company.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// What it seems to be here.
    async fn standing(&self) -> CompanyImportStanding {
        self.0.standing.into()
    }

    /// What is to become of it.
    async fn action(&self) -> CompanyImportAction {
        self.0.action.into()
    }

    /// What became of it.
    async fn state(&self) -> CompanyImportItemState {
        self.0.state.into()
    }

    /// Our company: the one that is or is to be mapped, or that was made; null where there is none.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company::from))
    }

    /// The name that a company to be made gets; null where it gets the PSA's.
    async fn company_name(&self) -> Option<&str> {
        self.0.company_name.as_deref()
    }

    /// The best suggestion and its runners-up, three at the most; empty where none of ours is like it.
    async fn suggestions(&self, ctx: &Context<'_>) -> Result<Vec<CompanySuggestion>> {
        let loaders = ctx.loaders()?;
        let shown = comparing::suggestions(&self.0).into_iter().map(async |found| {
            let company = loaders.row::<company::Entity>(found.company_id).await?.map(Company::from);
            let score = f64::from(found.score) / 100.0;
            Ok::<_, async_graphql::Error>(CompanySuggestion { company, score, reasons: found.reasons })
        });
        futures_util::future::join_all(shown).await.into_iter().collect()
    }

    /// Why it could not be done and how to mend it; null where nothing is wrong.
    async fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// An import of a PSA's companies: loaded and compared, looked through, applied.
#[Object]
impl CompanyImport {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company_import::Entity>(self.0.id)
    }

    /// From which connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// Where it stands.
    async fn state(&self) -> CompanyImportState {
        self.0.state.into()
    }

    /// Which companies it is about.
    async fn filter(&self) -> SyncCompanyFilter {
        imports::filter(&self.0).into()
    }

    /// The run that loads them; null where it is forgotten.
    async fn load_run(&self, ctx: &Context<'_>) -> Result<Option<SyncRun>> {
        let Some(id) = self.0.load_run_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<sync_run::Entity>(id).await?.map(SyncRun::from))
    }

    /// The run that applies what was chosen; null before that, or where it is forgotten.
    async fn finish_run(&self, ctx: &Context<'_>) -> Result<Option<SyncRun>> {
        let Some(id) = self.0.finish_run_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<sync_run::Entity>(id).await?.map(SyncRun::from))
    }

    /// Its companies, by name.
    async fn items(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyImportItemFilter>,
    ) -> Result<CompanyImportItemConnection> {
        let wanted = filter.unwrap_or_default().read();
        Ok(CompanyImportItemConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Who asked for it, by name.
    async fn asked_by(&self) -> &str {
        &self.0.asked_by
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// When it ended; null before.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }
}
