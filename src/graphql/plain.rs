//! Items of a list of which only what stands in their own rows is asked for: a dashboard's tables, mostly.
//!
//! Such a list is read with the columns that are wanted and no others, and its rows are written into the answer as they
//! are, without a model, a resolver and a future for each value between. What a type offers so stands beside its
//! connection (`connection! { …, plain … }`); a test compares both ways for each of its fields.

use std::{borrow::Cow, fmt, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, Name, OutputType, Positioned, ScalarType as _, ServerResult, Value,
    indexmap::IndexMap, parser::types::Field, registry::Registry, resolver_utils::EnumType,
};
use entity::Timestamp;
use sea_orm::{DbErr, EntityTrait, IdenStatic as _, QueryResult, TryGetable};
use uuid::Uuid;

use super::{ids::Identified, scalars::DateTime};
use crate::{
    db::page::{Columns, Lean},
    global_id,
};

/// Writes the value that stands at a place of a row.
pub type Write = fn(&QueryResult, usize) -> Result<Value, DbErr>;

/// A field whose value is made of one column, for whoever sees the row.
pub struct Plain<E: EntityTrait> {
    /// The field's name.
    pub name: &'static str,
    /// The column.
    pub column: E::Column,
    /// What is made of it.
    pub write: Write,
}

/// A type whose items stand in lists.
pub trait Item: OutputType {
    /// The rows of which they are made.
    type Entity: EntityTrait;
    /// The fields that can be answered from the columns alone.
    const PLAIN: &'static [Plain<Self::Entity>] = &[];
}

/// The global id.
pub fn id<E: Identified>(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    let id: Uuid = row.try_get_by_index(at)?;
    Ok(Value::String(global_id::encode(E::TYPE, id)))
}

/// A text.
pub fn text(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    Ok(Value::String(row.try_get_by_index(at)?))
}

/// A text that may be absent.
pub fn maybe_text(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    let text: Option<String> = row.try_get_by_index(at)?;
    Ok(text.map_or(Value::Null, Value::String))
}

/// Whether something is so.
pub fn flag(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    Ok(Value::Boolean(row.try_get_by_index(at)?))
}

/// A whole number.
pub fn whole(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    let number: i32 = row.try_get_by_index(at)?;
    Ok(Value::from(number))
}

/// A moment.
pub fn time(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    let at: Timestamp = row.try_get_by_index(at)?;
    Ok(DateTime(at).to_value())
}

/// A moment that may be absent.
pub fn maybe_time(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    let at: Option<Timestamp> = row.try_get_by_index(at)?;
    Ok(at.map_or(Value::Null, |at| DateTime(at).to_value()))
}

/// One of an enum's values, kept as `D`.
pub fn one_of<D: TryGetable, G: EnumType + From<D>>(row: &QueryResult, at: usize) -> Result<Value, DbErr> {
    let kept: D = row.try_get_by_index(at)?;
    Ok(async_graphql::resolver_utils::enum_value(G::from(kept)))
}

/// What of each item is written, and from which of the columns that are read.
pub struct Asked {
    columns: Columns,
    /// What each field is called in the answer, and whence it comes.
    fields: Vec<(Name, Source)>,
}

/// Whence the value of a field comes.
enum Source {
    /// It is the type's name.
    Type,
    /// It is made of the column at that place.
    Column(usize, Write),
}

impl Asked {
    /// What is asked of the items in the field that is being answered; none where some of it is not plain.
    pub fn of<N: Item>(ctx: &Context<'_>) -> Option<Self> {
        if N::PLAIN.is_empty() {
            return None;
        }
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        for selected in ctx.field().selection_set() {
            // A directive may mean anything.
            if !selected.directives().ok()?.is_empty() {
                return None;
            }
            let name = Name::new(selected.alias().unwrap_or_else(|| selected.name()));
            if selected.name() == "__typename" {
                fields.push((name, Source::Type));
                continue;
            }
            let plain = N::PLAIN.iter().find(|plain| plain.name == selected.name())?;
            let column = plain.column.as_str();
            let at = columns.iter().position(|known| *known == column).unwrap_or_else(|| {
                columns.push(column);
                columns.len() - 1
            });
            fields.push((name, Source::Column(at, plain.write)));
        }
        Some(Self { columns: columns.into(), fields })
    }

    /// The columns to read.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    fn write(&self, row: &QueryResult, typename: &str) -> Result<Value, DbErr> {
        let mut written = IndexMap::with_capacity(self.fields.len());
        for (name, source) in &self.fields {
            let value = match source {
                Source::Type => Value::from(typename),
                Source::Column(at, write) => write(row, *at)?,
            };
            written.insert(name.clone(), value);
        }
        Ok(Value::Object(written))
    }
}

/// The items of a page.
pub enum Items<N> {
    /// Each with all that it has.
    Whole(Vec<N>),
    /// Of each what is asked for.
    Plain(Asked, Arc<Lean>),
}

impl<N: Item> OutputType for Items<N> {
    fn type_name() -> Cow<'static, str> {
        Vec::<N>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<N>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<N>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            Self::Whole(items) => items.resolve(ctx, field).await,
            Self::Plain(asked, page) => {
                let typename = N::type_name();
                let written = page.rows().iter().map(|row| asked.write(row, &typename));
                written.collect::<Result<_, DbErr>>().map(Value::List).map_err(|error| {
                    let error = async_graphql::Error::from(crate::error::Error::from(error));
                    ctx.set_error_path(error.into_server_error(field.pos))
                })
            }
        }
    }
}

impl<N> fmt::Debug for Items<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(items) => f.debug_tuple("Whole").field(&items.len()).finish(),
            Self::Plain(asked, _) => f.debug_tuple("Plain").field(&asked.columns).finish(),
        }
    }
}
