//! Mentions: `@handle` in what people write. Whether there is such a person, the store knows.

use super::{DomainError, markdown};
use comrak::Arena;
use comrak::arena_tree::NodeEdge;
use comrak::nodes::NodeValue;

/// Most characters of a handle.
const MAX_HANDLE: usize = 30;

/// The different handles that a text mentions, in the order they first stand there: at most `most`.
///
/// # Errors
/// `unprocessable` for more.
pub async fn within(markdown: &str, most: usize) -> Result<Vec<String>, DomainError> {
    if !markdown.contains('@') {
        return Ok(Vec::new());
    }
    let found = markdown::off_thread(markdown, move |text| of(text, most + 1)).await?;
    if found.len() > most {
        return Err(DomainError::unprocessable("/body", format!("mentions at most {most} people")));
    }
    Ok(found)
}

/// The first `most` different handles: `@` and 1 to 30 of `a-z 0-9 _` in either case, not in a word, an address, code or
/// a link.
fn of(markdown: &str, most: usize) -> Vec<String> {
    let arena = Arena::new();
    let mut found = Vec::new();
    let Some(root) = markdown::parse(&arena, markdown) else { return found };
    // What a reader sees as one stretch of text, emphasis being none of its letters.
    let mut text = String::new();
    let mut links = 0;
    for edge in root.traverse() {
        let (node, begins) = match edge {
            NodeEdge::Start(node) => (node, true),
            NodeEdge::End(node) => (node, false),
        };
        let data = node.data.borrow();
        match &data.value {
            NodeValue::Link(_) | NodeValue::Image(_) => {
                links = if begins { links + 1 } else { links - 1 };
                text.push('/');
            }
            NodeValue::Text(part) if begins && links == 0 => text.push_str(part),
            NodeValue::Emph | NodeValue::Strong | NodeValue::Strikethrough | NodeValue::Text(_) => {}
            _ if !begins => {}
            _ => text.push('\n'),
        }
    }
    scan(&text, most, &mut found);
    found
}

fn scan(text: &str, most: usize, found: &mut Vec<String>) {
    let mut before = ' ';
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        before = rest[..at].chars().next_back().unwrap_or(before);
        let after = &rest[at + 1..];
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let next = after[end..].chars().next().unwrap_or(' ');
        let alone = !before.is_alphanumeric() && !"_/.@".contains(before);
        let ends = !next.is_alphanumeric() && next != '@';
        if alone && ends && (1..=MAX_HANDLE).contains(&end) {
            let handle = after[..end].to_ascii_lowercase();
            if !found.contains(&handle) {
                found.push(handle);
            }
        }
        if found.len() >= most {
            return;
        }
        before = '@';
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::codes::ErrorCode;

    fn handles(markdown: &str) -> Vec<String> {
        of(markdown, 100)
    }

    #[test]
    fn a_handle_is_found_wherever_text_is() {
        for text in [
            "@ada",
            "Hello @ada!",
            "(@ada)",
            "**@ada**, look",
            "- a\n- @ada's",
            "> @ada: yes",
            "# @ada",
            "| a |\n|---|\n| @ada |",
            "a\n@ada\nb",
            "@Ada",
            "\"@ada\"",
            "~~@ada~~",
            "@ada-",
        ] {
            assert_eq!(handles(text), ["ada"], "{text}");
        }
        assert_eq!(handles("@ada_lovelace_1 and @_x_, @ada_lovelace_1"), ["ada_lovelace_1", "x"]);
        assert_eq!(handles("@b @a @B"), ["b", "a"]);
    }

    #[test]
    fn code_links_addresses_and_words_mention_nobody() {
        for text in [
            "`@ada`",
            "```\n@ada\n```",
            "    @ada",
            "[@ada](https://example.org)",
            "https://example.org/@ada",
            "write to me@ada.example",
            "me@ada",
            "@ada@example.org",
            "a@ada",
            "é@ada",
            "/@ada",
            "@",
            "@ ada",
            "@é",
            "@adaé",
            "![@ada](https://example.org/a.png)",
        ] {
            assert_eq!(handles(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_handle_holds_its_bound_at_the_edge() {
        assert_eq!(handles(&format!("@{}", "a".repeat(30))), ["a".repeat(30)]);
        assert_eq!(handles(&format!("@{}", "a".repeat(31))), Vec::<String>::new());
    }

    #[tokio::test]
    async fn different_people_are_counted_and_one_too_many_is_refused() {
        let text = |people: usize| (0..people).map(|n| format!("@p{n} @p{n} ")).collect::<String>();
        assert_eq!(within(&text(20), 20).await.unwrap().len(), 20);
        let refused = within(&text(21), 20).await.unwrap_err();
        assert_eq!((refused.code, refused.fields[0].0.as_str()), (ErrorCode::Unprocessable, "/body"));
        let long = format!("{}{}", "x ".repeat(2_000), text(21));
        assert!(within(&long, 20).await.is_err());
        assert_eq!(within(&format!("`{}`", text(21)), 20).await, Ok(vec![]));
    }
}
