//! What must be true for a policy to match, as it is typed.

use async_graphql::{Enum, InputObject, OneofObject};

use crate::{
    decisions::conditions::{
        self, Condition, FieldTest, FlagField, NumberField, NumberIs, SeverityIs, TextField, TextIs,
    },
    graphql::types::Severity,
};

/// A condition: others joined, or a test of a field. At most 8 levels and 100 conditions altogether.
///
/// What the sender did not say neither holds nor fails, and what hangs on it does neither: a policy whose conditions
/// depend on it does not match, and the trace says so. A test with `orUnknown` holds then. A label that an event does
/// not carry is absent, which is known.
#[derive(Debug, OneofObject)]
pub enum PolicyConditionInput {
    /// Every one of these.
    All(Vec<PolicyConditionInput>),
    /// One of these at least.
    Any(Vec<PolicyConditionInput>),
    /// Not this.
    Not(Box<PolicyConditionInput>),
    /// The severity.
    Severity(PolicySeverityTestInput),
    /// A number.
    Number(PolicyNumberTestInput),
    /// Whether something is so.
    Flag(PolicyFlagTestInput),
    /// A text.
    Text(PolicyTextTestInput),
}

/// A test of the severity.
#[derive(Debug, InputObject)]
pub struct PolicySeverityTestInput {
    /// What it must be.
    pub is: PolicySeverityIsInput,
    /// Whether it holds where the severity is not known.
    #[graphql(default)]
    pub or_unknown: bool,
}

/// What a severity must be. UNKNOWN cannot be compared with: use `known`.
#[derive(Debug, OneofObject)]
pub enum PolicySeverityIsInput {
    /// This or worse.
    AtLeast(Severity),
    /// This or less bad.
    AtMost(Severity),
    /// One of these, 50 at the most.
    OneOf(Vec<Severity>),
    /// Known, or not.
    Known(bool),
}

/// Numbers that can be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "NumberField")]
pub enum PolicyNumberField {
    /// The highest CVSS base score of its vulnerabilities, 0 to 10.
    Cvss,
    /// The highest EPSS probability of its vulnerabilities, 0 to 1.
    Epss,
    /// How long ago the finding was first seen, in seconds.
    FirstSeenAgeSeconds,
    /// How often the finding was seen.
    SeenCount,
}

/// A test of a number.
#[derive(Debug, InputObject)]
pub struct PolicyNumberTestInput {
    /// Which number.
    pub field: PolicyNumberField,
    /// What it must be.
    pub is: PolicyNumberIsInput,
    /// Whether it holds where the number is not known.
    #[graphql(default)]
    pub or_unknown: bool,
}

/// What a number must be.
#[derive(Debug, OneofObject)]
pub enum PolicyNumberIsInput {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// Known, or not.
    Known(bool),
}

/// What can be so or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "FlagField")]
pub enum PolicyFlagField {
    /// A vulnerability is in CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// Ransomware is known to use a vulnerability (the same catalogue).
    Ransomware,
}

/// A test of what is so or not.
#[derive(Debug, InputObject)]
pub struct PolicyFlagTestInput {
    /// What.
    pub field: PolicyFlagField,
    /// Whether it must be so, or must not.
    #[graphql(default = true)]
    pub is: bool,
    /// Whether it holds where it is not known.
    #[graphql(default)]
    pub or_unknown: bool,
}

/// Texts that can be tested: one of these. Upper and lower case are the same.
#[derive(Debug, OneofObject)]
pub enum PolicyTextFieldInput {
    /// One that every event may have.
    Of(PolicyTextField),
    /// The value of the label (or tag) of this name, at most 128 characters.
    Label(String),
}

/// Texts that can be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PolicyTextField {
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
}

/// A test of a text.
#[derive(Debug, InputObject)]
pub struct PolicyTextTestInput {
    /// Which text.
    pub field: PolicyTextFieldInput,
    /// What it must be.
    pub is: PolicyTextIsInput,
    /// Whether it holds where the text is not known.
    #[graphql(default)]
    pub or_unknown: bool,
}

/// What a text must be.
#[derive(Debug, OneofObject)]
pub enum PolicyTextIsInput {
    /// One of these, 50 at the most, each of at most 200 characters.
    OneOf(Vec<String>),
    /// With this somewhere in it, at most 200 characters.
    Contains(String),
    /// Known, or not.
    Known(bool),
}

impl From<PolicyConditionInput> for Condition {
    fn from(typed: PolicyConditionInput) -> Self {
        let all = |typed: Vec<PolicyConditionInput>| typed.into_iter().map(Self::from).collect();
        match typed {
            PolicyConditionInput::All(parts) => Self::All(all(parts)),
            PolicyConditionInput::Any(parts) => Self::Any(all(parts)),
            PolicyConditionInput::Not(inner) => Self::Not(Box::new(Self::from(*inner))),
            PolicyConditionInput::Severity(test) => Self::Severity(conditions::Test {
                is: match test.is {
                    PolicySeverityIsInput::AtLeast(one) => SeverityIs::AtLeast(one.into()),
                    PolicySeverityIsInput::AtMost(one) => SeverityIs::AtMost(one.into()),
                    PolicySeverityIsInput::OneOf(some) => {
                        SeverityIs::OneOf(some.into_iter().map(Into::into).collect())
                    }
                    PolicySeverityIsInput::Known(is) => SeverityIs::Known(is),
                },
                or_unknown: test.or_unknown,
            }),
            PolicyConditionInput::Number(test) => Self::Number(FieldTest {
                field: NumberField::from(test.field),
                is: match test.is {
                    PolicyNumberIsInput::AtLeast(number) => NumberIs::AtLeast(number),
                    PolicyNumberIsInput::AtMost(number) => NumberIs::AtMost(number),
                    PolicyNumberIsInput::Known(is) => NumberIs::Known(is),
                },
                or_unknown: test.or_unknown,
            }),
            PolicyConditionInput::Flag(test) => Self::Flag(FieldTest {
                field: FlagField::from(test.field),
                is: test.is,
                or_unknown: test.or_unknown,
            }),
            PolicyConditionInput::Text(test) => Self::Text(FieldTest {
                field: test.field.into(),
                is: match test.is {
                    PolicyTextIsInput::OneOf(texts) => TextIs::OneOf(texts),
                    PolicyTextIsInput::Contains(part) => TextIs::Contains(part),
                    PolicyTextIsInput::Known(is) => TextIs::Known(is),
                },
                or_unknown: test.or_unknown,
            }),
        }
    }
}

impl From<PolicyTextFieldInput> for TextField {
    fn from(typed: PolicyTextFieldInput) -> Self {
        match typed {
            PolicyTextFieldInput::Label(name) => Self::Label(name),
            PolicyTextFieldInput::Of(field) => match field {
                PolicyTextField::Category => Self::Category,
                PolicyTextField::Kind => Self::Kind,
                PolicyTextField::Product => Self::Product,
                PolicyTextField::AssetName => Self::AssetName,
                PolicyTextField::AssetType => Self::AssetType,
                PolicyTextField::User => Self::User,
                PolicyTextField::Title => Self::Title,
            },
        }
    }
}
