//! Markdown to safe html. What people write may format text and link; it may not run, load or imitate anything.
//!
//! Two sieves, one behind the other: the renderer escapes raw html and never writes an image, the sanitiser then keeps a
//! short list of elements. Either alone would do; a defect in one is not yet a hole.

use super::{DomainError, background};
use crate::protocol::codes::ErrorCode;
use ammonia::UrlRelative;
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{AstNode, NodeLink, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// Bytes of markdown up to which rendering is done where the caller stands; above, on a thread that may be kept busy.
const RENDER_INLINE: usize = 2_000;

/// Longer texts that are worked on at a time; the others wait. More threads at once would take the cores from those that
/// serve sockets.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// How deep quotes, lists and emphasis may nest in what is rendered. Deeper text is shown as written: html parsers,
/// ours and the readers', spend time that grows with depth.
const MAX_DEPTH: usize = 64;

/// Bytes of a link's address or title; longer ones are left out.
const MAX_URL: usize = 2_048;

/// Bytes of text given to the sanitiser in one piece.
const MAX_TEXT: usize = 4_096;

/// Cells a text's tables may have in all. Rows are filled up to the width of their heading, so that a short text could
/// make millions; where it might, its tables are shown as written.
const MAX_CELLS: usize = 20_000;

/// The highest heading used: a comment's `#` must not outrank the headings of the page around it.
const TOP_HEADING: u8 = 3;

/// Renders markdown to sanitised html of at most `max_bytes`, off the async threads where it may take long.
///
/// # Errors
/// `too_large` above `max_bytes`.
pub async fn render(markdown: &str, max_bytes: usize) -> Result<String, DomainError> {
    let html = off_thread(markdown, to_html).await?;
    if html.len() <= max_bytes { Ok(html) } else { Err(DomainError::too_large("the rendered text is too large")) }
}

/// Works on a text, off the async threads where it may take long.
pub(super) async fn off_thread<T: Send + 'static>(
    markdown: &str,
    work: impl FnOnce(&str) -> T + Send + 'static,
) -> Result<T, DomainError> {
    if markdown.len() <= RENDER_INLINE {
        return Ok(work(markdown));
    }
    let broken = || DomainError::new(ErrorCode::Internal, "the text could not be rendered");
    let markdown = markdown.to_owned();
    let turn = TURNS.acquire().await.map_err(|_| broken())?;
    let worked = background::run(move || {
        // Kept to the end of the work, even if whoever asked has gone away.
        let _turn = turn;
        work(&markdown)
    });
    worked.await.map_err(|_| broken())
}

/// The tree of a text as it is rendered; none for a text that is shown as written.
pub(super) fn parse<'a>(arena: &'a Arena<'a>, markdown: &str) -> Option<&'a AstNode<'a>> {
    let options = if may_have_cells(markdown) > MAX_CELLS { &*WITHOUT_TABLES } else { &*OPTIONS };
    let root = parse_document(arena, markdown, options);
    (depth(root) <= MAX_DEPTH).then_some(root)
}

/// Renders markdown to sanitised html.
///
/// Guarantees: no element, attribute or URL scheme beyond the lists below; every link has
/// `rel="nofollow ugc noopener"`; images are links, so that reading loads nothing from strangers; time grows no faster
/// than the length of the text.
pub fn to_html(markdown: &str) -> String {
    SANITISER.clean(&split_long_text(&unsanitised(markdown))).to_string()
}

fn unsanitised(markdown: &str) -> String {
    let arena = Arena::new();
    let Some(root) = parse(&arena, markdown) else { return as_written(markdown) };
    for node in root.descendants().collect::<Vec<_>>() {
        tame(&arena, node);
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    // Writing to a string cannot fail; were it to, nothing would be shown rather than half.
    if format_html(root, &OPTIONS, &mut html).is_ok() { html } else { String::new() }
}

/// Turns what would load, shout or be too long into what does not.
fn tame<'a>(arena: &'a Arena<'a>, node: &'a AstNode<'a>) {
    let mut data = node.data.borrow_mut();
    match &mut data.value {
        NodeValue::Heading(heading) => heading.level = (heading.level + TOP_HEADING - 1).min(6),
        NodeValue::Link(link) => shorten(link),
        NodeValue::Image(image) => {
            let mut link = std::mem::take(image);
            shorten(&mut link);
            let name = link.url.clone();
            data.value = NodeValue::Link(link);
            drop(data);
            if is_in_link(node) {
                // A link in a link is none: the description stays, part of the outer one.
                for child in node.children().collect::<Vec<_>>() {
                    node.insert_before(child);
                }
                node.detach();
            } else if node.first_child().is_none() {
                node.append(arena.alloc(NodeValue::Text(name.into()).into()));
            }
        }
        _ => {}
    }
}

fn shorten(link: &mut NodeLink) {
    if link.url.len() > MAX_URL {
        link.url.clear();
    }
    if link.title.len() > MAX_URL {
        link.title.clear();
    }
}

fn is_in_link<'a>(node: &'a AstNode<'a>) -> bool {
    node.ancestors().skip(1).any(|above| matches!(above.data.borrow().value, NodeValue::Link(_)))
}

fn depth<'a>(root: &'a AstNode<'a>) -> usize {
    let (mut now, mut deepest) = (0, 0);
    for edge in root.traverse() {
        match edge {
            NodeEdge::Start(_) => now += 1,
            NodeEdge::End(_) => now -= 1,
        }
        deepest = deepest.max(now);
    }
    deepest
}

/// The widest line that could be the rule below a table's heading, times all lines.
fn may_have_cells(markdown: &str) -> usize {
    let lines = || markdown.split(['\n', '\r']);
    let rule = |line: &&str| line.bytes().all(|byte| b"|:-> \t\x0b\x0c".contains(&byte));
    let columns = lines().filter(rule).map(|line| line.matches('|').count() + 1).max().unwrap_or(0);
    columns.saturating_mul(lines().count())
}

fn as_written(text: &str) -> String {
    format!("<pre>{}</pre>", ammonia::clean_text(text))
}

/// Puts empty comments, which the sanitiser takes out again, into long stretches of text: the sanitiser's serialiser
/// looks ahead to the end of a text for every `&` in it, which is quadratic.
fn split_long_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 64);
    let mut rest = html;
    // The renderer writes `<` and `>` for tags only; in text and attributes they are escaped.
    while let Some(tag) = rest.find('<') {
        let end = rest[tag..].find('>').map_or(rest.len(), |end| tag + end + 1);
        split_text(&rest[..tag], &mut out);
        out.push_str(&rest[tag..end]);
        rest = &rest[end..];
    }
    split_text(rest, &mut out);
    out
}

fn split_text(mut text: &str, out: &mut String) {
    while text.len() > MAX_TEXT {
        let near = (MAX_TEXT..).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        // Before these a cut is never inside an entity, and without these there is nothing to look ahead for.
        let Some(cut) = text[near..].find(|c: char| c == '&' || !c.is_ascii()) else { break };
        let (head, tail) = text.split_at(near + cut);
        out.push_str(head);
        out.push_str("<!---->");
        text = tail;
    }
    out.push_str(text);
}

static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = Options::default();
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.table = true;
    // Single line breaks are kept: people press return where they want one.
    options.render.hardbreaks = true;
    options.render.escape = true;
    options
});

static WITHOUT_TABLES: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = OPTIONS.clone();
    options.extension.table = false;
    options
});

static SANITISER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["align"])),
            ("th", HashSet::from(["align"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        // Relative links would lead elsewhere on every site that embeds the text.
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow ugc noopener"));
    builder
});

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
