//! Tags: short labels, each in one form.

use super::{DomainError, text};
use crate::config::Limits;

/// Tags in the form in which they are kept, each once, in the order given.
///
/// # Errors
/// `unprocessable` for too many, and for one that is blank or too long.
pub fn read(tags: &[String], limits: &Limits) -> Result<Vec<String>, DomainError> {
    let mut kept: Vec<String> = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        let tag = form(tag);
        text::check_line(&format!("/tags/{at}"), &tag, limits.max_tag_chars)?;
        if !kept.contains(&tag) {
            kept.push(tag);
        }
        if kept.len() > limits.max_tags {
            return Err(DomainError::unprocessable("/tags", format!("at most {} tags", limits.max_tags)));
        }
    }
    Ok(kept)
}

/// The tag that a list is asked for; none for a blank one.
///
/// # Errors
/// `bad_request` for what can be no tag.
pub fn asked(tag: &str, limits: &Limits) -> Result<Option<String>, DomainError> {
    let tag = form(tag);
    if tag.is_empty() {
        return Ok(None);
    }
    let read = text::check_line("/tag", &tag, limits.max_tag_chars);
    read.map_err(|_| DomainError::bad_request("`tag` can be no tag"))?;
    Ok(Some(tag))
}

/// In lower case, without the sign in front, with one space between its parts.
fn form(tag: &str) -> String {
    let tag = tag.trim().trim_start_matches('#').to_lowercase();
    tag.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    fn limits() -> Limits {
        let matches = Limits::augment_args(clap::Command::new("test")).get_matches_from(["test"]);
        Limits::from_arg_matches(&matches).unwrap()
    }

    fn tags(tags: &[&str]) -> Result<Vec<String>, DomainError> {
        read(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(), &limits())
    }

    #[test]
    fn a_tag_has_one_form_and_stands_once() {
        let given = tags(&["Rust", " #rust ", "C++", "web  \t sockets", "ÜBUNG"]).unwrap();
        assert_eq!(given, ["rust", "c++", "web sockets", "übung"]);
        assert_eq!(tags(&[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn tags_hold_their_bounds_at_the_edge() {
        let many: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(tags(&many[..10]).unwrap().len(), 10);
        assert_eq!(tags(&many).unwrap_err().fields[0].0, "/tags");
        assert_eq!(tags(&["a"; 100]).unwrap(), ["a"], "the same one again does not count");
        assert!(tags(&[&"ü".repeat(30)]).is_ok());
        for bad in ["ü".repeat(31).as_str(), "", " ", "#", "a\0", "\u{200b}", "a\u{1b}b"] {
            assert_eq!(tags(&["a", bad]).unwrap_err().fields[0].0, "/tags/1", "{bad:?}");
        }
    }

    #[test]
    fn a_list_is_asked_for_a_tag_in_any_form() {
        assert_eq!(asked(" #Rust", &limits()), Ok(Some("rust".into())));
        assert_eq!(asked(" ", &limits()), Ok(None));
        assert!(asked(&"x".repeat(31), &limits()).is_err());
    }
}
