//! Patterns of `like` and `contains`, as SQL Server matches them.

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// `*` or `%`: anything, nothing included.
    Anything,
    One(char),
    /// `[abc]`; `[[]` is how a literal bracket is written.
    OneOf(Vec<char>),
}

/// A text with wildcards; letters are compared without minding case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

impl Pattern {
    /// With the wildcards `*` and `%`.
    pub(super) fn like(text: &str) -> Self {
        Self(pieces(text, true))
    }

    /// The text anywhere.
    pub(super) fn contains(text: &str) -> Self {
        let mut all = vec![Piece::Anything];
        all.extend(pieces(text, false));
        all.push(Piece::Anything);
        Self(all)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        matches(&self.0, &text)
    }
}

fn pieces(text: &str, wild: bool) -> Vec<Piece> {
    let lower = text.to_lowercase();
    let mut found = Vec::new();
    let mut rest = lower.as_str();
    while let Some(first) = rest.chars().next() {
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
        found.push(match first {
            '*' | '%' if wild => Piece::Anything,
            '[' => match rest.split_once(']') {
                Some((set, left)) => {
                    rest = left;
                    Piece::OneOf(set.chars().collect())
                }
                None => Piece::One(first),
            },
            _ => Piece::One(first),
        });
    }
    found
}

/// Greedy with one step back: the last wildcard takes more until the rest fits.
fn matches(pieces: &[Piece], text: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let fits = match (pieces.get(at), text.get(read)) {
            (None, None) => return true,
            (Some(Piece::Anything), _) => {
                retry = Some((at + 1, read));
                at += 1;
                continue;
            }
            (Some(Piece::One(wanted)), Some(seen)) => wanted == seen,
            (Some(Piece::OneOf(set)), Some(seen)) => set.contains(seen),
            _ => false,
        };
        if fits {
            (at, read) = (at + 1, read + 1);
            continue;
        }
        let Some((piece, from)) = retry.filter(|(_, from)| *from < text.len()) else { return false };
        (at, read) = (piece, from + 1);
        retry = Some((piece, from + 1));
    }
}
