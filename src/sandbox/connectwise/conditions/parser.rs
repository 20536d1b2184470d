//! Reading a condition: fields must be known, and values of the fields' own types.

use super::{
    Compare, Expression, Literal, Operator, Scope, Test,
    lexer::{self, Token},
    pattern::Pattern,
};
use crate::sandbox::connectwise::resources::{Kind, Member, kind_at};

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 40;

struct Parser<'p> {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    scope: &'p Scope<'p>,
    /// The array that child conditions are about; one only.
    array: Option<String>,
}

/// Reads a condition and, for child conditions, the array that it is about.
pub(super) fn parse(text: &str, scope: &Scope) -> Result<(Expression, Option<String>), String> {
    let mut parser = Parser { tokens: lexer::tokens(text)?, next: 0, depth: 0, scope, array: None };
    let expression = parser.either()?;
    match parser.tokens.get(parser.next) {
        None => Ok((expression, parser.array)),
        Some(token) => Err(format!("{token:?} is not expected at the end")),
    }
}

impl Parser<'_> {
    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next =
            matches!(self.tokens.get(self.next), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.next += usize::from(is_next);
        is_next
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.tokens.get(self.next), Some(Token::Sign(next)) if *next == sign);
        self.next += usize::from(is_next);
        is_next
    }

    fn either(&mut self) -> Result<Expression, String> {
        let mut found = self.both()?;
        while self.takes_word("or") {
            found = Expression::Or(Box::new(found), Box::new(self.both()?));
        }
        Ok(found)
    }

    fn both(&mut self) -> Result<Expression, String> {
        let mut found = self.unit()?;
        while self.takes_word("and") {
            found = Expression::And(Box::new(found), Box::new(self.unit()?));
        }
        Ok(found)
    }

    fn unit(&mut self) -> Result<Expression, String> {
        if !self.takes_sign("(") {
            return self.test().map(Expression::Test);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("there are too many parentheses".to_owned());
        }
        let found = self.either()?;
        self.depth -= 1;
        if self.takes_sign(")") { Ok(found) } else { Err("a parenthesis is not closed".to_owned()) }
    }

    fn test(&mut self) -> Result<Test, String> {
        let Some(Token::Word(field)) = self.take() else {
            return Err("a field is expected".to_owned());
        };
        let (path, kind) = self.field(&field)?;
        let is_negated = self.takes_word("not");
        let operator = if self.takes_word("contains") {
            Operator::Matches(Pattern::contains(&self.pattern_text(&field, kind)?))
        } else if self.takes_word("like") {
            Operator::Matches(Pattern::like(&self.pattern_text(&field, kind)?))
        } else if self.takes_word("in") {
            Operator::In(self.list(&field, kind)?)
        } else if is_negated {
            return Err("'not' stands before contains, like or in".to_owned());
        } else {
            self.comparison(&field, kind)?
        };
        Ok(Test { path, operator, is_negated })
    }

    /// The path within the record, or within the array's members, and what it holds.
    fn field(&mut self, name: &str) -> Result<(Vec<String>, Kind), String> {
        // Works on every object, in either spelling (the Developer Guide; amp-labs/connectors).
        let is_stamp = name.eq_ignore_ascii_case("lastUpdated");
        let name = if is_stamp { "_info/lastUpdated" } else { name };
        let path: Vec<&str> = name.split('/').collect();
        let unknown = || format!("'{name}' is not a field that can be compared");
        let owned = |path: &[&str]| path.iter().map(|part| (*part).to_owned()).collect();
        if self.scope.is_children {
            let (first, rest) = path.split_first().ok_or_else(unknown)?;
            let members = self.scope.fields.iter().find_map(|(known, kind)| match kind {
                Kind::Children(members) if known == first => Some(*members),
                _ => None,
            });
            if self.array.as_deref().is_some_and(|array| array != *first) {
                return Err("only one array can be asked about".to_owned());
            }
            let kind = members.and_then(|members| kind_at(members, rest)).ok_or_else(unknown)?;
            self.array = Some((*first).to_owned());
            return Ok((owned(rest), kind));
        }
        let kind = kind_at(self.scope.fields, &path).ok_or_else(unknown)?;
        if matches!(kind, Kind::Children(_) | Kind::Texts | Kind::Ints) {
            return Err(format!("'{name}' is an array, which takes childConditions"));
        }
        Ok((owned(&path), kind))
    }

    fn pattern_text(&mut self, field: &str, kind: Kind) -> Result<String, String> {
        match self.take() {
            Some(Token::Text(text)) if kind.is_text() => Ok(text),
            _ => Err(format!("'{field}' takes contains and like with a text only, if at all")),
        }
    }

    fn list(&mut self, field: &str, kind: Kind) -> Result<Vec<Literal>, String> {
        if !self.takes_sign("(") {
            return Err("'in' takes a list in parentheses".to_owned());
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(field, kind)?);
            if self.takes_sign(")") {
                return Ok(values);
            }
            if !self.takes_sign(",") {
                return Err("a list takes commas".to_owned());
            }
        }
    }

    fn comparison(&mut self, field: &str, kind: Kind) -> Result<Operator, String> {
        let compare = match self.take() {
            Some(Token::Sign("=")) => Compare::Equal,
            Some(Token::Sign("!=")) => Compare::Unequal,
            Some(Token::Sign("<")) => Compare::Less,
            Some(Token::Sign("<=")) => Compare::AtMost,
            Some(Token::Sign(">")) => Compare::More,
            Some(Token::Sign(">=")) => Compare::AtLeast,
            _ => return Err(format!("an operator is expected after '{field}'")),
        };
        let value = self.value(field, kind)?;
        let orders = !matches!(compare, Compare::Equal | Compare::Unequal);
        if orders && matches!(value, Literal::Null | Literal::Flag(_)) {
            return Err(format!("'{field}' cannot be ordered"));
        }
        Ok(Operator::Is(compare, value))
    }

    fn value(&mut self, field: &str, kind: Kind) -> Result<Literal, String> {
        let literal = match self.take() {
            Some(Token::Text(text)) => Literal::Text(text),
            Some(Token::Number(number)) => Literal::Number(number),
            Some(Token::Time(at)) => Literal::Time(at),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Literal::Flag(true),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Literal::Flag(false),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Literal::Null,
            _ => return Err(format!("a value is expected for '{field}'")),
        };
        let fits = match (&literal, kind) {
            (Literal::Null, _)
            | (_, Kind::Any)
            | (Literal::Flag(_), Kind::Flag)
            | (Literal::Number(_), Kind::Int | Kind::Number)
            | (Literal::Time(_), Kind::Date) => true,
            (Literal::Text(_), kind) => kind.is_text(),
            _ => false,
        };
        if fits { Ok(literal) } else { Err(format!("the value for '{field}' is of another type")) }
    }
}

/// What a condition may speak about.
impl<'s> Scope<'s> {
    pub(in crate::sandbox::connectwise) fn record(fields: &'s [Member]) -> Self {
        Self { fields, is_children: false }
    }

    pub(in crate::sandbox::connectwise) fn children(fields: &'s [Member]) -> Self {
        Self { fields, is_children: true }
    }
}
