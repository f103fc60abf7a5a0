//! The rules of the house, held to by reading its files. What a rule is for stands in ARCHITECTURE.md and CONTRIBUTING.md.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use belfry::config::Config;
use belfry::protocol::codes::{CloseCode, ErrorCode};
use belfry::telemetry;
use clap::{Arg, CommandFactory, Parser};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a source file, tests included.
const MOST_LINES: usize = 400;
/// What is built, fetched or kept by a running server, and no source.
const NO_SOURCES: [&str; 8] =
    [".git", ".e2e", "data", "dist", "node_modules", "target", "playwright-report", "generated"];
/// Modules that put the others together and may use all of them.
const COMPOSERS: [&str; 3] = ["main", "cli", "app"];

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    _config: Config,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder whose names end in one of these, relative to the root.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name().into_string().unwrap();
            if kind.is_dir() && !NO_SOURCES.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} has no files");
    found
}

/// Lines that stand in the program, without what follows `//`.
fn code(path: &Path) -> String {
    let text = read(path);
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// The top-level module that a file belongs to.
fn module_of(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// What stands in a list up to its closing brace, without the braces within.
fn outermost(list: &str) -> String {
    let mut depth = 0;
    let mut outer = String::new();
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ if depth == 0 => outer.push(c),
            _ => {}
        }
    }
    outer
}

/// Names that follow `crate::`, also those in braces.
fn used_modules(code: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        match rest.strip_prefix('{') {
            None => used.push(name(rest)),
            Some(list) => used.extend(outermost(list).split(',').map(|part| name(part.trim_start()))),
        }
    }
    used
}

