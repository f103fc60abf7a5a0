//! What people may call themselves. Every rule answers with the text to keep, or says at which field it fails.

use super::{DomainError, text};

/// Most characters of a handle.
pub const MAX_HANDLE: usize = 30;
/// Most characters of an address.
pub const MAX_EMAIL: usize = 254;
/// Fewest and most characters of a password.
pub const PASSWORD: std::ops::RangeInclusive<usize> = 8..=1_000;
/// Most characters of a picture's URL: it travels in every token.
pub const MAX_URL: usize = 1_000;

/// A name: 1 to `most` characters besides blanks around it, none of them a control character.
pub fn name(name: &str, most: usize) -> Result<String, DomainError> {
    let fail = |detail: String| Err(DomainError::unprocessable("/name", detail));
    let name = name.trim();
    if name.chars().all(is_blank) {
        return fail("a name must not be blank".into());
    }
    if name.chars().count() > most {
        return fail(format!("a name has at most {most} characters"));
    }
    if name.chars().any(is_control) {
        return fail("a name has no control characters".into());
    }
    Ok(name.to_owned())
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Control characters, and those that turn the direction of the text around them.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A handle: 1 to 30 of `a` to `z`, digits and `_`.
pub fn handle(handle: &str) -> Result<String, DomainError> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=MAX_HANDLE).contains(&handle.len()) && handle.bytes().all(good) {
        return Ok(handle.to_owned());
    }
    let detail = format!("a handle is 1 to {MAX_HANDLE} of the characters a-z, 0-9 and _");
    Err(DomainError::unprocessable("/handle", detail))
}

/// A handle made from a name, at most `most` long: its ASCII letters and digits, `_` for what stands between them.
pub fn handle_from(name: &str, most: usize) -> String {
    let mut handle = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            handle.push(c.to_ascii_lowercase());
        } else if (c.is_whitespace() || "_-.".contains(c)) && !handle.is_empty() && !handle.ends_with('_') {
            handle.push('_');
        }
    }
    handle.truncate(most);
    let handle = handle.trim_end_matches('_');
    if handle.is_empty() { "user".into() } else { handle.to_owned() }
}

/// An address to sign in with, in lower case. Only mail proves one; this refuses what cannot be any.
pub fn email(email: &str) -> Result<String, DomainError> {
    let email = email.trim().to_lowercase();
    let parts = email.split_once('@');
    let plausible = parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.split('.').any(str::is_empty)
    });
    let clean = !email.chars().any(|c| c.is_whitespace() || is_control(c));
    if plausible && clean && email.chars().count() <= MAX_EMAIL {
        return Ok(email);
    }
    let detail = format!("this is no email address of at most {MAX_EMAIL} characters");
    Err(DomainError::unprocessable("/email", detail))
}

/// A new password, as it is.
pub fn password(password: &str) -> Result<(), DomainError> {
    if PASSWORD.contains(&password.chars().count()) {
        return Ok(());
    }
    let detail = format!("a password has {} to {} characters", PASSWORD.start(), PASSWORD.end());
    Err(DomainError::unprocessable("/password", detail))
}

/// A picture: an absolute http or https URL.
pub fn avatar_url(url: &str) -> Result<String, DomainError> {
    web_url("/avatar_url", url)
}

/// An absolute http or https URL, as every stored one is.
///
/// # Errors
/// `unprocessable` at `pointer`.
pub fn web_url(pointer: &str, url: &str) -> Result<String, DomainError> {
    text::web_url(pointer, url, MAX_URL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_60_characters_that_can_be_seen() {
        assert_eq!(name("  Ada Lovelace ", 60).unwrap(), "Ada Lovelace");
        assert_eq!(name(&"é".repeat(60), 60).unwrap().chars().count(), 60);
        for bad in ["", "  ", "\u{200b}", "\u{3000}", "A\u{0}da", "A\nda", "A\u{202e}da", &"x".repeat(61)] {
            assert_eq!(name(bad, 60).unwrap_err().fields[0].0, "/name", "{bad:?}");
        }
    }

    #[test]
    fn a_handle_has_1_to_30_plain_characters() {
        for good in ["a", "_", "0", "ada_1815", &"x".repeat(30)] {
            assert_eq!(handle(good).unwrap(), *good);
        }
        for bad in ["", "Ada", "a b", "ada-1", "ä", &"x".repeat(31)] {
            assert_eq!(handle(bad).unwrap_err().fields[0].0, "/handle", "{bad:?}");
        }
    }

    #[test]
    fn every_name_makes_a_good_handle() {
        for (name, made) in [
            ("Ada", "ada"),
            ("Ada 12", "ada_12"),
            ("  Ada -- Lovelace. ", "ada_lovelace"),
            ("Élodie", "lodie"),
            ("李", "user"),
            ("_", "user"),
        ] {
            assert_eq!(handle_from(name, MAX_HANDLE), made, "{name:?}");
        }
        let long = handle_from(&"a b".repeat(20), MAX_HANDLE);
        assert_eq!(handle(&long).unwrap(), long);
    }

    #[test]
    fn an_address_is_kept_in_lower_case_and_must_be_plausible() {
        assert_eq!(email(" Ada@Example.COM ").unwrap(), "ada@example.com");
        assert_eq!(email("a@localhost").unwrap(), "a@localhost");
        let longest = format!("{}@x.example", "a".repeat(MAX_EMAIL - 10));
        assert_eq!(email(&longest).unwrap(), longest);
        for bad in ["", "ada", "@x", "a@", "a@b@c", "a b@c", "a@.c", "a@c.", "a\u{0}@c", &format!("a{longest}")] {
            assert_eq!(email(bad).unwrap_err().fields[0].0, "/email", "{bad:?}");
        }
    }

    #[test]
    fn a_password_has_8_to_1000_characters() {
        for (length, good) in [(7, false), (8, true), (1_000, true), (1_001, false)] {
            assert_eq!(password(&"ä".repeat(length)).is_ok(), good, "{length}");
        }
    }

    #[test]
    fn a_picture_is_http_or_https() {
        assert_eq!(avatar_url("https://a.example/p.png").unwrap(), "https://a.example/p.png");
        let long = format!("https://a.example/{}", "x".repeat(MAX_URL));
        for bad in
            ["", "/p.png", "javascript:alert(1)", "data:image/png;base64,AA", "ftp://a.example/", "https://", &long]
        {
            assert_eq!(avatar_url(bad).unwrap_err().fields[0].0, "/avatar_url", "{bad:?}");
        }
    }
}
