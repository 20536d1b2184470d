//! An asset as the PSA keeps it: a copy.

use std::fmt::Write as _;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use entity::{company, configuration, psa_company, psa_connection};

use super::{OrderDirection, PsaCompany, PsaConnection, ReferenceFilter, filters::ordering};
use crate::{
    db::page::PageArgs,
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        connection::{Listing, connection},
        ids,
        scalars::{DateTime, Url},
    },
    sync::configurations::{self, ConfigurationList, ConfigurationsOf, Days},
};

/// For how many days before its end a warranty is said to be ending.
const ENDING_DAYS: i64 = 90;

/// An asset as the PSA keeps it: a copy.
pub struct Configuration(pub configuration::Model);

impl From<configuration::Model> for Configuration {
    fn from(row: configuration::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of configurations, by name unless ordered otherwise: the copy that was read last.
    ConfigurationConnection, ConfigurationEdge, Configuration, ConfigurationList
}

/// How a warranty stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WarrantyState {
    /// It lasts for more than 90 days.
    Active,
    /// It ends within 90 days.
    Ending,
    /// It is over.
    Expired,
    /// No end is known.
    Unknown,
}

impl WarrantyState {
    /// When a warranty ends that stands so today.
    fn days(self, today: NaiveDate) -> Days {
        let day = |day: NaiveDate| Some(day.format("%Y-%m-%d").to_string());
        let later = today + chrono::Duration::days(ENDING_DAYS + 1);
        match self {
            Self::Active => Days { from: day(later), ..Days::default() },
            Self::Ending => Days { from: day(today), until: day(later), ..Days::default() },
            Self::Expired => Days { until: day(today), ..Days::default() },
            Self::Unknown => Days { is_known: Some(false), ..Days::default() },
        }
    }
}

/// A warranty.
#[derive(Clone, Debug, SimpleObject)]
pub struct Warranty {
    /// How it stands today, in UTC.
    pub state: WarrantyState,
    /// For how many days it lasts; less than 0 where it is over, null where no end is known.
    pub days_left: Option<i64>,
}

/// What a field of the PSA says.
#[derive(Clone, Debug, SimpleObject)]
pub struct ConfigurationFieldValue {
    /// The PSA's key of the field; `custom:` stands before the names of those that people have made.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// A day.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DayFilter {
    /// Not before this, as in `2026-01-31`.
    pub gte: Option<String>,
    /// Before this, as in `2026-01-31`.
    pub lt: Option<String>,
    /// Whether a day is known at all.
    pub is_known: Option<bool>,
}

impl DayFilter {
    fn read(filter: Option<Self>, field: &str) -> Result<Days, Problem> {
        let Some(filter) = filter else { return Ok(Days::default()) };
        let day = |text: Option<String>, name: &str| match text {
            Some(text) if NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok() && text.len() == 10 => {
                Ok(Some(text))
            }
            Some(_) => {
                let message = "is no day; write it as in 2026-01-31";
                Err(Problem::at(&["filter", field, name], ProblemCode::Invalid, message))
            }
            None => Ok(None),
        };
        Ok(Days { from: day(filter.gte, "gte")?, until: day(filter.lt, "lt")?, is_known: filter.is_known })
    }
}

/// Which configurations; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ConfigurationFilter {
    /// Part of the name, serial number or PSA's id, in upper or lower case.
    pub query: Option<String>,
    /// Whose: companies of ours.
    pub company: Option<ReferenceFilter>,
    /// Of one of these types, in the PSA's words.
    pub configuration_type_in: Option<Vec<String>>,
    /// In one of these statuses, in the PSA's words.
    pub status_in: Option<Vec<String>>,
    /// Made by one of these.
    pub manufacturer_in: Option<Vec<String>>,
    /// Whether it is in use.
    pub is_active: Option<bool>,
    /// Whether the PSA no longer lists it.
    pub is_missing: Option<bool>,
    /// When it was bought.
    pub purchased_on: Option<DayFilter>,
    /// When its warranty ends.
    pub expires_on: Option<DayFilter>,
    /// How its warranty stands today.
    pub warranty_in: Option<Vec<WarrantyState>>,
}

