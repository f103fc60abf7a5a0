//! The subcommands as an operator runs them: what they print, and how they end.

use std::path::Path;
use std::process::{Command, Output};

fn belfry(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
    command.env_clear().env("BELFRY_DATA", data).envs(variables.iter().copied()).args(arguments);
    command.output().unwrap()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn tokens_are_printed_one_a_line_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, count) in [
        (&["token", "--name", "Ada"][..], 1),
        (&["token", "--name", "Ada", "--count", "3", "--ttl", "5m"], 3),
        (&["token", "--api-key", "blog"], 1),
    ] {
        let output = belfry(folder.path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        let printed = lines(&output.stdout);
        assert_eq!(printed.len(), count);
        let wanted = |line: &String| {
            if count == 1 && arguments[1] == "--api-key" {
                line.starts_with("bk_")
            } else {
                line.split('.').count() == 3
            }
        };
        assert!(printed.iter().all(wanted), "{printed:?}");
    }
}

#[test]
fn a_role_is_given_by_handle() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(belfry(folder.path(), &["role", "ada", "moderator"], &[]).status.code(), Some(1));
    belfry(folder.path(), &["token", "--name", "Ada"], &[]);
    assert_eq!(belfry(folder.path(), &["role", "ada", "moderator"], &[]).status.code(), Some(0));
    assert_eq!(belfry(folder.path(), &["role", "ada", "king"], &[]).status.code(), Some(2));
}

#[test]
fn a_person_is_banned_listed_and_let_in_again_by_handle() {
    let folder = tempfile::tempdir().unwrap();
    let ban = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["ban"].iter().chain(arguments).copied().collect();
        let output = belfry(folder.path(), &arguments, &[]);
        (output.status.code(), lines(&output.stdout))
    };
    belfry(folder.path(), &["token", "--name", "Ada"], &[]);
    belfry(folder.path(), &["token", "--name", "Bob"], &[]);
    belfry(folder.path(), &["role", "bob", "admin"], &[]);
    assert_eq!(ban(&["--list"]), (Some(0), vec![]));
    assert_eq!(ban(&["ada", "--reason", "spam,\n  again"]), (Some(0), vec!["ada: banned until lifted".into()]));
    let until = "2099-01-01T00:00:00.000Z";
    assert_eq!(ban(&["bob", "--until", until]), (Some(0), vec![format!("bob: banned until {until}")]));
    let listed = vec![format!("bob: until {until}"), "ada: until lifted spam, again".into()];
    assert_eq!(ban(&["--list"]), (Some(0), listed));
    for person in ["ada", "bob", "bob"] {
        assert_eq!(ban(&["--lift", person]), (Some(0), vec![format!("{person}: not banned")]));
    }
    assert_eq!(ban(&["ada", "--for", "7d"]).0, Some(0));
    assert_eq!(ban(&["--list"]).1.len(), 1);
    assert_eq!(ban(&["nobody"]).0, Some(1));
    for bad in [
        &[][..],
        &["ada", "--until", "tomorrow"],
        &["ada", "--until", "2001-01-01T00:00:00Z"],
        &["ada", "--for", "0s"],
        &["ada", "--for", "1d", "--until", until],
        &["ada", "--lift", "--reason", "x"],
        &["ada", "--list"],
        &["ada", "--reason", " "],
    ] {
        assert_eq!(ban(bad).0, Some(2), "{bad:?}");
    }
}

#[test]
fn an_epoch_stays_until_a_new_one_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let epoch = |arguments: &[&str]| lines(&belfry(folder.path(), arguments, &[]).stdout);
    let first = epoch(&["epoch"]);
    assert_eq!(first.len(), 1);
    assert_eq!(epoch(&["epoch"]), first);
    let second = epoch(&["epoch", "--new"]);
    assert_ne!(second, first);
    assert_eq!(epoch(&["epoch"]), second);
}

#[test]
fn a_setting_that_cannot_be_used_is_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for (variable, value) in [
        ("BELFRY_HEARTBEAT", "soon"),
        ("BELFRY_HEARTBEAT", "0s"),
        ("BELFRY_LISTEN", "nowhere"),
        ("BELFRY_METRICS_LISTEN", "no"),
        ("BELFRY_REGISTRATION", "maybe"),
        ("BELFRY_PUBLIC_URL", "talk.example"),
        ("BELFRY_PUBLIC_URL", "https://talk.example/path"),
        ("BELFRY_ORIGINS", "https://a.example,*"),
        ("BELFRY_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("BELFRY_MAX_SOCKETS_PER_USER", "0"),
        ("BELFRY_RATE_LIMITS", "false"),
        ("DATABASE_URL", "mysql://swordfish@db"),
        ("DATABASE_URL", "sqlite://"),
        ("REDIS_URL", "rediss://:swordfish@bus"),
        ("REDIS_URL", "memcached://swordfish@bus"),
        ("BELFRY_JWT_SECRET", ""),
        ("BELFRY_HOST_SECRET", " "),
        ("BELFRY_HOST_AUD", "comments"),
        ("BELFRY_JWKS_FILE", "no/such/file.json"),
        ("BELFRY_JWKS_FILE", "Cargo.toml"),
    ] {
        // A port that is taken would be another failure: none is asked for.
        let addresses = [("BELFRY_LISTEN", "127.0.0.1:0"), ("BELFRY_METRICS_LISTEN", "off")];
        let variables: Vec<_> = addresses.into_iter().chain([(variable, value)]).collect();
        let output = belfry(folder.path(), &[], &variables);
        assert_eq!(output.status.code(), Some(2), "{variable}={value}: {output:?}");
        let told = lines(&output.stderr);
        assert!(told.len() == 1 && told[0].contains(variable), "{variable}={value}: {told:?}");
        assert!(output.stdout.is_empty() && !told[0].contains("swordfish"), "{output:?}");
    }
}

#[test]
fn a_data_folder_that_is_none_is_not_a_matter_of_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = belfry(&file, &["token", "--name", "Ada"], &[]);
    assert_eq!((output.status.code(), lines(&output.stderr).len()), (Some(1), 1), "{output:?}");
}

#[test]
fn the_document_is_printed_with_the_bounds_that_are_set() {
    let folder = tempfile::tempdir().unwrap();
    let output = belfry(folder.path(), &["openapi"], &[("BELFRY_MAX_NAME_CHARS", "61")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["components"]["schemas"]["Registration"]["properties"]["name"]["maxLength"], 61);
    assert!(folder.path().read_dir().unwrap().next().is_none(), "it needs no data");
}
