//! Reads Rust source and finds which modules of this package it names.

/// A word, number, sign or text, and the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// One path into this package, from its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// What a source file holds.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) imports: Vec<Import>,
    /// Modules that stand in files of their own and are there for tests only.
    pub(crate) test_modules: Vec<String>,
}

/// Words and signs, without comments, texts and characters.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let letters: Vec<char> = source.chars().collect();
    let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (mut tokens, mut index, mut line) = (Vec::new(), 0, 1);
    while index < letters.len() {
        let letter = at(index);
        let start = index;
        if letter == '/' && at(index + 1) == '/' {
            while index < letters.len() && at(index) != '\n' {
                index += 1;
            }
        } else if letter == '/' && at(index + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(index), at(index + 1)) {
                    ('/', '*') => (depth, index) = (depth + 1, index + 2),
                    ('*', '/') => (depth, index) = (depth - 1, index + 2),
                    _ => index += 1,
                }
                if depth == 0 || index >= letters.len() {
                    break;
                }
            }
        } else if letter == '"' {
            index += 1;
            while index < letters.len() && at(index) != '"' {
                index += if at(index) == '\\' { 2 } else { 1 };
            }
            index += 1;
        } else if letter == '\'' {
            // A character, or a lifetime.
            if at(index + 1) == '\\' {
                index += 3;
                while index < letters.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            } else {
                index += if at(index + 2) == '\'' { 3 } else { 1 };
            }
        } else if is_word(letter) {
            while is_word(at(index)) {
                index += 1;
            }
            let word: String = letters[start..index].iter().collect();
            let hashes = letters[index..].iter().take_while(|letter| **letter == '#').count();
            if matches!(word.as_str(), "r" | "br" | "cr") && at(index + hashes) == '"' {
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                index += hashes + 1;
                while index < letters.len() && !letters[index..].starts_with(&end) {
                    index += 1;
                }
                index += end.len();
            } else {
                tokens.push(Token { text: word, line });
            }
        } else {
            index += 1;
            if letter == ':' && at(index) == ':' {
                index += 1;
                tokens.push(Token { text: "::".to_owned(), line });
            } else if !letter.is_whitespace() {
                tokens.push(Token { text: letter.to_string(), line });
            }
        }
        line += letters[start..index.min(letters.len())].iter().filter(|letter| **letter == '\n').count();
    }
    tokens
}

/// What a file names, which is the module `module` (empty for the root). `package` is the name under which
/// it knows the library: `crate`, and for the program also `psa_gateway`.
pub(crate) fn read(source: &str, module: &[String], packages: &[&str]) -> Source {
    let tokens = tokens(source);
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let mut found = Source::default();
    let mut inside: Vec<(String, usize)> = Vec::new();
    let (mut index, mut depth, mut is_test) = (0, 0_usize, false);
    while index < tokens.len() {
        let here = text(index);
        let is_path = text(index + 1) == "::" && (index == 0 || text(index - 1) != "::");
        if here == "#" && (1..=6).map(|next| text(index + next)).eq(["[", "cfg", "(", "test", ")", "]"]) {
            is_test = true;
            index += 7;
        } else if here == "#" && text(index + 1) == "[" {
            index = after_group(&tokens, index + 1);
        } else if here == "mod" && !text(index + 1).is_empty() && matches!(text(index + 2), "{" | ";") {
            let name = text(index + 1).to_owned();
            match (text(index + 2), is_test) {
                ("{", true) => index = after_group(&tokens, index + 2),
                ("{", false) => {
                    depth += 1;
                    inside.push((name, depth));
                    index += 3;
                }
                (_, true) => {
                    found.test_modules.push(name);
                    index += 3;
                }
                (_, false) => index += 3,
            }
            is_test = false;
        } else if is_path && (packages.contains(&here) || here == "super" || here == "self") {
            let mut base = if packages.contains(&here) { Vec::new() } else { module.to_vec() };
            if base.len() == module.len() && !packages.contains(&here) {
                base.extend(inside.iter().map(|(name, _)| name.clone()));
            }
            if here == "super" {
                base.pop();
            }
            index = tree(&tokens, index + 2, &base, &mut found.imports);
        } else {
            match here {
                "{" => depth += 1,
                "}" => {
                    inside.retain(|(_, at)| *at < depth);
                    depth = depth.saturating_sub(1);
                }
                // An item that is for tests, but no module: its end is not looked for.
                ";" => is_test = false,
                _ => {}
            }
            if matches!(here, "fn" | "impl" | "struct" | "enum" | "const" | "static" | "trait") {
                is_test = false;
            }
            index += 1;
        }
    }
    found
}

/// [`tokens`], without the modules that are there for tests.
pub(crate) fn tokens_outside_tests(source: &str) -> Vec<Token> {
    let tokens = tokens(source);
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let (mut kept, mut index) = (Vec::new(), 0);
    while let Some(token) = tokens.get(index) {
        let is_test_module =
            (0..8).map(|next| text(index + next)).eq(["#", "[", "cfg", "(", "test", ")", "]", "mod"])
                && text(index + 9) == "{";
        if is_test_module {
            index = after_group(&tokens, index + 9);
        } else {
            kept.push(token.clone());
            index += 1;
        }
    }
    kept
}

/// The index after a group that begins at `open`.
fn after_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// Reads what comes after `base::`, with the braces of a `use`; gives the index after it.
fn tree(tokens: &[Token], mut index: usize, base: &[String], found: &mut Vec<Import>) -> usize {
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let mut path = base.to_vec();
    let line = tokens.get(index).map_or(0, |token| token.line);
    loop {
        match text(index) {
            "{" => {
                let end = after_group(tokens, index);
                index += 1;
                while index + 1 < end {
                    index = tree(tokens, index, &path, found);
                    // Over `as name` to the next branch.
                    while index + 1 < end && text(index) != "," {
                        index += 1;
                    }
                    if text(index) == "," {
                        index += 1;
                    }
                }
                return end;
            }
            "super" => {
                path.pop();
            }
            "self" => {}
            word if word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') => {
                path.push(word.to_owned());
            }
            _ => break,
        }
        index += 1;
        if text(index) != "::" {
            break;
        }
        index += 1;
    }
    found.push(Import { path, line });
    index
}
