//! What can be done with imports of companies.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result};
use entity::{company, company_import, company_import_item, psa_connection};

use super::{
    connections::SyncCompanyFilterInput,
    once::{Asked, Earlier},
};
use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{CompanyImport, CompanyImportItem},
    },
    sync::imports::{
        self,
        choosing::{self, What, WhatOfAll},
    },
};

/// Which companies to import from where.
#[derive(Debug, InputObject)]
pub struct CompanyImportStartInput {
    /// The connection.
    pub psa_connection_id: ID,
    /// Only these; all active ones where it is absent.
    pub filter: Option<SyncCompanyFilterInput>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `companyImportStart` answers.
    CompanyImportStartPayload, CompanyImportStartUserError {
        /// The import; its `loadRun` says how far it is.
        company_import: CompanyImport,
    }
}

/// What is to become of a company: give exactly one.
#[derive(Debug, OneofObject)]
pub enum CompanyImportChoiceInput {
    /// This company of ours is mapped to it.
    CompanyId(ID),
    /// A company of this name is made and mapped to it.
    CreateNamed(String),
    /// True: a company of its own name is made and mapped to it.
    Create(bool),
    /// True: nothing, it is left out.
    Nothing(bool),
}

/// What is to become of one company of an import.
#[derive(Debug, InputObject)]
pub struct CompanyImportChooseItem {
    /// The item.
    pub id: ID,
    /// What.
    pub choice: CompanyImportChoiceInput,
}

/// What is to become of some companies of an import.
#[derive(Debug, InputObject)]
pub struct CompanyImportChooseInput {
    /// The import.
    pub id: ID,
    /// The companies, 1 to 100: all of them are chosen for, or none.
    pub items: Vec<CompanyImportChooseItem>,
}

payload! {
    /// What `companyImportChoose` answers.
    CompanyImportChoosePayload, CompanyImportChooseUserError {
        /// The import.
        company_import: CompanyImport,
        /// The companies that were chosen for.
        items: Vec<CompanyImportItem>,
    }
}

/// What is to become of all companies of an import that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CompanyImportChoiceOfAll {
    /// The suggested company is mapped, where one stands apart; where several might be meant nothing is chosen.
    TakeSuggestions,
    /// A company is made for each that none of ours is like.
    CreateUnmatched,
    /// A company is made for each that is neither mapped nor chosen for.
    CreateRemaining,
    /// Nothing, whatever was chosen before.
    Nothing,
}

/// What is to become of all companies of an import that are alike. What was chosen before stays, but for `NOTHING`.
#[derive(Debug, InputObject)]
pub struct CompanyImportChooseAllInput {
    /// The import.
    pub id: ID,
    /// What.
    pub choice: CompanyImportChoiceOfAll,
    /// Suggestions that are at least that sure, 0 to 1.
    #[graphql(default = 0.8)]
    pub minimum_score: f64,
}

payload! {
    /// What `companyImportChooseAll` answers.
    CompanyImportChooseAllPayload, CompanyImportChooseAllUserError {
        /// The import.
        company_import: CompanyImport,
        /// For how many companies that was chosen.
        item_count: i32,
    }
}

/// Which import to apply.
#[derive(Debug, InputObject)]
pub struct CompanyImportFinishInput {
    /// The import.
    pub id: ID,
    /// Your key for this request: see `CompanyImportStartInput.idempotencyKey`.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `companyImportFinish` answers.
    CompanyImportFinishPayload, CompanyImportFinishUserError {
        /// The import; its `finishRun` says how far it is.
        company_import: CompanyImport,
    }
}

/// Which import to give up.
#[derive(Debug, InputObject)]
pub struct CompanyImportDiscardInput {
    /// The import.
    pub id: ID,
}

payload! {
    /// What `companyImportDiscard` answers.
    CompanyImportDiscardPayload, CompanyImportDiscardUserError {
        /// The import, given up.
        company_import: CompanyImport,
    }
}

/// What can be done with imports of companies.
#[derive(Default)]
pub struct CompanyImportMutation;

