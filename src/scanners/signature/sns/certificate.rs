//! A certificate (X.509, RFC 5280) as far as SNS's are looked at: its days and its RSA key.

use chrono::NaiveDateTime;
use entity::Timestamp;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// Tags of DER (X.690, 8.1.2).
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, where the version of a certificate stands.
const VERSION: u8 = 0xa0;
/// rsaEncryption, 1.2.840.113549.1.1.1 (RFC 3279, 2.3.1), with its tag and length.
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// What is hashed before it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// SignatureVersion 1.
    Sha1,
    /// SignatureVersion 2.
    Sha256,
}

/// A certificate that was fetched.
#[derive(Clone, Debug)]
pub struct Certificate {
    from: Timestamp,
    until: Timestamp,
    /// An `RSAPublicKey` (RFC 8017, A.1.1) in DER.
    key: Vec<u8>,
}

impl Certificate {
    /// Reads PEM; none where it holds no certificate with an RSA key.
    pub(in crate::scanners::signature) fn read(pem: &[u8]) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(pem).ok()?;
        let certificate = Der(&der).only(SEQUENCE)?;
        let mut fields = Der(Der(certificate).next(SEQUENCE)?);
        if fields.0.first() == Some(&VERSION) {
            fields.next(VERSION)?;
        }
        fields.next(INTEGER)?; // serial number
        fields.next(SEQUENCE)?; // how the certificate itself is signed
        fields.next(SEQUENCE)?; // issuer
        let mut days = Der(fields.next(SEQUENCE)?);
        let (from, until) = (days.time()?, days.time()?);
        fields.next(SEQUENCE)?; // subject
        let mut key = Der(fields.next(SEQUENCE)?);
        if !key.next(SEQUENCE)?.starts_with(RSA) {
            return None;
        }
        // The first byte counts unused bits.
        let key = key.next(BIT_STRING)?.strip_prefix(&[0])?.to_vec();
        Some(Self { from, until, key })
    }

    pub(super) fn is_in_its_days(&self, now: Timestamp) -> bool {
        (self.from..=self.until).contains(&now)
    }

    /// Whether its key has signed the text (PKCS #1 v1.5).
    pub(super) fn has_signed(&self, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
        let parameters: &'static RsaParameters = match hash {
            Hash::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(parameters, &self.key).verify(text, signature).is_ok()
    }
}

/// What is left to be read of a value.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value, which must have this tag.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // Lengths of one to three bytes: a certificate is far shorter than 16 MB.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(value)
    }

    /// The only value.
    fn only(mut self, tag: u8) -> Option<&'a [u8]> {
        let value = self.next(tag)?;
        self.0.is_empty().then_some(value)
    }

    /// A time as RFC 5280, 4.1.2.5 has it: of two digits, years from 50 on lie in the last century.
    fn time(&mut self) -> Option<Timestamp> {
        let is_short = match *self.0.first()? {
            UTC_TIME => true,
            GENERALIZED_TIME => false,
            _ => return None,
        };
        let text =
            std::str::from_utf8(self.next(if is_short { UTC_TIME } else { GENERALIZED_TIME })?).ok()?;
        let century = match text.as_bytes().first() {
            Some(b'5'..=b'9') if is_short => "19",
            _ if is_short => "20",
            _ => "",
        };
        let at = NaiveDateTime::parse_from_str(&format!("{century}{text}"), "%Y%m%d%H%M%SZ").ok()?;
        Some(Timestamp::from_datetime(at.and_utc()))
    }
}
