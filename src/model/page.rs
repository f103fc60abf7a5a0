//! Pages of lists: how many, from where. A cursor is opaque to clients and good only for the list that gave it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// Items on a page when the caller does not say.
pub const DEFAULT_LIMIT: i64 = 20;
/// Most items on a page; more counts as this.
pub const MAX_LIMIT: i64 = 100;

/// The order of a list of comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By id, lowest first.
    Oldest,
    /// By id, highest first.
    Newest,
    /// By the number of all reactions, highest first; equal ones oldest first.
    Top,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next_cursor: Option<String>,
}

/// A cursor that this list did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor does not belong to this list")]
pub struct ForeignCursor;

/// Writes the cursor that stands behind `last` in the list called `list`.
pub fn write_cursor(list: &str, last: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}/{last}"))
}

/// Reads a cursor of the list called `list`.
pub fn read_cursor(list: &str, cursor: &str) -> Result<i64, ForeignCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ForeignCursor)?;
    let text = String::from_utf8(bytes).map_err(|_| ForeignCursor)?;
    let (of, last) = text.rsplit_once('/').ok_or(ForeignCursor)?;
    if of == list { last.parse().map_err(|_| ForeignCursor) } else { Err(ForeignCursor) }
}

/// Writes the cursor that stands behind the item of this rank and id.
pub fn write_ranked_cursor(list: &str, rank: i64, id: i64) -> String {
    write_cursor(&format!("{list}/{rank}"), id)
}

/// Reads the rank and id of a cursor that [`write_ranked_cursor`] wrote.
pub fn read_ranked_cursor(list: &str, cursor: &str) -> Result<(i64, i64), ForeignCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ForeignCursor)?;
    let text = String::from_utf8(bytes).map_err(|_| ForeignCursor)?;
    let last = text.strip_prefix(list).and_then(|rest| rest.strip_prefix('/')).and_then(|rest| rest.split_once('/'));
    let (rank, id) = last.ok_or(ForeignCursor)?;
    Ok((rank.parse().map_err(|_| ForeignCursor)?, id.parse().map_err(|_| ForeignCursor)?))
}

/// Builds a page of `limit` items out of a query that asked for one more.
pub fn page<T>(list: &str, items: Vec<T>, limit: i64, id: impl Fn(&T) -> i64) -> Page<T> {
    page_with(items, limit, |last| write_cursor(list, id(last)))
}

/// As [`page`], with another kind of cursor, made of the last item.
pub fn page_with<T>(mut items: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(cursor);
    Page { items, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = write_cursor("post/4/newest", 17);
        assert_eq!(read_cursor("post/4/newest", &cursor), Ok(17));
        assert_eq!(read_cursor("post/5/newest", &cursor), Err(ForeignCursor));
        assert_eq!(read_cursor("post/4/newest", "!"), Err(ForeignCursor));
    }

    #[test]
    fn a_ranked_cursor_holds_rank_and_id_and_is_good_for_its_own_list_only() {
        let cursor = write_ranked_cursor("post/4/top", 3, 17);
        assert_eq!(read_ranked_cursor("post/4/top", &cursor), Ok((3, 17)));
        for (list, cursor) in [
            ("post/5/top", cursor.clone()),
            ("post/4", cursor),
            ("post/4/top", write_cursor("post/4/top", 17)),
            ("post/4/top", write_cursor("post/4/top/x", 17)),
            ("post/4/top", "!".into()),
        ] {
            assert_eq!(read_ranked_cursor(list, &cursor), Err(ForeignCursor), "{list} {cursor}");
        }
    }

    #[test]
    fn only_a_page_with_more_behind_it_has_a_cursor() {
        assert_eq!(page("l", vec![1, 2, 3], 2, |n| *n).items, [1, 2]);
        assert!(page("l", vec![1, 2, 3], 2, |n| *n).next_cursor.is_some());
        assert_eq!(page("l", vec![1, 2], 2, |n| *n).next_cursor, None);
    }
}
