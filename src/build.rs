//! Tells cargo what is built into the binary besides the sources.

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    println!("cargo:rerun-if-changed=migrations");
    // A debug build reads the page from its folder when it runs. A release build carries it: one made before there was a
    // page must be made again after.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=client-sdk/dist/site");
    }
}
