//! Which keys of a set are good for what, and when the file is read again.

use super::*;
use crate::model::{Clock, Timestamp};
use serde_json::json;

struct Hand(Mutex<Instant>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn instant(&self) -> Instant {
        *self.0.lock()
    }
}

fn number(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(vec![0xab; bytes])
}

fn rsa(id: &str) -> Value {
    json!({"kty": "RSA", "kid": id, "n": number(256), "e": "AQAB"})
}

fn ec(curve: &str, bytes: usize) -> Value {
    json!({"kty": "EC", "crv": curve, "x": number(bytes), "y": number(bytes)})
}

fn ed(curve: &str) -> Value {
    json!({"kty": "OKP", "crv": curve, "x": number(32)})
}

fn with(mut key: Value, field: &str, value: Value) -> Value {
    key[field] = value;
    key
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
    Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }
}

#[test]
fn a_key_is_good_for_the_algorithm_it_names_or_the_usual_one_of_its_kind_and_no_other() {
    for (key, algorithm) in [
        (rsa("a"), Algorithm::RS256),
        (with(rsa("a"), "alg", json!("RS512")), Algorithm::RS512),
        (with(rsa("a"), "alg", json!("PS256")), Algorithm::PS256),
        (with(rsa("a"), "use", json!("sig")), Algorithm::RS256),
        (with(rsa("a"), "key_ops", json!(["verify"])), Algorithm::RS256),
        (with(rsa("a"), "n", json!(number(1024))), Algorithm::RS256),
        (ec("P-256", 32), Algorithm::ES256),
        (ec("P-384", 48), Algorithm::ES384),
        (ed("Ed25519"), Algorithm::EdDSA),
    ] {
        let keys = KeySet::parse(&set(std::slice::from_ref(&key))).unwrap();
        for other in [
            Algorithm::HS256,
            Algorithm::HS512,
            Algorithm::RS256,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::EdDSA,
        ] {
            assert_eq!(keys.fitting(&header(other, None)).len(), usize::from(other == algorithm), "{key} {other:?}");
        }
    }
}

#[test]
fn keys_of_no_use_are_passed_over_and_a_set_without_others_is_refused() {
    for useless in [
        json!({"kty": "oct", "k": number(32), "alg": "HS256"}),
        with(rsa("a"), "alg", json!("HS256")),
        with(rsa("a"), "alg", json!("ES256")),
        with(rsa("a"), "alg", json!("RSA-OAEP")),
        with(rsa("a"), "alg", json!("none")),
        with(rsa("a"), "use", json!("enc")),
        with(rsa("a"), "key_ops", json!(["encrypt"])),
        with(rsa("a"), "n", json!(number(255))),
        with(rsa("a"), "n", json!(number(1025))),
        with(rsa("a"), "n", json!("?")),
        with(ec("P-256", 32), "alg", json!("RS256")),
        ec("P-256", 31),
        ec("P-521", 66),
        ec("secp256k1", 32),
        ed("X25519"),
        with(ed("Ed25519"), "x", json!(number(31))),
        json!({"kty": "new"}),
        json!({}),
        json!("key"),
    ] {
        assert!(KeySet::parse(&set(std::slice::from_ref(&useless))).is_err(), "{useless}");
        let beside = KeySet::parse(&set(&[useless.clone(), rsa("b")])).unwrap();
        assert_eq!(beside.0.len(), 1, "{useless}");
    }
    for broken in ["", "{}", "[]", "{\"keys\": {}}", "{\"keys\": []}", "<html>"] {
        assert!(KeySet::parse(broken).is_err(), "{broken}");
    }
    assert!(KeySet::parse(&set(&vec![rsa("a"); 100])).is_ok());
    assert!(KeySet::parse(&set(&vec![rsa("a"); 101])).is_err());
}

