//! Creating companies and configurations.

use serde_json::{Value, json};

use super::{
    api,
    deeds::API_MEMBER,
    deliveries::Action,
    errors::{self, Problem},
    patch,
    resources::{COMPANY, CONFIGURATION, Table},
    row::{self, Row},
    store,
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, Reply};

/// One of them is required, says the vendor's document.
const ADDRESS: [&str; 6] = ["addressLine1", "addressLine2", "city", "state", "zip", "country"];

impl ConnectWiseWorld {
    pub(super) fn create_company(&mut self, call: &Call) -> Result<Reply, Reply> {
        let body = writing::object(call, COMPANY.name)?;
        let refuse = |problems: Vec<Problem>| errors::invalid(COMPANY.name, &problems);
        let mut row = writing::checked(&COMPANY, &[], body).map_err(refuse)?;
        row.retain(|_, value| !value.is_null());
        // A site is made along with the company, from its name.
        let site = row.remove("site").and_then(|site| site.get("name")?.as_str().map(str::to_owned));
        self.check_company(&row, site.as_deref()).map_err(refuse)?;
        self.resolve_all(Table::Companies, &mut row, None).map_err(refuse)?;
        self.resolve_types(&mut row).map_err(refuse)?;
        if !row.contains_key("status") {
            let mut statuses = self.rows(Table::CompanyStatuses).iter();
            if let Some(usual) = statuses.find(|status| row::flag(status, "defaultFlag")) {
                row.insert("status".to_owned(), store::reference(Table::CompanyStatuses, usual));
            }
        }
        let id = self.next_id(Table::Companies);
        let flags = json!({
            "id": id, "deletedFlag": false, "leadFlag": false, "isVendorFlag": false, "unsubscribeFlag": false,
            "integratorTags": [], "customFields": [],
        });
        for (name, value) in row::row(flags) {
            row.entry(name).or_insert(value);
        }
        self.stamp(&mut row, &self.member_name(API_MEMBER));
        let site_id = self.next_id(Table::Sites);
        row.insert("site".to_owned(), json!({ "id": site_id, "name": site }));
        self.keep(Table::Companies, row);
        let site = json!({
            "id": site_id, "name": site, "primaryAddressFlag": true, "inactiveFlag": false, "company": { "id": id },
        });
        self.keep(Table::Sites, row::row(site));
        Ok(self.made(call, Table::Companies, "company", id))
    }

