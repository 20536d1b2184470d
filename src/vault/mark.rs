//! Marks that nobody makes who has only the database.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Vault, places::join};

impl Vault {
    /// HMAC-SHA256 of these parts, each after its length, under the installation's own key. The first part says
    /// what the mark is for, so that a mark for one thing is none for another.
    pub fn mark(&self, parts: &[&[u8]]) -> [u8; 32] {
        // The key is shorter than the hash's block, so padding it with zeros is what HMAC does anyway.
        let mut block = Zeroizing::new([0_u8; 64]);
        for (to, from) in block.iter_mut().zip(self.0.installation.iter()) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(&join(parts));
        mac.finalize().into_bytes().into()
    }
}
