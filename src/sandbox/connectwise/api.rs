//! Which path answers what.

use serde_json::{Value, json};

use super::{
    errors,
    listing::{self, Listing},
    resources::{Kind, Member, Table},
    row::{self, Row},
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, Reply};

/// What is answered with where no version is asked for: the newest.
const NEWEST: &str = "2026.4";

/// A list under a path; `{}` is the id of the record that the list belongs to.
struct Listed {
    path: &'static [&'static str],
    table: Table,
    /// The twin with fewer fields.
    is_light: bool,
}

const fn full(path: &'static [&'static str], table: Table) -> Listed {
    Listed { path, table, is_light: false }
}

const fn light(path: &'static [&'static str], table: Table) -> Listed {
    Listed { path, table, is_light: true }
}

/// Paths are written as in the vendor's document, the case of `SLAs` included.
const LISTED: &[Listed] = &[
    full(&["company", "companies"], Table::Companies),
    light(&["company", "companies", "info"], Table::Companies),
    full(&["company", "companies", "types"], Table::CompanyTypes),
    light(&["company", "companies", "info", "types"], Table::CompanyTypes),
    full(&["company", "companies", "statuses"], Table::CompanyStatuses),
    full(&["company", "companies", "{}", "sites"], Table::Sites),
    light(&["company", "companies", "{}", "sites", "info"], Table::Sites),
    full(&["company", "marketDescriptions"], Table::Markets),
    light(&["company", "marketDescriptions", "info"], Table::Markets),
    full(&["company", "contacts"], Table::Contacts),
    light(&["company", "contacts", "info"], Table::Contacts),
    full(&["company", "contacts", "types"], Table::ContactTypes),
    full(&["company", "configurations"], Table::Configurations),
    full(&["company", "configurations", "types"], Table::ConfigurationTypes),
    full(&["company", "configurations", "types", "{}", "questions"], Table::ConfigurationQuestions),
    full(&["company", "configurations", "statuses"], Table::ConfigurationStatuses),
    light(&["company", "configurations", "statuses", "info"], Table::ConfigurationStatuses),
    full(&["finance", "agreements"], Table::Agreements),
    full(&["finance", "agreements", "types"], Table::AgreementTypes),
    full(&["finance", "agreements", "{}", "additions"], Table::Additions),
    full(&["procurement", "manufacturers"], Table::Manufacturers),
    light(&["procurement", "manufacturers", "info"], Table::Manufacturers),
    full(&["service", "boards"], Table::Boards),
    light(&["service", "info", "boards"], Table::Boards),
    full(&["service", "boards", "{}", "statuses"], Table::Statuses),
    light(&["service", "boards", "{}", "statuses", "info"], Table::Statuses),
    full(&["service", "boards", "{}", "types"], Table::Types),
    full(&["service", "boards", "{}", "subtypes"], Table::SubTypes),
    light(&["service", "boards", "{}", "subtypes", "info"], Table::SubTypes),
    full(&["service", "boards", "{}", "items"], Table::Items),
    full(&["service", "boards", "{}", "teams"], Table::Teams),
    light(&["service", "boards", "{}", "teams", "info"], Table::Teams),
    full(&["service", "boards", "{}", "typeSubTypeItemAssociations"], Table::Associations),
    full(&["service", "priorities"], Table::Priorities),
    full(&["service", "sources"], Table::Sources),
    light(&["service", "sources", "info"], Table::Sources),
    full(&["service", "SLAs"], Table::Slas),
    light(&["service", "slas", "info"], Table::Slas),
    full(&["system", "members"], Table::Members),
    light(&["system", "info", "members"], Table::Members),
    full(&["system", "callbacks"], Table::Callbacks),
    full(&["system", "integratorTags"], Table::IntegratorTags),
    full(&["time", "workRoles"], Table::WorkRoles),
    light(&["time", "workRoles", "info"], Table::WorkRoles),
];

