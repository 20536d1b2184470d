//! Secrets: making them, and checking those that people bring.

use secrecy::SecretString;
use zeroize::Zeroize as _;

use super::{
    KeyError, Scheme,
    described::{Form, Origin},
    key, sign,
};
use crate::clock::Chance;

/// Letters and digits of a secret of ours: 256 random bits. With what stands before it, it is shorter than the 100
/// characters that DefectDojo's fields hold, and has no comma, at which Trivy Operator splits its headers.
const RANDOM: usize = 43;
/// The user name of a login of ours.
const USER: &str = "psa-gateway";
/// The shortest secret that a person may bring, in characters.
const SHORTEST: usize = 8;
/// The longest, in characters.
const LONGEST: usize = 512;

impl Scheme {
    /// Whether the gateway makes the secret and shows it once. Otherwise the sender makes it, or there is none.
    pub const fn makes_secret(self) -> bool {
        matches!(self.0.origin, Origin::Gateway(_))
    }

    /// Whether there is a secret at all.
    pub const fn has_secret(self) -> bool {
        !matches!(self.0.origin, Origin::Nobody)
    }

    /// Whether only the secret's hash is to be kept: it is compared, and nothing is computed with it.
    pub const fn hashes_secret(self) -> bool {
        match self.0.origin {
            Origin::Gateway(form) | Origin::Sender(form, _) => form.is_hashed(),
            Origin::Nobody => false,
        }
    }

    /// What to say to who brings no secret where the sender makes it.
    pub const fn wants_secret(self) -> &'static str {
        match self.0.origin {
            Origin::Sender(_, words) => words,
            Origin::Gateway(_) | Origin::Nobody => "give the secret",
        }
    }

    /// A new secret, where the gateway makes it.
    pub fn make_secret(self, chance: &Chance) -> Option<SecretString> {
        let Origin::Gateway(form) = self.0.origin else { return None };
        Some(match form {
            Form::Whsec | Form::Whpk => sign::new_secret(chance),
            Form::Text | Form::Token | Form::PathToken => chance.alphanumeric(RANDOM).into(),
            Form::Login => {
                let mut password = chance.alphanumeric(RANDOM);
                let login = SecretString::from(format!("{USER}:{password}"));
                password.zeroize();
                login
            }
        })
    }

    /// Whether a secret that a person brings can be this scheme's.
    pub fn check_secret(self, text: &str) -> Result<(), KeyError> {
        let (Origin::Gateway(form) | Origin::Sender(form, _)) = self.0.origin else {
            return Err(KeyError::NoSecret);
        };
        let wrong = |words| Err(KeyError::Text(words));
        let count = text.chars().count();
        match form {
            Form::Whsec => return key::parse_secret(text).map(|_| ()),
            Form::Whpk => return key::parse_public(text).map(|_| ()),
            Form::Text | Form::Token | Form::PathToken | Form::Login if count > LONGEST => {
                return wrong("the secret has more than 512 characters");
            }
            Form::Text | Form::Token | Form::PathToken if count < SHORTEST => {
                return wrong("the secret has fewer than 8 characters; take at least 16 random ones");
            }
            Form::Text | Form::Login => {}
            Form::Token | Form::PathToken => {
                let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                let is_shown = |byte: u8| byte.is_ascii_graphic();
                if form == Form::PathToken && !text.bytes().all(is_known) {
                    return wrong("a secret in an address has letters, digits and - . _ ~ only");
                }
                if !text.bytes().all(is_shown) {
                    return wrong("a token has visible ASCII characters only, no spaces");
                }
            }
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return wrong(
                "the secret begins or ends with a space, or holds line breaks or other control characters",
            );
        }
        match text.split_once(':') {
            Some((user, password))
                if form == Form::Login && (user.is_empty() || password.chars().count() < SHORTEST) =>
            {
                return wrong("give user:password with a user name and a password of at least 8 characters");
            }
            None if form == Form::Login => return wrong("give user:password, with a colon between them"),
            _ => {}
        }
        Ok(())
    }
}
