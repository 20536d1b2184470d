//! HMAC-SHA1 (RFC 2104 over FIPS 180-4), which is what Autotask signs its webhooks with.
//!
//! SHA-1 no longer withstands collisions, but HMAC does not rest on that: nobody without the key can sign.

/// How many bytes a digest has.
const DIGEST: usize = 20;
/// How many bytes are taken in at once.
const BLOCK: usize = 64;

/// The code of a message.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; DIGEST] {
    let mut padded = [0_u8; BLOCK];
    let short;
    let key = if key.len() > BLOCK {
        short = digest(&[key]);
        short.as_slice()
    } else {
        key
    };
    for (to, from) in padded.iter_mut().zip(key) {
        *to = *from;
    }
    let inner = digest(&[&padded.map(|byte| byte ^ 0x36), message]);
    digest(&[&padded.map(|byte| byte ^ 0x5c), &inner])
}

/// The digest of several parts, one after the other.
fn digest(parts: &[&[u8]]) -> [u8; DIGEST] {
    let mut message: Vec<u8> = parts.concat();
    let bits = u64::try_from(message.len()).unwrap_or(u64::MAX).wrapping_mul(8);
    message.push(0x80);
    while message.len() % BLOCK != BLOCK - 8 {
        message.push(0);
    }
    message.extend_from_slice(&bits.to_be_bytes());

    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in message.chunks_exact(BLOCK) {
        take_in(&mut state, block);
    }
    let mut bytes = [0; DIGEST];
    for (to, from) in bytes.iter_mut().zip(state.iter().flat_map(|word| word.to_be_bytes())) {
        *to = from;
    }
    bytes
}

/// One block of 64 bytes (FIPS 180-4, 6.1.2).
#[expect(clippy::many_single_char_names, reason = "the standard's own names")]
fn take_in(state: &mut [u32; 5], block: &[u8]) {
    let mut words: Vec<u32> = block
        .chunks_exact(4)
        .map(|four| four.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
        .collect();
    while let [.., w16, _, w14, _, _, _, _, _, w8, _, _, _, _, w3, _, _] = words.as_slice()
        && words.len() < 80
    {
        words.push((w16 ^ w14 ^ w8 ^ w3).rotate_left(1));
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (round, word) in words.iter().enumerate() {
        let (mix, constant) = match round {
            0..=19 => ((b & c) | (!b & d), 0x5a82_7999_u32),
            20..=39 => (b ^ c ^ d, 0x6ed9_eba1),
            40..=59 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next =
            a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (kept, new) in state.iter_mut().zip([a, b, c, d, e]) {
        *kept = kept.wrapping_add(new);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn hex(bytes: [u8; DIGEST]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// FIPS 180-2, appendix A, and RFC 3174, section 7.3.
    #[test]
    fn digests_are_those_of_the_standard() {
        for (text, wanted) in [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
            (&"0123456701234567".repeat(40), "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
            (&"a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ] {
            assert_eq!(hex(digest(&[text.as_bytes()])), wanted);
        }
    }

    /// RFC 2202, section 3.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (key, message, wanted) in [
            (vec![0x0b; 20], "Hi There".to_owned(), "b617318655057264e28bc0b6fb378c8ef146be00"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?".to_owned(),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                vec![0xaa; 80],
                "Test Using Larger Than Block-Size Key - Hash Key First".to_owned(),
                "aa4ae5e15272d00e95705637ce8a3b55ed402112",
            ),
        ] {
            assert_eq!(hex(hmac(&key, message.as_bytes())), wanted);
        }
    }
}
