//! Public keys of the host's site in a file: which signatures are good, and what becomes of them when it changes.

use super::signers::{Signer, set};
use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use std::fs;

/// A server whose host has these keys, and the file.
async fn stage(signers: &[&Signer]) -> (House, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    fs::write(&file, set(signers)).unwrap();
    (house(&["--jwks-file", file.to_str().unwrap()]).await, folder)
}

impl House {
    async fn lets_in(&self, token: &Value) -> bool {
        let status = self.call(get("/users/me").bearer(token)).await.status;
        assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&status), "{status}");
        status == StatusCode::OK
    }
}

fn tokens(signer: &Signer) -> Value {
    signer.token("u-1", "Ada", json!({}))
}

#[tokio::test]
async fn each_key_is_good_for_its_own_algorithm() {
    let signers = [
        Signer::new(Algorithm::RS256, Some("rsa")),
        Signer::new(Algorithm::ES256, Some("p-256")),
        Signer::new(Algorithm::ES384, Some("p-384")),
        Signer::new(Algorithm::EdDSA, Some("ed")),
    ];
    let (house, _folder) = stage(&signers.iter().collect::<Vec<_>>()).await;
    for signer in signers {
        assert!(house.lets_in(&tokens(&signer)).await, "{:?}", signer.algorithm);
        let nameless = Signer { kid: None, ..signer };
        assert!(house.lets_in(&tokens(&nameless)).await, "{:?}", nameless.algorithm);
        for kid in ["rsa", "unknown"] {
            let misnamed = Signer { kid: Some(kid), ..nameless.again() };
            assert_eq!(house.lets_in(&tokens(&misnamed)).await, kid == "rsa" && misnamed.algorithm == Algorithm::RS256);
        }
        assert!(!house.lets_in(&tokens(&Signer::new(nameless.algorithm, None))).await, "another key of its kind");
    }
    // All of them one person.
    assert_eq!(house.host_person("u-1").await.unwrap().user.handle, "ada");
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let rsa = Signer::new(Algorithm::RS256, Some("rsa"));
    let (house, _folder) = stage(&[&rsa]).await;
    let key = rsa.public();
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    let text = set(&[&rsa]);
    for secret in [key["n"].as_str().unwrap().as_bytes(), &modulus, key.to_string().as_bytes(), text.as_bytes(), b""] {
        for kid in [Some("rsa"), None] {
            let forger = Signer { kid, ..Signer::with_bytes(secret) };
            assert!(!house.lets_in(&tokens(&forger)).await);
        }
    }
    // Nor can the same key sign in a way that it is not for.
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        assert!(!house.lets_in(&tokens(&Signer { algorithm, ..rsa.again() })).await, "{algorithm:?}");
    }
    let payload = tokens(&rsa).as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    for none in ["none", "None", "NONE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": none, "typ": "JWT"}).to_string());
        assert!(!house.lets_in(&json!(format!("{header}.{payload}."))).await);
    }
    assert!(house.lets_in(&tokens(&rsa)).await);
}

#[tokio::test]
async fn keys_rotate_by_reading_the_file_again() {
    let [old, new] = [Signer::new(Algorithm::ES256, Some("old")), Signer::new(Algorithm::ES256, Some("new"))];
    let (house, folder) = stage(&[&old]).await;
    let file = folder.path().join("keys.json");
    assert!(house.lets_in(&tokens(&old)).await);
    house.pass(Duration::from_secs(2));
    fs::write(&file, set(&[&old, &new])).unwrap();
    assert!(house.lets_in(&tokens(&new)).await && house.lets_in(&tokens(&old)).await);
    // What is broken is waited out with the keys from before.
    fs::write(&file, "{").unwrap();
    house.pass(Duration::from_secs(2));
    assert!(house.lets_in(&tokens(&new)).await);
    fs::write(&file, set(&[&new])).unwrap();
    house.pass(Duration::from_secs(2));
    assert!(!house.lets_in(&tokens(&old)).await && house.lets_in(&tokens(&new)).await);
}

#[tokio::test]
async fn own_tokens_stay_good_beside_the_hosts() {
    let host = Signer::new(Algorithm::EdDSA, None);
    let (house, _folder) = stage(&[&host]).await;
    let ada = house.person("ada").await;
    house.call(get("/users/me").bearer(&ada["access_token"])).await.expect(StatusCode::OK);
    let hosts = house.call(get("/users/me").bearer(&tokens(&host))).await.expect(StatusCode::OK);
    assert_ne!(hosts["id"], ada["user"]["id"]);
}
