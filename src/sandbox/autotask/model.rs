//! How an entity is described: its paths, its fields, their rules.

use serde_json::{Map, Value};

use super::entities::SPECS;

/// A record: every field by its name in camelCase.
pub(super) type Row = Map<String, Value>;

/// Reading a record's fields.
pub(super) trait Reads {
    fn int(&self, name: &str) -> Option<i64>;
    fn text(&self, name: &str) -> &str;
    fn flag(&self, name: &str) -> bool;
}

impl Reads for Row {
    fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }
}

/// The entities that are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entity {
    Companies,
    Contacts,
    Tickets,
    TicketNotes,
    TicketCategories,
    ConfigurationItems,
    ConfigurationItemTypes,
    Products,
    Resources,
    Roles,
    ResourceRoles,
    ResourceServiceDeskRoles,
    BillingCodes,
    Contracts,
    ContractServices,
    ContractServiceUnits,
    ContractServiceAdjustments,
    TicketWebhooks,
    TicketWebhookFields,
    TicketWebhookExcludedResources,
    WebhookEventErrorLogs,
}

impl Entity {
    /// Its description.
    pub(super) fn spec(self) -> Option<&'static Spec> {
        SPECS.iter().find(|spec| spec.entity == self)
    }
}

/// What can be done to an entity at one of its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// To get, to query and to count.
    Query,
    /// POST.
    Create,
    /// PATCH and PUT.
    Update,
    /// DELETE.
    Delete,
}

impl Verb {
    /// As texts about permissions call it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// An entity's second path, below another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    pub(super) parent: Entity,
    /// `Notes` in `/Tickets/{id}/Notes`.
    pub(super) segment: &'static str,
    /// The field that holds the parent's id.
    pub(super) key: &'static str,
    pub(super) verbs: &'static [Verb],
}

/// One entity.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) entity: Entity,
    /// As in paths.
    pub(super) path: &'static str,
    /// As in texts and references.
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// What the path of its own offers.
    pub(super) verbs: &'static [Verb],
    pub(super) child: Option<Child>,
    /// Whether records call webhooks.
    pub(super) has_webhooks: bool,
    /// The id of the first record made by somebody.
    pub(super) first_id: i64,
}

impl Spec {
    /// A field by its name in any case.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Whether either path offers it.
    pub(super) fn offers(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb) || self.child.is_some_and(|child| child.verbs.contains(&verb))
    }

    /// Whether records have user-defined fields.
    pub(super) fn has_udfs(&self) -> bool {
        self.fields.iter().any(|field| field.kind == Kind::Udfs)
    }
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Long,
    Decimal,
    /// At most so many characters.
    Text(usize),
    Flag,
    Date,
    /// The list of user-defined fields.
    Udfs,
}

impl Kind {
    /// As `dataType` says it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Long => "long",
            Self::Decimal => "decimal",
            Self::Text(_) | Self::Udfs => "string",
            Self::Flag => "boolean",
            Self::Date => "datetime",
        }
    }
}

/// One row of a picklist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    pub(super) value: i64,
    pub(super) label: &'static str,
    /// The value of the parent field that it belongs to.
    pub(super) parent: Option<i64>,
    pub(super) is_default: bool,
    pub(super) is_active: bool,
    pub(super) is_system: bool,
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) is_read_only: bool,
    pub(super) is_queryable: bool,
    /// The name of the entity that it refers to.
    pub(super) refers: Option<&'static str>,
    pub(super) picks: Option<&'static [Pick]>,
    /// The field whose value decides which rows of the picklist there are.
    pub(super) parent: Option<&'static str>,
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            is_required: false,
            is_read_only: false,
            is_queryable: true,
            refers: None,
            picks: None,
            parent: None,
        }
    }

    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    pub(super) const fn not_queryable(self) -> Self {
        Self { is_queryable: false, ..self }
    }

    pub(super) const fn refers(self, entity: &'static str) -> Self {
        Self { refers: Some(entity), ..self }
    }

    pub(super) const fn picks(self, picks: &'static [Pick]) -> Self {
        Self { picks: Some(picks), ..self }
    }

    pub(super) const fn parent(self, field: &'static str) -> Self {
        Self { parent: Some(field), ..self }
    }
}

pub(super) const fn id() -> Field {
    Field::new("id", Kind::Long).required().read_only()
}

pub(super) const fn int(name: &'static str) -> Field {
    Field::new(name, Kind::Integer)
}

pub(super) const fn long(name: &'static str) -> Field {
    Field::new(name, Kind::Long)
}

pub(super) const fn decimal(name: &'static str) -> Field {
    Field::new(name, Kind::Decimal)
}

pub(super) const fn text(name: &'static str, length: usize) -> Field {
    Field::new(name, Kind::Text(length))
}

pub(super) const fn flag(name: &'static str) -> Field {
    Field::new(name, Kind::Flag)
}

pub(super) const fn date(name: &'static str) -> Field {
    Field::new(name, Kind::Date)
}

pub(super) const fn udfs() -> Field {
    Field::new("userDefinedFields", Kind::Udfs).not_queryable()
}