ordering! {
    /// The order of configurations; those that are equal stand in the order of their ids, those of which nothing is known
    /// first when ascending.
    ConfigurationOrder, ConfigurationOrderField of configuration, Asc, [
        /// Their names.
        #[default]
        Name,
        /// Their serial numbers.
        SerialNumber,
        /// When they were bought: the oldest first when ascending.
        PurchasedOn,
        /// When their warranties end.
        ExpiresOn,
        /// Who made them.
        Manufacturer,
    ]
}

impl ConfigurationFilter {
    /// The domain's list.
    pub fn read(
        self,
        ctx: &Context<'_>,
        of: ConfigurationsOf,
        order_by: Option<ConfigurationOrder>,
    ) -> Result<ConfigurationList> {
        let today = today(ctx)?;
        let spans = |states: Vec<WarrantyState>| states.into_iter().map(|state| state.days(today)).collect();
        let company_ids = ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company");
        Ok(ConfigurationList {
            of,
            filter: configurations::ConfigurationFilter {
                text: self.query,
                company_ids: company_ids.map_err(Error::from)?,
                types: self.configuration_type_in,
                statuses: self.status_in,
                manufacturers: self.manufacturer_in,
                is_active: self.is_active,
                is_missing: self.is_missing,
                purchased: DayFilter::read(self.purchased_on, "purchasedOn").map_err(Error::from)?,
                expires: DayFilter::read(self.expires_on, "expiresOn").map_err(Error::from)?,
                warranty: self.warranty_in.map(spans),
            },
            order: order_by.map(Into::into),
        })
    }
}

/// The day that it is, in UTC.
fn today(ctx: &Context<'_>) -> Result<NaiveDate> {
    Ok(ctx.ground()?.clock.now().datetime().date_naive())
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

impl Configuration {
    fn days_old(&self, today: NaiveDate) -> Option<i64> {
        Some((today - day(&self.0.purchased_on)?).num_days())
    }

    fn warranty_on(&self, today: NaiveDate) -> Warranty {
        let days_left = day(&self.0.expires_on).map(|end| (end - today).num_days());
        let state = match days_left {
            None => WarrantyState::Unknown,
            Some(days) if days < 0 => WarrantyState::Expired,
            Some(days) if days <= ENDING_DAYS => WarrantyState::Ending,
            Some(_) => WarrantyState::Active,
        };
        Warranty { state, days_left }
    }
}

/// An asset as the PSA keeps it: a copy.
#[Object]
impl Configuration {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<configuration::Entity>(self.0.id)
    }

    /// Through which connection it was read.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The PSA's company whose it is; its `mappings` name yours.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// The PSA's id.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    /// Its name in the PSA.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its type in the PSA's words.
    async fn configuration_type(&self) -> Option<&str> {
        self.0.configuration_type.as_deref()
    }

    /// Its status in the PSA's words, where the PSA has statuses.
    async fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// Whether it is in use.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Where a person opens it in the PSA.
    async fn external_url(&self) -> Option<Url> {
        self.0.external_url.clone().map(Url)
    }

    /// Its serial number.
    async fn serial_number(&self) -> Option<&str> {
        known(&self.0.serial_number)
    }

    /// The day on which it was bought, as in `2026-01-31`.
    async fn purchased_on(&self) -> Option<&str> {
        known(&self.0.purchased_on)
    }

    /// The day on which its warranty ends, as in `2026-01-31`.
    async fn expires_on(&self) -> Option<&str> {
        known(&self.0.expires_on)
    }

    /// Its memory, in the PSA's words.
    async fn ram(&self) -> Option<&str> {
        known(&self.0.ram)
    }

    /// Its operating system, in the PSA's words.
    async fn os_type(&self) -> Option<&str> {
        known(&self.0.os_type)
    }

    /// Who made it.
    async fn manufacturer(&self) -> Option<&str> {
        known(&self.0.manufacturer)
    }

    /// How many days ago it was bought; null where that is not known.
    async fn age_days(&self, ctx: &Context<'_>) -> Result<Option<i64>> {
        Ok(self.days_old(today(ctx)?))
    }

    /// How its warranty stands.
    async fn warranty(&self, ctx: &Context<'_>) -> Result<Warranty> {
        Ok(self.warranty_on(today(ctx)?))
    }

    /// What was downloaded of it, by key.
    async fn fields(&self) -> Vec<ConfigurationFieldValue> {
        let fields = self.0.fields.as_object().into_iter().flatten();
        fields
            .filter_map(|(key, value)| {
                Some(ConfigurationFieldValue { key: key.clone(), value: value.as_str()?.to_owned() })
            })
            .collect()
    }

    /// Since when the PSA no longer lists it, or not among what is downloaded; null where it does.
    async fn missing_since(&self) -> Option<DateTime> {
        self.0.missing_since.map(DateTime)
    }

    /// When something of it was other than at the reading before, last; null where nothing was.
    async fn changed_at(&self) -> Option<DateTime> {
        self.0.changed_at.map(DateTime)
    }

    /// When it was last read as something new or changed; `ConfigurationSync.syncedAt` says when all were read.
    async fn synced_at(&self) -> DateTime {
        self.0.synced_at.into()
    }
}

