//! Handles made for people who did not choose one.

use crate::model::UserId;

/// Longest handle.
const MAX_HANDLE: usize = 30;

/// How many spellings are tried for one person before giving up.
pub const SPELLINGS: u32 = 10;

/// The handle to try, `spelling` by `spelling`: the base itself, then with `_` and the person's id, then (somebody chose
/// just that) with a further number. The base is cut to fit.
pub fn derived_handle(base: &str, id: UserId, spelling: u32) -> String {
    let suffix = match spelling {
        0 => String::new(),
        1 => format!("_{id}"),
        n => format!("_{id}_{n}"),
    };
    let room = MAX_HANDLE.saturating_sub(suffix.len());
    let base: String = base.chars().take(room).collect();
    base + &suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_handle_gets_the_persons_id_and_still_fits() {
        assert_eq!(derived_handle("ada", UserId(7), 0), "ada");
        assert_eq!(derived_handle("ada", UserId(7), 1), "ada_7");
        assert_eq!(derived_handle("ada", UserId(7), 2), "ada_7_2");
        let long = derived_handle(&"x".repeat(30), UserId(123_456), 1);
        assert_eq!((long.len(), long.ends_with("x_123456")), (30, true));
    }
}
