//! What may be chosen as a reaction: one emoji of the Unicode list, in one form.

use std::collections::HashMap;
use std::sync::LazyLock;

/// More bytes than any emoji has, with a selector behind each of its characters.
const LONGEST: usize = 64;

/// Asks for the picture of the character before; some keyboards leave it out, so it says nothing about which emoji it is.
const PICTURE: char = '\u{FE0F}';

/// Every emoji of the list, skin tones included, by its text without selectors.
static FORMS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let every = emojis::iter().flat_map(|emoji| {
        let tones = emoji.skin_tones().into_iter().flatten();
        std::iter::once(emoji).chain(tones)
    });
    every.map(|emoji| (plain(emoji.as_str()), emoji.as_str())).collect()
});

/// The one form in which this emoji is counted: that of the Unicode list, fully qualified. None for what is no emoji, or
/// more than one.
pub fn counted(text: &str) -> Option<&'static str> {
    (text.len() <= LONGEST).then(|| FORMS.get(&plain(text)).copied()).flatten()
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| *c != PICTURE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_of_every_build_are_counted_in_their_qualified_form() {
        for emoji in ["👍", "👍🏽", "❤️", "👩‍💻", "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "#️⃣", "🏳️‍🌈", "👩🏻‍🤝‍👨🏿", "©️", "☺️"]
        {
            assert_eq!(counted(emoji), Some(emoji), "{emoji}");
        }
    }

    #[test]
    fn with_or_without_a_selector_it_is_the_same_emoji() {
        assert_eq!(counted("❤"), Some("❤\u{fe0f}"));
        assert_eq!(counted("👍\u{fe0f}"), Some("👍"));
        assert_eq!(counted("🏳\u{200d}🌈"), counted("🏳\u{fe0f}\u{200d}🌈"));
        assert_eq!(counted("1\u{20e3}"), Some("1\u{fe0f}\u{20e3}"));
    }

    #[test]
    fn what_is_no_emoji_or_more_than_one_is_none() {
        let long = "👍".repeat(100);
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "*",
            "+1",
            ":+1:",
            "👍👍",
            "👍 ",
            "👍\0",
            "é",
            "\u{fe0f}",
            "\u{200d}",
            "❤\u{fe0e}",
            "🇩",
            "👍\u{200d}👍",
            "\u{1f3fd}a",
            "<b>",
            &long,
        ] {
            assert_eq!(counted(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_emoji_of_the_list_has_a_form_of_its_own_within_the_bound() {
        let every =
            || emojis::iter().flat_map(|emoji| std::iter::once(emoji).chain(emoji.skin_tones().into_iter().flatten()));
        for emoji in every() {
            assert_eq!(counted(emoji.as_str()), Some(emoji.as_str()));
            assert!(emoji.as_str().chars().count() * 3 + emoji.as_str().len() <= 2 * LONGEST);
        }
        assert!(FORMS.len() > 3_000, "{}", FORMS.len());
    }
}
