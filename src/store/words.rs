//! Words that posts are found by. Both databases keep them as they are cut here, so that both find the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A longer word counts by its beginning.
const MAX_WORD: usize = 64;

/// Most bytes of different words of one text; the rest is not found. A full-text index has a bound of its own above it.
const MAX_BYTES: usize = 512 * 1024;

/// A text without case: what differs in case only is the same.
pub fn fold(text: &str) -> String {
    // By way of upper case, so that the two small sigmas are one, and a sharp s is the two that it is written as.
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The words of a text: whatever lies between characters that are neither letter nor digit, without case.
pub fn words(text: &str) -> BTreeSet<String> {
    let folded = fold(text);
    let cut = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let (mut words, mut bytes) = (BTreeSet::new(), 0);
    for word in cut.map(|word| word.chars().take(MAX_WORD).collect::<String>()) {
        let more = word.len();
        if bytes + more > MAX_BYTES {
            break;
        }
        if words.insert(word) {
            bytes += more;
        }
    }
    words
}

/// The words of a post's title and body.
pub fn of_post(title: &str, body: &str) -> BTreeSet<String> {
    words(&format!("{title} {body}"))
}

/// Words in the digits of their bytes, with a space between.
pub fn in_digits<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        for byte in word.bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        words(text).into_iter().collect()
    }

    #[test]
    fn a_text_is_cut_at_whatever_is_neither_letter_nor_digit_and_has_no_case() {
        assert_eq!(cut("Hello, WORLD! hello-world_2"), ["2", "hello", "world"]);
        assert_eq!(cut("Straße STRASSE"), ["strasse"]);
        assert_eq!(cut("ΟΔΟΣ οδος"), ["οδοσ"]);
        assert_eq!(cut("Ünï 日本語 don't 3.14"), ["14", "3", "don", "t", "ünï", "日本語"]);
        assert_eq!(cut("!!! \0 👍"), Vec::<String>::new());
    }

    #[test]
    fn a_long_word_counts_by_its_beginning_and_a_long_text_by_its_first_words() {
        let long = "é".repeat(MAX_WORD);
        assert_eq!(cut(&format!("{long}x")), vec![long]);
        let text: String = (0..200_000).map(|n| format!("{n} ")).collect();
        let kept = words(&text);
        let bytes: usize = kept.iter().map(String::len).sum();
        assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES - 7 && kept.contains("0"), "{bytes}");
    }

    #[test]
    fn digits_are_those_of_the_bytes() {
        assert_eq!(in_digits(&words("ab é")), "6162 c3a9");
        assert_eq!(in_digits(&words("")), "");
    }
}
