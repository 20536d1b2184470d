//! What must be true for a policy to match, as it is shown.

use async_graphql::{Enum, SimpleObject};

use crate::decisions::conditions::{
    Condition, FlagField, NumberField, NumberIs, SeverityIs, TextField, TextIs, explain,
};

/// What a condition does with those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PolicyConditionJoin {
    /// Every one of them must hold.
    All,
    /// One of them must hold at least.
    Any,
    /// The one below it must not hold.
    Not,
}

/// What conditions can look at. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PolicyConditionField {
    /// How bad it is.
    Severity,
    /// The highest CVSS base score of its vulnerabilities, 0 to 10.
    Cvss,
    /// The highest EPSS probability of its vulnerabilities, 0 to 1.
    Epss,
    /// How long ago the finding was first seen, in seconds.
    FirstSeenAgeSeconds,
    /// How often the finding was seen.
    SeenCount,
    /// Whether a vulnerability is in CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// Whether ransomware is known to use a vulnerability (the same catalogue).
    Ransomware,
    /// Key of the event's category.
    Category,
    /// Name of the event's kind; also of a kind that it is of because of what is known of it.
    Kind,
    /// The product: its name, its maker, or both.
    Product,
    /// The asset: its name or its full name in DNS.
    AssetName,
    /// The kind of asset: `host`, `repo` …
    AssetType,
    /// The user: id, name or e-mail address.
    User,
    /// The title.
    Title,
    /// The value of a label (or tag).
    Label,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PolicyConditionOperator {
    /// The value or more.
    AtLeast,
    /// The value or less.
    AtMost,
    /// One of the values.
    OneOf,
    /// With the value somewhere in it.
    Contains,
    /// So, or not: the value is `true` or `false`.
    Is,
    /// Known, or not: the value is `true` or `false`.
    Known,
}

/// A test of one field.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyConditionTest {
    /// What it looks at.
    pub field: PolicyConditionField,
    /// Name of the label, where it looks at one.
    pub label: Option<String>,
    /// How it compares.
    pub operator: PolicyConditionOperator,
    /// With what: severities in capitals, numbers as they are written, `true` or `false`.
    pub values: Vec<String>,
    /// Whether it holds where the field is not known. Without that, what is not known neither holds nor fails, and the
    /// policy does not match.
    pub or_unknown: bool,
}

/// A condition of a policy, with its place in the tree of them.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyCondition {
    /// Its place in the list, from 0: each stands before those below it.
    pub number: i32,
    /// The number of the condition that it is part of; null for the whole.
    pub parent: Option<i32>,
    /// What it does with those below it; null where it is a test.
    pub join: Option<PolicyConditionJoin>,
    /// The test; null where it joins others.
    pub test: Option<PolicyConditionTest>,
    /// In words, those below it included.
    pub explanation: String,
}

impl PolicyCondition {
    /// A tree of conditions as a list: there is no depth at which a query would have to stop.
    pub fn list(root: &Condition) -> Vec<Self> {
        let mut list = Vec::new();
        add(root, None, &mut list);
        list
    }
}

fn add(condition: &Condition, parent: Option<i32>, list: &mut Vec<PolicyCondition>) {
    let number = i32::try_from(list.len()).unwrap_or(i32::MAX);
    list.push(PolicyCondition {
        number,
        parent,
        join: match condition {
            Condition::All(_) => Some(PolicyConditionJoin::All),
            Condition::Any(_) => Some(PolicyConditionJoin::Any),
            Condition::Not(_) => Some(PolicyConditionJoin::Not),
            _ => None,
        },
        test: test(condition),
        explanation: explain(condition),
    });
    for part in condition.parts() {
        add(part, Some(number), list);
    }
}

fn test(condition: &Condition) -> Option<PolicyConditionTest> {
    use PolicyConditionField as Field;
    use PolicyConditionOperator as By;
    let capitals = |severity: &entity::Severity| severity.word().to_uppercase();
    let mut label = None;
    let (field, (operator, values), or_unknown) = match condition {
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => return None,
        Condition::Severity(test) => {
            let is = match &test.is {
                SeverityIs::AtLeast(one) => (By::AtLeast, vec![capitals(one)]),
                SeverityIs::AtMost(one) => (By::AtMost, vec![capitals(one)]),
                SeverityIs::OneOf(some) => (By::OneOf, some.iter().map(capitals).collect()),
                SeverityIs::Known(is) => (By::Known, vec![is.to_string()]),
            };
            (Field::Severity, is, test.or_unknown)
        }
        Condition::Number(test) => {
            let field = match test.field {
                NumberField::Cvss => Field::Cvss,
                NumberField::Epss => Field::Epss,
                NumberField::FirstSeenAgeSeconds => Field::FirstSeenAgeSeconds,
                NumberField::SeenCount => Field::SeenCount,
            };
            let is = match &test.is {
                NumberIs::AtLeast(number) => (By::AtLeast, vec![number.to_string()]),
                NumberIs::AtMost(number) => (By::AtMost, vec![number.to_string()]),
                NumberIs::Known(is) => (By::Known, vec![is.to_string()]),
            };
            (field, is, test.or_unknown)
        }
        Condition::Flag(test) => {
            let field = match test.field {
                FlagField::Kev => Field::Kev,
                FlagField::Ransomware => Field::Ransomware,
            };
            (field, (By::Is, vec![test.is.to_string()]), test.or_unknown)
        }
        Condition::Text(test) => {
            let field = match &test.field {
                TextField::Category => Field::Category,
                TextField::Kind => Field::Kind,
                TextField::Product => Field::Product,
                TextField::AssetName => Field::AssetName,
                TextField::AssetType => Field::AssetType,
                TextField::User => Field::User,
                TextField::Title => Field::Title,
                TextField::Label(name) => {
                    label = Some(name.clone());
                    Field::Label
                }
            };
            let is = match &test.is {
                TextIs::OneOf(texts) => (By::OneOf, texts.clone()),
                TextIs::Contains(part) => (By::Contains, vec![part.clone()]),
                TextIs::Known(is) => (By::Known, vec![is.to_string()]),
            };
            (field, is, test.or_unknown)
        }
    };
    Some(PolicyConditionTest { field, label, operator, values, or_unknown })
}
