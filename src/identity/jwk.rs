//! The provider's public keys, as JSON Web Keys (RFC 7517, RFC 7518, RFC 8037), and what they have signed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// How many keys of a set are looked at.
const MAX_KEYS: usize = 100;

/// How a token is signed. Neither `none` nor a shared secret (`HS…`) is among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Rs256, "RS256"),
        (Self::Rs384, "RS384"),
        (Self::Rs512, "RS512"),
        (Self::Ps256, "PS256"),
        (Self::Ps384, "PS384"),
        (Self::Ps512, "PS512"),
        (Self::Es256, "ES256"),
        (Self::Es384, "ES384"),
        (Self::EdDsa, "EdDSA"),
    ];

    /// The algorithm of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(algorithm, _)| algorithm)
    }
}

/// A public key that may have signed tokens.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    pub(super) id: Option<String>,
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// One key as it is published. Private parts, certificates and addresses in it are not looked at.
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a published set that can sign tokens; none where it is no set of keys.
pub(super) fn read(body: &[u8]) -> Option<Vec<PublicKey>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).ok()?;
    // A key of a kind that is not known here hides no other.
    let keys = set.keys.into_iter().take(MAX_KEYS);
    Some(keys.filter_map(|key| serde_json::from_value(key).ok().and_then(PublicKey::read)).collect())
}

impl PublicKey {
    fn read(published: Published) -> Option<Self> {
        if published.usage.as_deref().is_some_and(|usage| usage != "sig")
            || published.key_ops.is_some_and(|operations| !operations.iter().any(|known| known == "verify"))
        {
            return None;
        }
        let algorithm = match published.alg {
            Some(name) => Some(Algorithm::of_name(&name)?),
            None => None,
        };
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let number = |text| {
            let bytes = bytes(text)?;
            let first = bytes.iter().position(|byte| *byte != 0)?;
            bytes.get(first..).map(<[u8]>::to_vec)
        };
        let exactly = |text, len| bytes(text).filter(|bytes| bytes.len() == len);
        let point = |x, y, len| {
            let (x, y) = (exactly(x, len)?, exactly(y, len)?);
            // Uncompressed (SEC 1, section 2.3.3).
            Some([&[4], &*x, &*y].concat())
        };
        let (x, y) = (published.x, published.y);
        let material = match (published.kty.as_str(), published.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { modulus: number(published.n)?, exponent: number(published.e)? },
            ("EC", Some("P-256")) => Material::P256(point(x, y, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(x, y, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(exactly(x, 32)?),
            _ => return None,
        };
        Some(Self { id: published.kid, algorithm, material })
    }

    /// Whether it has signed a message in that way. A key signs in the ways of its kind only, and where it
    /// names one in that one.
    pub(super) fn has_signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        use Algorithm as A;
        if self.algorithm.is_some_and(|own| own != algorithm) {
            return false;
        }
        let rsa: &signature::RsaParameters = match (&self.material, algorithm) {
            (Material::Rsa { .. }, A::Rs256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Material::Rsa { .. }, A::Rs384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Material::Rsa { .. }, A::Rs512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Material::Rsa { .. }, A::Ps256) => &signature::RSA_PSS_2048_8192_SHA256,
            (Material::Rsa { .. }, A::Ps384) => &signature::RSA_PSS_2048_8192_SHA384,
            (Material::Rsa { .. }, A::Ps512) => &signature::RSA_PSS_2048_8192_SHA512,
            (Material::P256(point), A::Es256) => {
                return is_signed(&signature::ECDSA_P256_SHA256_FIXED, point, message, signature);
            }
            (Material::P384(point), A::Es384) => {
                return is_signed(&signature::ECDSA_P384_SHA384_FIXED, point, message, signature);
            }
            (Material::Ed25519(key), A::EdDsa) => {
                return is_signed(&signature::ED25519, key, message, signature);
            }
            _ => return false,
        };
        let Material::Rsa { modulus, exponent } = &self.material else { return false };
        RsaPublicKeyComponents { n: modulus, e: exponent }.verify(rsa, message, signature).is_ok()
    }
}

fn is_signed(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}
