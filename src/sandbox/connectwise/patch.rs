//! JSON Patch as the vendor takes it: an array of operations on whole fields.

use serde_json::Value;

use super::{
    errors::{self, Problem},
    resources::{Kind, Member, Resource},
    row::Row,
    writing,
};
use crate::sandbox::frame::Reply;

struct Operation {
    is_removal: bool,
    path: Vec<String>,
    value: Value,
}

/// The fields that the operations write, checked; null empties a field.
pub(super) fn read(resource: &Resource, more: &[Member], current: &Row, body: Value) -> Result<Row, Reply> {
    let Value::Array(operations) = body else {
        let problem = Problem::invalid("", "The body must be an array of operations.");
        return Err(errors::invalid("patchOperations", &[problem]));
    };
    let mut written = Row::new();
    let mut problems = Vec::new();
    for operation in operations {
        if let Err(problem) = operate(resource, more, current, &mut written, operation) {
            problems.push(problem);
        }
    }
    if !problems.is_empty() {
        return Err(errors::invalid(resource.name, &problems));
    }
    writing::checked(resource, more, written).map_err(|problems| errors::invalid(resource.name, &problems))
}

fn operate(
    resource: &Resource,
    more: &[Member],
    current: &Row,
    written: &mut Row,
    operation: Value,
) -> Result<(), Problem> {
    let operation = understand(operation)?;
    let path = operation.path.join("/");
    let unknown = || Problem::invalid(&path, format!("path {path} is not valid"));
    let (field, rest) = operation.path.split_first().ok_or_else(unknown)?;
    let mut fields = resource.fields.iter().chain(more);
    let (_, kind) = fields.find(|(known, _)| known == field).ok_or_else(unknown)?;
    match (kind, rest) {
        (_, []) => {
            written.insert(
                field.clone(),
                if operation.is_removal { Value::Null } else { operation.value.clone() },
            );
            Ok(())
        }
        // Into a reference: answered with 200, and nothing changes (the Developer Guide).
        (Kind::Ref(_), _) => Ok(()),
        (Kind::Children(_) | Kind::Texts, [index, inner @ ..]) => {
            let before = written.get(field).or_else(|| current.get(field)).cloned();
            let mut list = match before {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            };
            let index = index.parse::<usize>().map_err(|_| unknown())?;
            point(&mut list, index, inner, &operation).ok_or_else(unknown)?;
            written.insert(field.clone(), Value::Array(list));
            Ok(())
        }
        _ => Err(unknown()),
    }
}

fn understand(operation: Value) -> Result<Operation, Problem> {
    let Value::Object(mut operation) = operation else {
        return Err(Problem::invalid("", "An operation must be an object."));
    };
    let is_removal = match operation.get("op").and_then(Value::as_str) {
        Some("add" | "replace") => false,
        Some("remove") => true,
        _ => return Err(Problem::invalid("op", "op must be add, replace or remove.")),
    };
    let path = operation.get("path").and_then(Value::as_str).ok_or_else(|| Problem::missing("path"))?;
    let path = path.strip_prefix('/').unwrap_or(path).split('/').map(str::to_owned).collect();
    let value = match operation.remove("value") {
        None if !is_removal => return Err(Problem::missing("value")),
        value => value.unwrap_or_default(),
    };
    Ok(Operation { is_removal, path, value })
}

/// Changes one member of an array, or one field of it.
fn point(list: &mut Vec<Value>, index: usize, inner: &[String], operation: &Operation) -> Option<()> {
    match inner {
        [] if operation.is_removal => {
            (index < list.len()).then(|| list.remove(index))?;
        }
        [] if index == list.len() => list.push(operation.value.clone()),
        [] => list.get_mut(index)?.clone_from(&operation.value),
        [field] => {
            let member = list.get_mut(index)?.as_object_mut()?;
            if operation.is_removal {
                member.remove(field)?;
            } else {
                member.insert(field.clone(), operation.value.clone());
            }
        }
        _ => return None,
    }
    Some(())
}
