//! Reporting how much companies use, many counts at once.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{Timestamp, company, organization, usage_mark};

use super::{
    billing::quantity,
    once::{Asked, Earlier},
};
use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{Asking as _, errors::payload, ids, scalars::DateTime, types::UsageMark},
    sync::billing::usage::{self, BY_API, Said, Whom},
};

/// How many are reported at once.
const MAX: usize = 500;
/// The longest name of a source, and of a company, in characters.
const MAX_SOURCE: usize = 100;
const MAX_REF: usize = 255;

/// How much a company uses of a product: one of many.
#[derive(Debug, InputObject)]
pub struct UsageReportItem {
    /// The company; else name it as your product does, by `clientRef`.
    pub company_id: Option<ID>,
    /// The name that `source` has for the company: one of its aliases.
    pub client_ref: Option<String>,
    /// Which product counts, as aliases have it; at most 100 characters.
    #[graphql(default_with = "BY_API.to_owned()")]
    pub source: String,
    /// What is used, e.g. `managed-edr`; at most 100 bytes, upper and lower case told apart.
    pub product: String,
    /// How much, at most three decimal places.
    pub quantity: f64,
    /// When it was so: decides the month. Absent for now; name it where a report may be sent again.
    pub observed_at: Option<DateTime>,
}

/// How much companies use.
#[derive(Debug, InputObject)]
pub struct UsageReportInput {
    /// Whose companies they are.
    pub organization_id: ID,
    /// The counts, 500 at the most.
    pub reports: Vec<UsageReportItem>,
    /// Your key for this request: see `CompanyMappingSetManyInput.idempotencyKey`. What is reported twice counts once in
    /// any case: the most of a month is kept.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `usageReport` answers.
    UsageReportPayload, UsageReportUserError {
        /// What became of each, in the order of the input.
        results: Vec<UsageReportResult>,
    }
}

/// What became of one of them.
#[derive(SimpleObject)]
pub struct UsageReportResult {
    /// Its place in the input's list, from 0.
    pub index: i32,
    /// The month's mark, which it may have raised; null where something is wrong.
    pub usage_mark: Option<UsageMark>,
    /// What is wrong with it; empty when it counts.
    pub user_errors: Vec<UsageReportUserError>,
}

impl UsageReportPayload {
    fn of(outcomes: Vec<std::result::Result<Option<usage_mark::Model>, Vec<Problem>>>) -> Self {
        let result = |(index, outcome): (usize, std::result::Result<_, Vec<Problem>>)| {
            let place = i32::try_from(index).unwrap_or(i32::MAX);
            match outcome {
                Ok(mark) => UsageReportResult {
                    index: place,
                    usage_mark: Option::<usage_mark::Model>::map(mark, Into::into),
                    user_errors: Vec::new(),
                },
                Err(problems) => {
                    let problems = problems.into_iter().map(|problem| problem.within("reports", index));
                    let user_errors = problems.map(UsageReportUserError).collect();
                    UsageReportResult { index: place, usage_mark: None, user_errors }
                }
            }
        };
        Self::done(outcomes.into_iter().enumerate().map(result).collect())
    }
}

/// Reporting how much companies use.
#[derive(Default)]
pub struct UsageMutation;

#[Object]
impl UsageMutation {
    /// Reports how much companies use; a wrong one leaves the others counted. The most of each billing month is kept and
    /// pushed to the line that bills it. Needs `REPORT_USAGE`.
    async fn usage_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The counts.")] input: UsageReportInput,
    ) -> Result<Option<UsageReportPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let count = input.reports.len();
            if count > MAX {
                let message = format!(
                    "{count} are given, {MAX} are counted at once; send the others in another request"
                );
                return Err(Error::from(Problem::of("reports", ProblemCode::TooLong, message)));
            }
            let now = ground.clock.now();
            let rows = input.reports.into_iter().map(|item| said(&item, now)).collect();
            let outcomes = usage::report(viewer, ground, id, rows).await?;
            Ok(UsageReportPayload::of(outcomes.into_iter().map(|outcome| outcome.map(Some)).collect()))
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(UsageReportPayload::of(earlier.rows::<usage_mark::Entity>().await?))
        };
        UsageReportPayload::answer(asked.answer(work, again).await)
    }
}

fn said(item: &UsageReportItem, now: Timestamp) -> std::result::Result<Said, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut line = |field: &str, text: &str, max: usize| {
        let text = text.trim().to_owned();
        if text.chars().count() > max || text.chars().any(char::is_control) {
            let message = format!("give at most {max} characters, on one line");
            problems.push(Problem::of(field, ProblemCode::TooLong, message));
        }
        text
    };
    let source = line("source", &item.source, MAX_SOURCE);
    let client_ref = item.client_ref.as_deref().map(|text| line("clientRef", text, MAX_REF));
    let product = item.product.trim().to_owned();
    let quantity = quantity(item.quantity).map_err(|problem| problems.push(problem)).ok();
    let company_id = ids::parse_option::<company::Entity>(item.company_id.as_ref(), &["companyId"]);
    let company_id = company_id.map_err(|problem| problems.push(problem)).ok().flatten();
    let whom = match (company_id, client_ref.filter(|name| !name.is_empty())) {
        (Some(id), None) => Some(Whom::Company(id)),
        (None, Some(name)) => Some(Whom::KnownAs(name)),
        (Some(_), Some(_)) => {
            let message = "name the company once: by companyId or by clientRef";
            problems.push(Problem::of("clientRef", ProblemCode::Invalid, message));
            None
        }
        (None, None) => {
            if problems.iter().all(|problem| problem.field.first().is_none_or(|field| field != "companyId")) {
                let message = "say whose count it is, by companyId or by clientRef";
                problems.push(Problem::of("companyId", ProblemCode::Required, message));
            }
            None
        }
    };
    let observed_at = item.observed_at.map_or(now, |at| at.0);
    match (whom, quantity) {
        (Some(whom), Some(quantity)) if problems.is_empty() => {
            let source = if source.is_empty() { BY_API.to_owned() } else { source };
            Ok(Said { source, whom, product, quantity, observed_at })
        }
        _ => Err(problems),
    }
}
