//! How lists are asked for.

use super::DomainError;
use crate::model::page::{DEFAULT_LIMIT, ForeignCursor, MAX_LIMIT, read_cursor};

/// Reads how many items a page may have; more than [`MAX_LIMIT`] count as that.
///
/// # Errors
/// `bad_request` for what is no positive integer.
pub fn limit(text: Option<&str>) -> Result<i64, DomainError> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Digits that do not fit are still more than the most.
    let number = if digits { text.parse().unwrap_or(MAX_LIMIT) } else { 0 };
    if number < 1 { Err(DomainError::bad_request("`limit` is a positive integer")) } else { Ok(number.min(MAX_LIMIT)) }
}

/// Reads where the page begins in the list called `list`.
///
/// # Errors
/// `bad_request` for a cursor of another list, or none at all.
pub fn after<T: TryFrom<i64>>(list: &str, cursor: Option<&str>) -> Result<Option<T>, DomainError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let last = read_cursor(list, cursor).ok().and_then(|last| T::try_from(last).ok());
    last.map(Some).ok_or_else(|| DomainError::bad_request(ForeignCursor.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CommentId;
    use crate::model::page::write_cursor;

    #[test]
    fn a_limit_holds_at_its_edges() {
        for (text, limit_is) in [("1", 1), ("100", 100), ("101", 100), ("0099", 99), ("99999999999999999999", 100)] {
            assert_eq!(limit(Some(text)), Ok(limit_is), "{text}");
        }
        assert_eq!(limit(None), Ok(DEFAULT_LIMIT));
        for bad in ["", "0", "-1", "+1", "1.5", "ten", " 1"] {
            assert!(limit(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nobody_is_refused() {
        assert_eq!(after("a", None), Ok(None::<CommentId>));
        assert_eq!(after("a", Some(&write_cursor("a", 7))), Ok(Some(CommentId(7))));
        for bad in [write_cursor("b", 7), write_cursor("a", 0), write_cursor("a", -1), "?".into(), String::new()] {
            assert!(after::<CommentId>("a", Some(&bad)).is_err(), "{bad}");
        }
    }
}
