//! The text of a token.

use secrecy::SecretString;

use crate::clock::Chance;

/// What every token of ours begins with.
pub const PREFIX: &str = "pgw_";
pub(super) const KEY_ID: usize = 10;
pub(super) const SECRET: usize = 43;
const CHECK: usize = 6;

/// A new text, and the part it is looked up by.
pub(super) fn make(chance: &Chance) -> (String, SecretString) {
    let key_id = chance.alphanumeric(KEY_ID);
    let text = format!("{PREFIX}{key_id}{}", chance.alphanumeric(SECRET));
    let token = SecretString::from(format!("{text}{}", check_of(&text)));
    (key_id, token)
}

/// The part a token is looked up by, where the text can be a token at all.
pub(super) fn key_id(text: &str) -> Option<&str> {
    let body = text.strip_prefix(PREFIX)?;
    if body.len() != KEY_ID + SECRET + CHECK || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (checked, check) = text.split_at_checked(text.len() - CHECK)?;
    (check_of(checked) == check).then(|| body.get(..KEY_ID))?
}

/// CRC-32 in base 62, six digits, the lowest last.
pub(super) fn check_of(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.map(char::from).iter().collect()
}
