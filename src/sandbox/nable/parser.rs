//! Reads `$filter`: comparisons, `and`, `or`, `not`, parentheses and `contains()`. Everything else is
//! refused.

use super::{
    cell::{Cell, Columns, Type},
    filter::{Condition, Operand, Operator},
    tokens::{self, Token},
};

/// How deep parentheses and `not` may lie in each other.
const DEEPEST: usize = 64;

/// What a filter may be about.
pub(super) struct Scope {
    pub(super) columns: Columns,
    /// Whether a column is found by its exact name alone.
    pub(super) mind_case: bool,
    /// A column that may be selected, but not filtered by.
    pub(super) barred: Option<&'static str>,
    /// How many columns, values, operators and functions there may be.
    pub(super) most_nodes: usize,
}

impl Scope {
    /// The number of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(known, _)| {
            if self.mind_case { *known == name } else { known.eq_ignore_ascii_case(name) }
        })
    }

    fn kind(&self, operand: &Operand) -> Option<Type> {
        match operand {
            Operand::Column(column) => self.columns.get(*column).map(|(_, kind)| *kind),
            Operand::Literal(cell) => cell.kind(),
        }
    }
}

/// Reads a filter, or says what is wrong with it.
pub(super) fn read(text: &str, scope: &Scope) -> Result<Condition, String> {
    let tokens = tokens::cut(text)?;
    let is_node = |token: &&Token| matches!(token, Token::Name(_) | Token::Literal(_));
    if tokens.iter().filter(is_node).count() > scope.most_nodes {
        return Err(format!("The node count limit of '{}' has been exceeded.", scope.most_nodes));
    }
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), scope, depth: 0 };
    let condition = parser.either()?;
    match parser.tokens.next() {
        None => Ok(condition),
        Some(token) => Err(format!("Syntax error: {token:?} was not expected in '{text}'")),
    }
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    scope: &'a Scope,
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Condition, String> {
        let mut condition = self.both()?;
        while self.take_word("or") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        Ok(condition)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut condition = self.one()?;
        while self.take_word("and") {
            condition = Condition::And(Box::new(condition), Box::new(self.one()?));
        }
        Ok(condition)
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("The recursion limit has been exceeded.".to_owned());
        }
        let condition = if self.take_word("not") {
            Condition::Not(Box::new(self.one()?))
        } else if self.take(&Token::Open) {
            let inner = self.either()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        if self.take_word("contains") {
            self.expect(&Token::Open)?;
            let text = self.operand()?;
            self.expect(&Token::Comma)?;
            let part = self.operand()?;
            self.expect(&Token::Close)?;
            let are_texts = [&text, &part].iter().all(|side| self.scope.kind(side) == Some(Type::Text));
            let words = "No function signature for the function with name 'contains' matches the arguments";
            return if are_texts { Ok(Condition::Contains(text, part)) } else { Err(words.to_owned()) };
        }
        let left = self.operand()?;
        let Some(operator) = self.operator() else {
            // Only flags may stand alone.
            return match left {
                Operand::Column(column) if self.scope.kind(&left) == Some(Type::Flag) => {
                    Ok(Condition::Flag(column))
                }
                _ => Err("The $filter expression must evaluate to a single boolean value".to_owned()),
            };
        };
        let right = self.operand()?;
        self.check(&left, operator, &right)?;
        Ok(Condition::Compare(left, operator, right))
    }

    fn check(&self, left: &Operand, operator: Operator, right: &Operand) -> Result<(), String> {
        let null = Operand::Literal(Cell::Null);
        let (a, b) = (self.scope.kind(left), self.scope.kind(right));
        let is_null = *left == null || *right == null;
        // GUIDs and flags have no order.
        let has_order = !matches!(a.or(b), Some(Type::Guid | Type::Flag));
        if (a == b || is_null) && (has_order || !operator.orders()) {
            return Ok(());
        }
        let name = |kind: Option<Type>| kind.map_or("Edm.Null", Type::edm);
        Err(format!(
            "A binary operator with incompatible types was detected. Found operand types '{}' and '{}' for \
             operator kind '{operator:?}'.",
            name(a),
            name(b)
        ))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.tokens.next() {
            Some(Token::Literal(cell)) => Ok(Operand::Literal(cell)),
            Some(Token::Name(name)) if self.tokens.peek() == Some(&Token::Open) => {
                Err(format!("An unknown function with name '{name}' was found"))
            }
            Some(Token::Name(name)) => {
                if self.scope.barred.is_some_and(|barred| barred.eq_ignore_ascii_case(&name)) {
                    return Err(format!("The property '{name}' cannot be used in the $filter query option."));
                }
                let column = self.scope.column(&name);
                column
                    .map(Operand::Column)
                    .ok_or_else(|| format!("Could not find a property named '{name}'."))
            }
            _ => Err("Syntax error: an expression was expected".to_owned()),
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        let Some(Token::Name(word)) = self.tokens.peek() else { return None };
        let operator = Operator::read(word)?;
        self.tokens.next();
        Some(operator)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        self.tokens.next_if_eq(wanted).is_some()
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Name(name) if name == word)).is_some()
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(format!("Syntax error: {wanted:?} was expected")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::nable::cell;

    const COLUMNS: Columns = &[
        ("Id", Type::Guid),
        ("Code", Type::Int),
        ("Title", Type::Text),
        ("At", Type::Date),
        ("Done", Type::Flag),
    ];

    fn filter(text: &str) -> Result<Condition, String> {
        read(text, &Scope { columns: COLUMNS, mind_case: true, barred: Some("Barred"), most_nodes: 100 })
    }

    fn takes(text: &str, row: &[Cell]) -> bool {
        filter(text).unwrap().takes(&row.to_vec(), true)
    }

    #[test]
    fn conditions_bind_as_odata_says() {
        let id = "3f2b0c1e-1111-2222-3333-444455556666";
        let row = [
            Cell::guid(cell::guid(id)),
            Cell::Int(7),
            Cell::text("It's full"),
            Cell::date(cell::date("2026-11-01T05:00:00Z")),
            Cell::Flag(true),
        ];
        for text in [
            format!("Id eq {id}"),
            "Code ne 9 and Code ge 7 and Code lt 8".to_owned(),
            "Code eq 1 and Code eq 2 or Code eq 7".to_owned(),
            "Code eq 7 and not (Code eq 8 or Code eq 9)".to_owned(),
            "contains(Title,'''s full') and Title eq 'It''s full'".to_owned(),
            "At ge 2026-11-01T05:00:00Z and At lt 2026-11-02T05:00:00Z and At ne null".to_owned(),
            "Done and Done eq true and 7 eq Code".to_owned(),
        ] {
            assert!(takes(&text, &row), "{text}");
        }
        for text in ["Code eq 7 and (Code eq 8 or Code eq 9)", "contains(Title,'FULL')", "Title eq null"] {
            assert!(!takes(text, &row), "{text}");
        }
        let empty = [Cell::Null, Cell::Null, Cell::Null, Cell::Null, Cell::Null];
        assert!(takes("At eq null and Code ne 7", &empty), "null is not seven");
        assert!(!takes("Code lt 7 or Code ge 7", &empty), "null is neither before nor after");
    }

    #[test]
    fn what_odata_does_not_read_is_refused() {
        for text in [
            "",
            "Code",
            "Code eq",
            "Code eq 7 and",
            "(Code eq 7",
            "Code eq 7)",
            "Code = 7",
            "Code eq 'seven'",
            "Nothing eq 7",
            "code eq 7",
            "Barred eq 7",
            "Title eq 'open",
            "At ge datetime'2026-11-01T05:00:00'",
            "At ge 2026-11-01",
            "At ge '2026-11-01T05:00:00Z'",
            "Id eq '3f2b0c1e-1111-2222-3333-444455556666'",
            "Id gt 3f2b0c1e-1111-2222-3333-444455556666",
            "startswith(Title,'a')",
            "contains(Code,'7')",
            "contains(Title)",
        ] {
            assert!(filter(text).is_err(), "{text}");
        }
        assert!(filter(&"(".repeat(100_000)).is_err(), "and nothing falls over");
        let several = |count: usize| vec!["Code eq 7"; count].join(" or ");
        assert!(filter(&several(25)).is_ok() && filter(&several(26)).is_err(), "100 nodes at most");
    }
}
