//! What the document says of values beyond their types: bounds that are settings, and fields that exclude each other.

use crate::config::Limits;
use crate::domain::profile;
use serde_json::{Value, json};

/// A text whose bound is a setting: schema, field, which characters it has, and how many at most.
type Bound = (&'static str, &'static str, &'static str, fn(&Limits) -> usize);

/// Any text; a blank one is refused, too, but that no pattern can say.
const TEXT: &str = r"^[^\u0000]+$";
/// A text on one line.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$";

/// What could be an address.
const ADDRESS: &str =
    r"^[^@\s\u0000-\u001f\u007f-\u009f]+@([^@\s.\u0000-\u001f\u007f-\u009f]+\.)*[^@\s.\u0000-\u001f\u007f-\u009f]+$";

/// A line without a comma, which stands between keys.
const KEY: &str = r"^[^,\u0000-\u001f\u007f-\u009f\u2028\u2029]+$";

const BOUNDS: &[Bound] = &[
    ("NewPost", "title", LINE, |limits| limits.max_title_chars),
    ("NewPost", "body", TEXT, |limits| limits.max_post_chars),
    ("PostChange", "title", LINE, |limits| limits.max_title_chars),
    ("PostChange", "body", TEXT, |limits| limits.max_post_chars),
    ("Page", "page_key", KEY, |limits| limits.max_page_key_chars),
    ("Page", "title", LINE, |limits| limits.max_title_chars),
    ("NewComment", "body", TEXT, |limits| limits.max_comment_chars),
    ("CommentEdit", "body", TEXT, |limits| limits.max_comment_chars),
    ("Registration", "email", ADDRESS, |_| profile::MAX_EMAIL),
    ("Registration", "name", LINE, |limits| limits.max_name_chars),
    ("AccountChange", "name", LINE, |limits| limits.max_name_chars),
    ("BanTerms", "reason", TEXT, |limits| limits.max_reason_chars),
    ("HostPerson", "name", LINE, |limits| limits.max_name_chars),
    ("Notice", "title", LINE, |limits| limits.max_notice_title_chars),
    ("Notice", "body", TEXT, |limits| limits.max_notice_chars),
    ("Notice", "group", LINE, |limits| limits.max_group_chars),
];

/// A list whose bound is a setting: where it stands among the schemas, and how many items it has at most.
type Items = (&'static str, fn(&Limits) -> usize);

const ITEMS: &[Items] = &[
    ("/Reading/oneOf/0/properties/ids", |limits| limits.max_read_ids),
    ("/Notice/properties/user_ids", |limits| limits.max_recipients),
    ("/Notice/properties/external_ids", |limits| limits.max_recipients),
];

/// Two fields of which one is needed, and not both.
const EITHER: &[(&str, [&str; 2])] = &[("Notice", ["user_ids", "external_ids"])];

/// What may be several of its kinds at once: an empty page is a page of anything.
const ANY: &[&str] = &["PostList"];

/// Adds all of it to the schemas.
pub fn apply(schemas: &mut Value, limits: &Limits) {
    for &(schema, field, pattern, most) in BOUNDS {
        let field = &mut schemas[schema]["properties"][field];
        field["pattern"] = pattern.into();
        field["maxLength"] = most(limits).into();
    }
    for &(list, most) in ITEMS {
        if let Some(list) = schemas.pointer_mut(list) {
            list["maxItems"] = most(limits).into();
        }
    }
    for &schema in ANY {
        let kinds = schemas[schema]["oneOf"].take();
        schemas[schema]["anyOf"] = kinds;
        schemas[schema].as_object_mut().and_then(|schema| schema.remove("oneOf"));
    }
    for &(schema, [one, other]) in EITHER {
        let only = |is: &str, not: &str| json!({ "required": [is], "properties": { is: { "type": "array" }, not: { "type": "null" } } });
        schemas[schema]["oneOf"] = json!([only(one, other), only(other, one)]);
    }
}
