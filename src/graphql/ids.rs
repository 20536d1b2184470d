//! Global ids of rows: each table's rows are of one type of the graph.

use async_graphql::{ID, MaybeUndefined};
use uuid::Uuid;

use crate::{
    error::{Problem, ProblemCode},
    global_id,
    organizations::reach::Owned,
};

/// Tables whose rows are nodes of the graph; `node.rs` lists them.
pub trait Identified: Owned {
    /// The GraphQL type.
    const TYPE: &'static str;
}

/// The global id of a row.
pub fn encode<E: Identified>(id: Uuid) -> ID {
    ID(global_id::encode(E::TYPE, id))
}

/// The type and the row's id; none where it is no id of ours.
pub fn decode(id: &ID) -> Option<(String, Uuid)> {
    global_id::decode(id.as_str())
}

/// The row's id, where the global id is one of that type; `path` is where it stood in the input.
pub fn parse<E: Identified>(id: &ID, path: &[&str]) -> Result<Uuid, Problem> {
    match decode(id) {
        Some((name, id)) if name == E::TYPE => Ok(id),
        Some((name, _)) => Err(Problem::at(
            path,
            ProblemCode::Invalid,
            format!("this is an id of the type {name}; give one of the type {}", E::TYPE),
        )),
        None => Err(Problem::at(
            path,
            ProblemCode::Invalid,
            format!("this is no id; give one of the type {}", E::TYPE),
        )),
    }
}

/// As [`parse`], for an id that may be absent.
pub fn parse_option<E: Identified>(id: Option<&ID>, path: &[&str]) -> Result<Option<Uuid>, Problem> {
    id.map(|id| parse::<E>(id, path)).transpose()
}

/// As [`parse`], for an id that may be absent, or null to take away what is there.
pub fn parse_undefined<E: Identified>(
    id: MaybeUndefined<ID>,
    path: &[&str],
) -> Result<Option<Option<Uuid>>, Problem> {
    match id {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(id) => parse::<E>(&id, path).map(|id| Some(Some(id))),
    }
}

#[cfg(test)]
mod tests {
    use entity::{company, ticket};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_of_one_type_and_says_so_where_another_is_wanted() {
        let id = Uuid::from_u128(7);
        let global = encode::<ticket::Entity>(id);
        assert_eq!(parse::<ticket::Entity>(&global, &["id"]), Ok(id));
        let problem = parse::<company::Entity>(&global, &["filter", "company"]).unwrap_err();
        assert_eq!(problem.field, ["filter", "company"]);
        assert_eq!(problem.message, "this is an id of the type Ticket; give one of the type Company");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,64}") {
            let _ = decode(&ID(text));
        }
    }
}