impl ConnectWiseWorld {
    /// Any call to the vendor's own paths.
    pub(super) fn respond(&mut self, call: &Call) -> Result<Reply, Reply> {
        let segments = call.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["login", "companyinfo", company] => Ok(self.company_info(call, company)),
            [codebase, "system", "callbackkey", "index.rails"] => Ok(self.signing_key(call, codebase)),
            [codebase, "apis", "3.0", rest @ ..] => {
                self.admit(call, codebase)?;
                self.allow(&call.method, rest)?;
                self.serve(call, rest).map(|reply| versioned(call, reply))
            }
            _ => Err(Reply::html(404, "Not Found")),
        }
    }

    fn serve(&mut self, call: &Call, parts: &[&str]) -> Result<Reply, Reply> {
        match (call.method.as_str(), parts) {
            ("GET", ["system", "info"]) => Ok(self.system_info()),
            (_, ["system", "info"]) => Err(errors::wrong_method(&call.method)),
            (_, ["service", "tickets", rest @ ..]) => self.serve_tickets(call, rest),
            (_, ["project", "tickets", rest @ ..]) => self.serve_project_tickets(call, rest),
            ("POST", ["company", "companies"]) => self.create_company(call),
            ("POST", ["company", "configurations"]) => self.create_configuration(call),
            ("PATCH", ["company", "configurations", id]) => self.patch_configuration(call, number(id)?),
            ("POST", ["system", "callbacks"]) => self.create_callback(call),
            ("PATCH", ["system", "callbacks", id]) => self.patch_callback(call, number(id)?),
            ("DELETE", ["system", "callbacks", id]) => self.delete_callback(number(id)?),
            ("PATCH", ["finance", "agreements", agreement, "additions", id]) => {
                self.patch_addition(call, number(agreement)?, number(id)?)
            }
            ("POST", ["system", "integratorTags"]) => self.create_integrator_tag(call),
            _ => self.serve_list(call, parts),
        }
    }

    fn system_info(&self) -> Reply {
        let version = self.options.codebase.trim_end_matches('/').replace('_', ".");
        Reply::ok(&json!({
            "version": format!("{version}.98213"),
            "isCloud": self.options.is_cloud,
            "serverTimeZone": "Eastern Standard Time",
            "licenseBits": [{ "name": "Service", "activeFlag": true }, { "name": "Project", "activeFlag": true }],
            "cloudRegion": "NA",
        }))
    }

    fn serve_list(&self, call: &Call, parts: &[&str]) -> Result<Reply, Reply> {
        let found = LISTED.iter().filter_map(|listed| Some((listed, fits(listed.path, parts)?)));
        let (listed, parent) =
            found.max_by_key(|(listed, _)| listed.path.len()).ok_or_else(errors::no_endpoint)?;
        let rest = parts.get(listed.path.len()..).unwrap_or_default();
        let table = listed.table;
        let resource = table.resource();
        let parent = self.parent_of(table, parent)?;
        let has_search = matches!(table, Table::Companies | Table::Contacts | Table::Configurations);
        let is_search = rest == ["search"] && has_search && !listed.is_light;
        match (call.method.as_str(), rest) {
            ("GET", [] | [_]) if !is_search => {}
            ("POST", _) if is_search => {}
            (_, [] | [_]) => return Err(errors::wrong_method(&call.method)),
            _ => return Err(errors::no_endpoint()),
        }
        let light_fields = if listed.is_light { resource.light_fields() } else { Vec::new() };
        let fields: &[Member] = if listed.is_light { &light_fields } else { resource.fields };
        let lighter: Vec<Row>;
        let rows = self.rows(table);
        let rows = if listed.is_light {
            lighter = rows.iter().map(|row| lighten(row, resource.light)).collect();
            lighter.as_slice()
        } else {
            rows
        };
        let originals = self.rows(table);
        let belongs = |original: &Row| {
            let owner = |field: &str| {
                row::int(original, &format!("{field}/id")).or_else(|| row::int(original, field))
            };
            parent.is_none_or(|(field, id)| owner(field) == Some(id))
        };
        let own = rows.iter().zip(originals).filter(|(_, original)| belongs(original)).map(|(row, _)| row);
        match rest {
            [] => Ok(Listing::read(call, fields, &self.options)?.page(own)),
            ["count"] => Ok(Listing::read(call, fields, &self.options)?.count(own)),
            ["search"] if is_search => {
                let body = writing::object(call, "filterValues")?;
                Ok(Listing::search(call, &body, fields, &self.options)?.page(own))
            }
            [id, ..] => {
                let wanted = number(id)?;
                let mut own = own;
                let found = own.find(|row| row::id(row) == wanted);
                let found = found.ok_or_else(|| errors::not_found(resource.label, id))?;
                Ok(one(call, 200, found))
            }
        }
    }

    /// The field and the id that the records of a list must have; the record itself must be there.
    fn parent_of(&self, table: Table, id: Option<i64>) -> Result<Option<(&'static str, i64)>, Reply> {
        let (Some(id), Some((field, parent))) = (id, table.parent()) else { return Ok(None) };
        let found = self.find(parent, id);
        found.ok_or_else(|| errors::not_found(parent.resource().label, &id.to_string()))?;
        Ok(Some((field, id)))
    }
}

/// Whether a path begins with a list's; inside, the id in place of `{}`.
#[expect(clippy::option_option, reason = "no match, a match, and a match with an id")]
fn fits(path: &[&str], parts: &[&str]) -> Option<Option<i64>> {
    let begins = parts.get(..path.len())?;
    let mut parent = None;
    for (wanted, part) in path.iter().zip(begins) {
        match *wanted {
            "{}" => parent = Some(part.parse().ok()?),
            wanted if wanted == *part => {}
            _ => return None,
        }
    }
    Some(parent)
}

/// Only the light twin's fields, under its names.
fn lighten(row: &Row, fields: &[(&str, &str)]) -> Row {
    let kept = fields.iter().map(|(name, own)| (*name, *own)).chain([("_info", "_info")]);
    kept.filter_map(|(name, own)| Some((name.to_owned(), row.get(own)?.clone()))).collect()
}

/// An id in a path; the API has no path for anything else there.
pub(super) fn number(text: &str) -> Result<i64, Reply> {
    text.parse().map_err(|_| errors::no_endpoint())
}

/// One record, with the fields asked for.
pub(super) fn one(call: &Call, status: u16, row: &Row) -> Reply {
    let fields = listing::fields_asked(&call.query());
    Reply::json(status, &Value::Object(listing::shown(row, &fields)))
}

/// Good answers carry the media type that was asked for.
fn versioned(call: &Call, mut reply: Reply) -> Reply {
    if reply.content_type.take().is_none() {
        return reply;
    }
    let asked = call.header("accept").split_once("application/vnd.connectwise.com+json;");
    let version = asked.and_then(|(_, rest)| rest.trim().strip_prefix("version=")).unwrap_or(NEWEST);
    let version: String = version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    reply.with("content-type", format!("application/vnd.connectwise.com+json; version={version}"))
}

/// Names and kinds of a record's references.
pub(super) fn references(fields: &'static [Member]) -> impl Iterator<Item = (&'static str, Table)> {
    fields.iter().filter_map(|(name, kind)| match kind {
        Kind::Ref(table) => Some((*name, *table)),
        _ => None,
    })
}