    fn check_company(&self, row: &Row, site: Option<&str>) -> Result<(), Vec<Problem>> {
        let text = |name: &str| row::text(row, name).filter(|text| !text.trim().is_empty());
        let mut problems = Vec::new();
        for name in ["identifier", "name"] {
            if text(name).is_none() {
                problems.push(Problem::missing(name));
            }
        }
        let identifier = text("identifier").unwrap_or_default();
        let most = self.options.identifier_length;
        if identifier.encode_utf16().count() > most {
            let message = format!("The field identifier must be a string with a maximum length of {most}.");
            problems.push(Problem::invalid("identifier", message));
        }
        if !ADDRESS.iter().any(|name| row.contains_key(*name)) {
            problems.push(Problem::missing("addressLine1"));
        }
        if site.is_none_or(|site| site.trim().is_empty()) {
            problems.push(Problem::missing("site/name"));
        }
        if row.get("types").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            problems.push(Problem::missing("types"));
        }
        let known = |company: &Row| {
            row::text(company, "identifier").is_some_and(|known| known.eq_ignore_ascii_case(identifier))
        };
        if self.rows(Table::Companies).iter().any(known) {
            let message = format!("A company with the identifier {identifier} already exists");
            problems.push(Problem::exists("identifier", message));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn resolve_types(&self, row: &mut Row) -> Result<(), Vec<Problem>> {
        let given = row.get("types").and_then(Value::as_array).cloned().unwrap_or_default();
        let found = given.iter().map(|kind| self.resolve(Table::CompanyTypes, "types", kind, None));
        let found = found.collect::<Result<Vec<_>, _>>().map_err(|problem| vec![problem])?;
        row.insert("types".to_owned(), Value::Array(found));
        Ok(())
    }

    /// Expands the references that were written; what belongs to a company must belong to `company`.
    fn resolve_all(&self, table: Table, row: &mut Row, company: Option<i64>) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for (name, target) in api::references(table.resource().fields) {
            let Some(given) = row.get(name) else { continue };
            match self.resolve(target, name, given, company) {
                Ok(reference) => {
                    row.insert(name.to_owned(), reference);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    pub(super) fn create_configuration(&mut self, call: &Call) -> Result<Reply, Reply> {
        let body = writing::object(call, CONFIGURATION.name)?;
        let refuse = |problems: Vec<Problem>| errors::invalid(CONFIGURATION.name, &problems);
        let mut row = writing::checked(&CONFIGURATION, &[], body).map_err(refuse)?;
        row.retain(|_, value| !value.is_null());
        let missing = ["name", "type", "company"].into_iter().filter(|name| !row.contains_key(*name));
        let missing: Vec<_> = missing.map(Problem::missing).collect();
        if !missing.is_empty() {
            return Err(refuse(missing));
        }
        let company = row.get("company").map(|given| self.resolve(Table::Companies, "company", given, None));
        let company = company.transpose().map_err(|problem| refuse(vec![problem]))?;
        let company = company.and_then(|company| company.get("id")?.as_i64());
        self.resolve_all(Table::Configurations, &mut row, company).map_err(refuse)?;
        self.check_questions(&row).map_err(|problem| refuse(vec![problem]))?;
        let id = self.next_id(Table::Configurations);
        let usual = json!({
            "id": id, "activeFlag": true, "billFlag": false, "needsRenewalFlag": false,
            "status": { "id": 1 }, "questions": [], "customFields": [],
        });
        for (name, value) in row::row(usual) {
            row.entry(name).or_insert(value);
        }
        self.stamp(&mut row, &self.member_name(API_MEMBER));
        self.keep(Table::Configurations, row);
        Ok(self.made(call, Table::Configurations, "configuration", id))
    }

    pub(super) fn patch_configuration(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let missing = || errors::not_found(CONFIGURATION.label, &id.to_string());
        let current = self.find(Table::Configurations, id).ok_or_else(missing)?.clone();
        let body = writing::body(call, CONFIGURATION.name)?;
        let written = patch::read(&CONFIGURATION, &[], &current, body)?;
        let mut changed = current;
        changed.extend(written);
        changed.retain(|_, value| !value.is_null());
        self.stamp(&mut changed, &self.member_name(API_MEMBER));
        let reply = api::one(call, 200, &changed);
        if let Some(kept) = self.find_mut(Table::Configurations, id) {
            *kept = changed;
        }
        Ok(reply)
    }

    /// A type may have questions that must be answered.
    fn check_questions(&self, row: &Row) -> Result<(), Problem> {
        let kind = row::int(row, "type/id");
        let answers = row.get("questions").and_then(Value::as_array);
        let is_answered = |question: i64| {
            let mut answers = answers.into_iter().flatten();
            answers.any(|answer| {
                answer.get("questionId").and_then(Value::as_i64) == Some(question)
                    && answer.get("answer").is_some_and(|answer| !answer.is_null() && *answer != json!(""))
            })
        };
        let mut questions = self.rows(Table::ConfigurationQuestions).iter().filter(|question| {
            row::int(question, "configurationType/id") == kind && row::flag(question, "requiredFlag")
        });
        match questions.find(|question| !is_answered(row::id(question))) {
            Some(question) => Err(Problem::missing(row::text(question, "question").unwrap_or_default())),
            None => Ok(()),
        }
    }

    /// Tells the subscribers of a new record, and answers with it.
    fn made(&mut self, call: &Call, table: Table, kind: &str, id: i64) -> Reply {
        let row = self.find(table, id).cloned().unwrap_or_default();
        self.emit(kind, Action::Added, &row, API_MEMBER);
        api::one(call, 201, &row)
    }
}
