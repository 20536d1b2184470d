//! Headers and body of a webhook nobody signed, checked by every scheme: none may fall over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use psa_gateway::{
    queue::received::Headers,
    scanners::signature::{self, CandidateKey, Evidence, Means, Scheme, VerifyingKey},
};
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = data.split_first() else { return };
    let scheme = Scheme::ALL[usize::from(*which) % Scheme::ALL.len()];
    let text = String::from_utf8_lossy(rest);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let headers = Headers::new(head.lines().filter_map(|line| line.split_once(": ")));
    let evidence = Evidence {
        headers: &headers,
        query: "",
        path_secret: None,
        body: body.as_bytes(),
        settings: &Value::Null,
        certificate: None,
    };
    let digest = |bytes: &[u8]| {
        let mut sum = [0; 32];
        for (index, byte) in bytes.iter().enumerate() {
            sum[index % 32] ^= byte.rotate_left(u32::try_from(index % 8).unwrap_or(0)).wrapping_add(1);
        }
        sum
    };
    let means = Means { now: Default::default(), tolerance_secs: 300, digest: &digest };
    let hmac = VerifyingKey::Hmac(Zeroizing::new(vec![7; 32]));
    let keys = [hmac, VerifyingKey::Digest([7; 32])].map(|key| CandidateKey { id: Uuid::nil(), key });
    let _ = signature::verify(scheme, &keys, &evidence, &means);
});