#[test]
fn a_file_uses_its_own_module_and_those_listed_below_it() {
    let lib = read("src/lib.rs");
    let order: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let place = |module: &str| order.iter().position(|other| *other == module);
    let mut broken = Vec::new();
    for path in files("src", &[".rs"]) {
        let module = module_of(&path);
        if ["tests", "lib", "build"].contains(&module.as_str()) || COMPOSERS.contains(&module.as_str()) {
            continue;
        }
        let own = place(&module).unwrap_or_else(|| panic!("{} is in no module of lib.rs", path.display()));
        for used in used_modules(&code(&path)) {
            if place(&used).is_some_and(|used| used < own) {
                broken.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    broken.dedup();
    assert_none(&broken, "modules are listed in src/lib.rs from the edge down, and nothing uses what stands above it");
}

#[test]
fn uses_are_found_alone_and_in_braces() {
    let code =
        "use crate::hub::Hub;\nuse crate::{ws, store::{Store, read}, bus};\nlet x = crate::model::Id; subcrate::app";
    assert_eq!(used_modules(code), ["hub", "ws", "store", "bus", "model"]);
}

#[test]
fn no_source_file_is_longer_than_anybody_likes_to_read() {
    let long = files("", &[".rs", ".ts", ".tsx", ".mjs"]).into_iter().filter_map(|path| {
        let lines = read(&path).lines().count();
        (lines > MOST_LINES).then(|| format!("{} has {lines} lines", path.display()))
    });
    assert_none(&long.collect::<Vec<_>>(), &format!("a source file has at most {MOST_LINES} lines"));
}

#[test]
fn a_rest_path_is_added_together_with_what_the_document_says_of_it() {
    let plain = ["exposition.rs", "site.rs", "socket.rs"].map(|name| root().join("src/http").join(name));
    let rest = files("src/http", &[".rs"]).into_iter().filter(|path| !plain.contains(&root().join(path)));
    let broken = rest.filter(|path| code(path).contains(".route(")).map(|path| path.display().to_string());
    assert_none(&broken.collect::<Vec<_>>(), "REST paths are added by `routes!`, not by `route`");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder| {
        let names = files(folder, &[".sql"]).into_iter();
        names.map(|path| path.file_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("migrations/postgres"), names("migrations/sqlite"));
}

#[test]
fn only_the_store_knows_sql() {
    let allowed = ["src/store/", "src/model/", "src/tests/"];
    let elsewhere = files("src", &[".rs"]).into_iter().filter(|path| {
        let within = allowed.iter().any(|folder| path.starts_with(folder));
        !within && code(path).contains("sqlx")
    });
    let elsewhere: Vec<_> = elsewhere.map(|path| path.display().to_string()).collect();
    assert_none(&elsewhere, "SQL and its library stand in src/store (and the types of columns in src/model)");
}

#[test]
fn metrics_are_counted_in_one_module() {
    let macros = ["counter!(", "gauge!(", "histogram!("];
    let elsewhere = files("src", &[".rs"]).into_iter().filter(|path| {
        !path.starts_with("src/metrics")
            && path != Path::new("src/tests/tidy.rs")
            && macros.iter().any(|name| code(path).contains(name))
    });
    let elsewhere: Vec<_> = elsewhere.map(|path| path.display().to_string()).collect();
    assert_none(&elsewhere, "every metric is counted in src/metrics, and has its name and its meaning in mod.rs");
}

#[test]
fn every_code_stands_in_the_protocol_and_in_the_sdk() {
    let (protocol, sdk) = (read("src/protocol/PROTOCOL.md"), read("client-sdk/src/codes.ts"));
    let mut missing = Vec::new();
    for code in ErrorCode::ALL {
        let (name, status) = (code.name(), code.status());
        if !protocol.contains(&format!("| `{name}` | {status} |")) {
            missing.push(format!("{name} ({status}) in PROTOCOL.md"));
        }
        if !sdk.contains(&format!("\"{name}\"")) {
            missing.push(format!("{name} in codes.ts"));
        }
    }
    for code in CloseCode::ALL.iter().map(|code| code.code()) {
        if !protocol.lines().any(|line| line.starts_with("| ") && line.contains(&code.to_string())) {
            missing.push(format!("{code} in PROTOCOL.md"));
        }
        if !sdk.contains(&format!(": {code},")) {
            missing.push(format!("{code} in codes.ts"));
        }
    }
    assert_none(&missing, "codes are documented, and known to the SDK");
}

#[test]
fn every_message_and_kind_with_a_fixture_stands_in_the_protocol() {
    let protocol = read("src/protocol/PROTOCOL.md");
    let mut missing = BTreeSet::new();
    for path in files("src/protocol/fixtures", &[".json"]) {
        let fixture: Value = serde_json::from_str(&read(&path)).unwrap();
        for name in ["type", "kind"].iter().filter_map(|field| fixture["json"][field].as_str()) {
            let name = if name.starts_with("custom.") { "custom.*" } else { name };
            if !protocol.contains(&format!("| `{name}` |")) {
                missing.insert(name.to_owned());
            }
        }
    }
    assert_none(
        &missing.into_iter().collect::<Vec<_>>(),
        "PROTOCOL.md has a row for every type of message and kind of event",
    );
}

#[test]
fn every_setting_stands_in_the_readme_with_its_default() {
    let readme = read("README.md");
    let log = format!("| `{}` | | `info` |", telemetry::FILTER);
    let command = Settings::command();
    let rows = command.get_arguments().filter(|setting| setting.get_env().is_some()).map(row);
    let missing: Vec<_> = rows.chain([log]).filter(|row| !readme.contains(row)).collect();
    assert_none(&missing, "README.md has these rows");
    let known: Vec<_> =
        command.get_arguments().filter_map(Arg::get_env).map(|name| format!("| `{}` |", name.display())).collect();
    let settings =
        |line: &&str| line.starts_with("| `BELFRY_") && !line.starts_with(&format!("| `{}`", telemetry::FILTER));
    let gone = readme.lines().filter(settings).filter(|line| !known.iter().any(|name| line.starts_with(name)));
    assert_none(&gone.map(str::to_owned).collect::<Vec<_>>(), "README.md has rows of settings that are no more");
}

#[test]
fn documents_name_settings_that_there_are() {
    let command = Settings::command();
    let known: BTreeSet<String> =
        command.get_arguments().filter_map(Arg::get_env).map(|name| name.display().to_string()).collect();
    let mut unknown = BTreeSet::new();
    for file in ["README.md", "ARCHITECTURE.md", "src/protocol/PROTOCOL.md", "docker-compose.yml"] {
        let text = read(file);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.starts_with("BELFRY_") && *word != telemetry::FILTER) {
            if !known.contains(name) {
                unknown.insert(format!("{name} in {file}"));
            }
        }
    }
    assert_none(&unknown.into_iter().collect::<Vec<_>>(), "a document names a setting that is not there");
}

/// A setting's row: variable, flag, default, meaning.
fn row(setting: &Arg) -> String {
    let env = setting.get_env().unwrap().display();
    let default =
        setting.get_default_values().first().map(|value| format!("`{}`", value.display())).unwrap_or_default();
    let meaning = setting.get_help().unwrap();
    format!("| `{env}` | `--{}` | {default} | {meaning} |", setting.get_long().unwrap()).replace("|  |", "| |")
}

#[test]
fn no_file_knows_whose_machine_it_was_written_on() {
    let endings =
        [".rs", ".ts", ".tsx", ".mjs", ".md", ".json", ".toml", ".yml", ".sql", ".css", ".html", "file", "run"];
    // Put together here, so that this file names none either.
    let machine = ["work", "home", "root", "Users"].map(|folder| format!("/{folder}/"));
    let named = files("", &endings).into_iter().filter_map(|path| {
        let text = read(&path);
        let line = text.lines().find(|line| machine.iter().any(|folder| line.contains(folder)))?;
        Some(format!("{}: {}", path.display(), line.trim()))
    });
    assert_none(&named.collect::<Vec<_>>(), "paths are the tree's own");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for path in files("", &[".md"]) {
        let text = read(&path);
        let targets = text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !root().join(&path).parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert_none(&broken, "a link leads to a file of this tree");
}
