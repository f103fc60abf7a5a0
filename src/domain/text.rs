//! What people may write. A character is a Unicode scalar; text is kept exactly as it was sent, line ends included.

use super::DomainError;
use url::Url;

/// Takes a text of at most `most` characters that is not blank and that every database can keep.
///
/// # Errors
/// `unprocessable` at `pointer`.
pub fn check(pointer: &str, text: &str, most: usize) -> Result<(), DomainError> {
    let refuse = |detail: String| Err(DomainError::unprocessable(pointer, detail));
    // Four bytes are the most a character takes: far longer texts need no counting.
    if text.len() > most.saturating_mul(4) || text.chars().count() > most {
        return refuse(format!("at most {most} characters"));
    }
    if text.contains('\0') {
        return refuse("must not contain the character U+0000".into());
    }
    if is_blank(text) {
        return refuse("must not be blank".into());
    }
    Ok(())
}

/// As [`check`], for a text that stands on one line.
///
/// # Errors
/// `unprocessable` at `pointer`.
pub fn check_line(pointer: &str, text: &str, most: usize) -> Result<(), DomainError> {
    check(pointer, text, most)?;
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(DomainError::unprocessable(pointer, "must be one line without control characters"));
    }
    Ok(())
}

/// Takes an absolute http or https address of at most `most` characters, as every client reads it.
///
/// # Errors
/// `unprocessable` at `pointer`.
pub fn web_url(pointer: &str, text: &str, most: usize) -> Result<String, DomainError> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url.map(String::from) {
        Some(url) if url.len() <= most => Ok(url),
        _ => {
            let detail = format!("this is no http or https URL of at most {most} characters");
            Err(DomainError::unprocessable(pointer, detail))
        }
    }
}

/// Whether a reader would see nothing.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Characters that are neither space nor control and yet leave no mark of their own.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::codes::ErrorCode;

    #[test]
    fn a_limit_counts_scalars_and_holds_at_its_edge() {
        for character in ["a", "ü", "👍", "\u{301}"] {
            let text = format!("a{}", character.repeat(9));
            assert_eq!(check("/body", &text, 10), Ok(()), "{character}");
            let error = check("/body", &text, 9).unwrap_err();
            assert_eq!(error.code, ErrorCode::Unprocessable);
            assert_eq!(error.fields[0].0, "/body");
        }
        assert!(check("/body", &"a".repeat(10_000), 10_000).is_ok());
        assert!(check("/body", &"👍".repeat(10_001), 10_000).is_err());
        assert!(check("/body", &"a".repeat(40_001), 10_000).is_err());
    }

    #[test]
    fn text_that_shows_nothing_is_blank() {
        for blank in ["", " ", "\n\t", "\u{a0}", "\u{200b}\u{feff}", "\u{3164}", "\u{2800} \r\n", "\u{7}", "\u{e0020}"]
        {
            assert_eq!(check("/body", blank, 10).unwrap_err().code, ErrorCode::Unprocessable, "{blank:?}");
        }
        for seen in ["a", ".", "\u{200b}x", "👩\u{200d}💻", "❤\u{fe0f}"] {
            assert_eq!(check("/body", seen, 10), Ok(()), "{seen:?}");
        }
    }

    #[test]
    fn what_one_database_cannot_keep_no_database_gets() {
        assert_eq!(check("/body", "a\0b", 10).unwrap_err().code, ErrorCode::Unprocessable);
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(check_line("/title", "A title: with – everything!", 300), Ok(()));
        for bad in ["a\nb", "a\rb", "a\tb", "a\u{2028}b", "a\u{1b}[31m", "a\u{85}b"] {
            assert_eq!(check_line("/title", bad, 300).unwrap_err().code, ErrorCode::Unprocessable, "{bad:?}");
        }
    }
}