#[test]
fn a_kid_chooses_and_without_one_each_that_fits_is_tried() {
    let nameless = json!({"kty": "RSA", "n": number(256), "e": "AQAB"});
    let keys = KeySet::parse(&set(&[rsa("a"), rsa("b"), ec("P-256", 32), nameless])).unwrap();
    assert_eq!(keys.fitting(&header(Algorithm::RS256, None)).len(), 3);
    assert_eq!(keys.fitting(&header(Algorithm::RS256, Some("b"))).len(), 1);
    assert_eq!(keys.fitting(&header(Algorithm::ES256, Some("b"))).len(), 0);
    assert_eq!(keys.fitting(&header(Algorithm::RS256, Some("c"))).len(), 0);
}

struct Stage {
    folder: tempfile::TempDir,
    clock: Arc<Hand>,
    file: KeyFile,
}

impl Stage {
    #[expect(clippy::disallowed_methods, reason = "somewhere a clock must begin")]
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        fs::write(&path, text).unwrap();
        let clock = Arc::new(Hand(Mutex::new(Instant::now())));
        let file = KeyFile::open(&path, clock.clone()).unwrap();
        Self { folder, clock, file }
    }

    fn pass(&self, time: Duration) {
        *self.clock.0.lock() += time;
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("keys.json"), text).unwrap();
    }

    async fn knows(&self, kid: &str) -> bool {
        !self.file.fitting(&header(Algorithm::RS256, Some(kid))).await.is_empty()
    }
}

const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_changed_file_is_read_again_when_it_is_next_looked_at() {
    let stage = Stage::new(&set(&[rsa("a")]));
    stage.write(&set(&[rsa("a"), rsa("longer")]));
    stage.pass(PAUSE - MOMENT);
    assert!(stage.knows("a").await);
    assert_eq!(stage.file.now().0.len(), 1);
    stage.pass(MOMENT);
    assert!(stage.knows("a").await);
    assert_eq!(stage.file.now().0.len(), 2);
    // A key that is taken out is good no more.
    stage.write(&set(&[rsa("longer")]));
    stage.pass(PAUSE);
    assert!(!stage.knows("a").await && stage.knows("longer").await);
}

#[tokio::test]
async fn an_unknown_kid_has_the_file_read_at_once_but_not_again_and_again() {
    let stage = Stage::new(&set(&[rsa("a")]));
    stage.pass(PAUSE);
    assert!(stage.knows("a").await);
    // Of the same length, perhaps within the same moment: not to be told by looking.
    stage.write(&set(&[rsa("b")]));
    assert!(stage.knows("b").await);
    stage.write(&set(&[rsa("c")]));
    stage.pass(PAUSE - MOMENT);
    assert!(!stage.knows("c").await);
    stage.pass(MOMENT);
    assert!(stage.knows("c").await && !stage.knows("b").await);
}

#[tokio::test]
async fn a_broken_file_keeps_the_keys_from_before() {
    let stage = Stage::new(&set(&[rsa("a")]));
    for broken in ["{", "", &set(&[]), &"x".repeat(2_000_000)] {
        stage.write(broken);
        stage.pass(PAUSE);
        assert!(stage.knows("a").await && !stage.knows("b").await);
    }
    fs::remove_file(stage.folder.path().join("keys.json")).unwrap();
    stage.pass(PAUSE);
    assert!(stage.knows("a").await);
    stage.write(&set(&[rsa("b")]));
    stage.pass(PAUSE);
    assert!(stage.knows("b").await);
}

#[test]
fn a_file_that_cannot_be_used_is_told_in_a_line_that_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let open = || KeyFile::open(&path, Arc::new(crate::model::clock::DatabaseClock::new())).err().unwrap();
    for text in [None, Some("{"), Some("{\"keys\": []}"), Some("\u{0}")] {
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let complaint = open();
        assert!(complaint.starts_with("BELFRY_JWKS_FILE") && !complaint.contains('\n'), "{complaint}");
    }
    let largest = set(&[rsa("a")]);
    let padding = usize::try_from(MOST_BYTES).unwrap() - largest.len();
    fs::write(&path, format!("{largest}{}", " ".repeat(padding))).unwrap();
    assert!(KeyFile::open(&path, Arc::new(crate::model::clock::DatabaseClock::new())).is_ok());
    fs::write(&path, format!("{largest}{}", " ".repeat(padding + 1))).unwrap();
    assert!(open().contains("larger"));
}
