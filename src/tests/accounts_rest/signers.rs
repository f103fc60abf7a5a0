//! A host's site: it signs tokens for its people, one way or another.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Who signs, by what, and under which `kid`.
pub struct Signer {
    pub algorithm: Algorithm,
    pub kid: Option<&'static str>,
    pub key: EncodingKey,
}

impl Signer {
    /// With a secret.
    pub fn shared(secret: &str) -> Self {
        Self::with_bytes(secret.as_bytes())
    }

    /// With a secret that is no text.
    pub fn with_bytes(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, kid: None, key: EncodingKey::from_secret(secret) }
    }

    /// The same once more.
    pub fn again(&self) -> Self {
        Self { algorithm: self.algorithm, kid: self.kid, key: self.key.clone() }
    }

    /// With a new key of its own for this algorithm.
    pub fn new(algorithm: Algorithm, kid: Option<&'static str>) -> Self {
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => {
                let curve = match algorithm {
                    Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                    _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
                };
                EncodingKey::from_ec_der(EcdsaKeyPair::generate(curve).unwrap().to_pkcs8v1().unwrap().as_ref())
            }
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref())
            }
            _ => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                // The bare key stands behind what says that it is one.
                EncodingKey::from_rsa_der(&der.as_ref()[26..])
            }
        };
        Self { algorithm, kid, key }
    }

    /// The public key, which does not say what it is for.
    pub fn public(&self) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk.as_object_mut().unwrap().remove("alg");
        if let Some(kid) = self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// A token with just these claims.
    pub fn bare(&self, claims: &Value) -> Value {
        let header = Header { kid: self.kid.map(str::to_owned), ..Header::new(self.algorithm) };
        json!(jsonwebtoken::encode(&header, claims, &self.key).unwrap())
    }

    /// A token of a person that ends a minute after the hands of the tests' clock begin to move, with other claims.
    pub fn token(&self, sub: &str, name: &str, others: Value) -> Value {
        let mut claims = json!({"sub": sub, "name": name, "exp": 1_700_000_060});
        claims.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        self.bare(&claims)
    }
}

/// A set of public keys.
pub fn set(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.public()).collect::<Vec<_>>() }).to_string()
}
