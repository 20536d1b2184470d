//! One company of an import: what it seems to be here, and what is to become of it.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What a company of the PSA seems to be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Standing {
    /// A company is mapped to it already.
    Mapped,
    /// One company has exactly its name, and nobody else has.
    Exact,
    /// One company seems to be it.
    Suggested,
    /// Several might be it.
    Ambiguous,
    /// None is like it.
    Unmatched,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum ItemAction {
    /// Nothing.
    None,
    /// A company that is here is mapped to it.
    Map,
    /// A company is made and mapped to it.
    Create,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum ItemState {
    /// Nothing yet.
    Staged,
    /// It was done.
    Applied,
    /// It could not be done: see the problem.
    Failed,
}

/// A row of `company_import_item`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_import_item")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which import.
    pub company_import_id: Uuid,
    /// The PSA's company.
    pub psa_company_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its name in small letters: those that are the same are told apart by nobody.
    pub name_key: String,
    /// What it seems to be here.
    pub standing: Standing,
    /// What is to become of it.
    pub action: ItemAction,
    /// What became of it.
    pub state: ItemState,
    /// Our company: the one to be mapped, or the one that was made.
    pub company_id: Option<Uuid>,
    /// The name that a company to be made gets; its own where none is given.
    pub company_name: Option<String>,
    /// Our company that is the best suggestion.
    pub best_company_id: Option<Uuid>,
    /// How sure that is, in hundredths.
    pub score: Option<i32>,
    /// The best suggestion and the runner-up, with their scores and reasons.
    pub suggestions: Json,
    /// Why it could not be done and how to mend it.
    pub problem: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