/// A page of configurations as comma-separated values (RFC 4180).
#[derive(Clone, Debug, SimpleObject)]
pub struct ConfigurationExport {
    /// The lines; the first page begins with the names of the columns. Put the pages one behind the other.
    pub csv: String,
    /// The cursor of the last line; null on an empty page.
    pub end_cursor: Option<String>,
    /// Whether there are more lines: ask again with `after: endCursor`.
    pub has_next_page: bool,
}

const COLUMNS: &str = "name,company,type,status,active,serial number,manufacturer,ram,os type,purchase date,\
                       expiration date,age in days,warranty,days left,missing since,PSA id,link\r\n";

/// A page of a list as lines.
pub(super) async fn export(
    ctx: &Context<'_>,
    organization_id: uuid::Uuid,
    list: ConfigurationList,
    args: PageArgs,
) -> Result<ConfigurationExport> {
    let (is_first, today) = (args.after.is_none(), today(ctx)?);
    let listing = Listing::new(organization_id, list, &args)?;
    let slice = listing.slice(ctx).await?;
    let mut csv = if is_first { COLUMNS.to_owned() } else { String::new() };
    let loaders = ctx.loaders()?;
    for row in &slice.rows {
        let owner = loaders.row::<psa_company::Entity>(row.psa_company_id).await?;
        let shown = Configuration(row.clone());
        let warranty = shown.warranty_on(today);
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let state = match warranty.state {
            WarrantyState::Active => "active",
            WarrantyState::Ending => "ending",
            WarrantyState::Expired => "expired",
            WarrantyState::Unknown => "",
        };
        let missing = row.missing_since.map(entity::Timestamp::rfc3339).unwrap_or_default();
        let cells = [
            row.name.clone(),
            owner.map(|owner| owner.name).unwrap_or_default(),
            row.configuration_type.clone().unwrap_or_default(),
            row.status.clone().unwrap_or_default(),
            if row.is_active { "yes" } else { "no" }.to_owned(),
            row.serial_number.clone(),
            row.manufacturer.clone(),
            row.ram.clone(),
            row.os_type.clone(),
            row.purchased_on.clone(),
            row.expires_on.clone(),
            number(shown.days_old(today)),
            state.to_owned(),
            number(warranty.days_left),
            missing,
            row.external_id.clone(),
            row.external_url.clone().unwrap_or_default(),
        ];
        let cells: Vec<_> = cells.iter().map(|cell| cell_of(cell)).collect();
        let _ = write!(csv, "{}\r\n", cells.join(","));
    }
    let end_cursor = slice.rows.last().map(|row| listing.cursor(row));
    Ok(ConfigurationExport { csv, end_cursor, has_next_page: slice.has_next })
}

/// A cell. What a spreadsheet would take for a formula becomes text: names come from outside.
fn cell_of(text: &str) -> String {
    let is_number = text.parse::<i64>().is_ok();
    let is_formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_is_never_a_formula() {
        assert_eq!(cell_of("PC-17"), "PC-17");
        assert_eq!(cell_of("Acme, Inc. \"East\""), "\"Acme, Inc. \"\"East\"\"\"");
        assert_eq!(cell_of("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell_of("-12"), "-12");
        assert_eq!(cell_of("-1+1"), "'-1+1");
    }
}