#[Object]
impl CompanyImportMutation {
    /// Loads a PSA's companies and compares them with ours, in the background; nothing is applied until
    /// `companyImportFinish`. The very same name on both sides is chosen by itself. Needs `MANAGE_INTEGRATIONS`.
    async fn company_import_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which companies.")] input: CompanyImportStartInput,
    ) -> Result<Option<CompanyImportStartPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let filter = input.filter.unwrap_or_default().read();
            Ok(CompanyImportStartPayload::done(imports::start(viewer, ground, id, filter).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let company_import = earlier.row::<company_import::Entity>().await?.map(Into::into);
            Ok(CompanyImportStartPayload { company_import, user_errors: Vec::new() })
        };
        CompanyImportStartPayload::answer(asked.answer(work, again).await)
    }

    /// Chooses what is to become of some companies of an import that is staged, or of some that failed. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn company_import_choose(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which companies, and what.")] input: CompanyImportChooseInput,
    ) -> Result<Option<CompanyImportChoosePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_import::Entity>(&input.id, &["id"])?;
            let (mut choices, mut problems) = (Vec::new(), Vec::new());
            for (index, item) in input.items.into_iter().enumerate() {
                match choice(item) {
                    Ok(choice) => choices.push(choice),
                    Err(problem) => problems.push(problem.within("items", index)),
                }
            }
            if !problems.is_empty() {
                return Err(Error::Invalid(problems));
            }
            let (import, items) = choosing::choose(viewer, ground, id, choices).await?;
            let items = items.into_iter().map(Into::into).collect();
            Ok(CompanyImportChoosePayload::done(import.into(), items))
        };
        CompanyImportChoosePayload::answer(work.await)
    }

    /// Chooses for all companies of an import that are alike: *Create Unmapped*, or to take the suggestions. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn company_import_choose_all(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import, and what.")] input: CompanyImportChooseAllInput,
    ) -> Result<Option<CompanyImportChooseAllPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_import::Entity>(&input.id, &["id"])?;
            if !(0.0..=1.0).contains(&input.minimum_score) {
                let message = "give a number from 0 to 1, as in 0.8";
                return Err(Problem::of("minimumScore", ProblemCode::Invalid, message).into());
            }
            let what = match input.choice {
                CompanyImportChoiceOfAll::TakeSuggestions => {
                    WhatOfAll::TakeSuggestions(hundredths(input.minimum_score))
                }
                CompanyImportChoiceOfAll::CreateUnmatched => WhatOfAll::CreateUnmatched,
                CompanyImportChoiceOfAll::CreateRemaining => WhatOfAll::CreateRemaining,
                CompanyImportChoiceOfAll::Nothing => WhatOfAll::Nothing,
            };
            let (import, count) = choosing::choose_all(viewer, ground, id, what).await?;
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            Ok(CompanyImportChooseAllPayload::done(import.into(), count))
        };
        CompanyImportChooseAllPayload::answer(work.await)
    }

    /// Applies what was chosen, in the background: each company wholly or not at all, with its own error. Needs
    /// `MANAGE_INTEGRATIONS`, and `MANAGE_COMPANIES` where companies are made.
    async fn company_import_finish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import.")] input: CompanyImportFinishInput,
    ) -> Result<Option<CompanyImportFinishPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_import::Entity>(&input.id, &["id"])?;
            Ok(CompanyImportFinishPayload::done(imports::finish(viewer, ground, id).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let company_import = earlier.row::<company_import::Entity>().await?.map(Into::into);
            Ok(CompanyImportFinishPayload { company_import, user_errors: Vec::new() })
        };
        CompanyImportFinishPayload::answer(asked.answer(work, again).await)
    }

    /// Gives an import up; what was applied of it stays. Needs `MANAGE_INTEGRATIONS`.
    async fn company_import_discard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import.")] input: CompanyImportDiscardInput,
    ) -> Result<Option<CompanyImportDiscardPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<company_import::Entity>(&input.id, &["id"])?;
            Ok(CompanyImportDiscardPayload::done(imports::discard(viewer, ground, id).await?.into()))
        };
        CompanyImportDiscardPayload::answer(work.await)
    }
}

fn choice(item: CompanyImportChooseItem) -> std::result::Result<(uuid::Uuid, What), Problem> {
    let id = ids::parse::<company_import_item::Entity>(&item.id, &["id"])?;
    let only_true = |yes: bool, what: What| {
        let message = "give true, or another choice";
        if yes { Ok(what) } else { Err(Problem::of("choice", ProblemCode::Invalid, message)) }
    };
    let what = match item.choice {
        CompanyImportChoiceInput::CompanyId(company) => {
            What::Map(ids::parse::<company::Entity>(&company, &["choice", "companyId"])?)
        }
        CompanyImportChoiceInput::CreateNamed(name) => What::Create(Some(name)),
        CompanyImportChoiceInput::Create(yes) => only_true(yes, What::Create(None))?,
        CompanyImportChoiceInput::Nothing(yes) => only_true(yes, What::Nothing)?,
    };
    Ok((id, what))
}

/// A number from 0 to 1 in hundredths.
fn hundredths(score: f64) -> u32 {
    (0..=100_u32).find(|hundredths| f64::from(*hundredths) / 100.0 >= score).unwrap_or(100)
}
