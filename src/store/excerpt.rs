//! The beginning of a comment as plain text, for whoever is told of it.

/// Characters of an excerpt, the `…` of a longer text included.
pub const EXCERPT_CHARS: usize = 200;

/// Characters of html that an excerpt is made of: a store need not read more.
pub const HTML_CHARS: usize = 4_000;

/// Elements within a line; every other begins another, which is a space here.
const INLINE: [&str; 5] = ["a", "code", "del", "em", "strong"];

/// The text that sanitised html shows, on one line and cut to [`EXCERPT_CHARS`].
pub fn excerpt(html: &str) -> String {
    let end = html.char_indices().nth(HTML_CHARS).map_or(html.len(), |(end, _)| end);
    let mut rest = &html[..end];
    let mut text = Line::default();
    while let Some(at) = rest.find(['<', '&']) {
        text.push_all(&rest[..at]);
        let found = &rest[at..];
        // What the cut above left half is shown not at all.
        let Some(end) = found.find(if found.starts_with('<') { '>' } else { ';' }) else {
            return text.cut();
        };
        let name = &found[1..end];
        match found.as_bytes()[0] {
            b'<' => {
                let name = name.trim_start_matches('/').split(' ').next().unwrap_or_default();
                if !INLINE.contains(&name) {
                    text.push(' ');
                }
            }
            _ => text.push(entity(name)),
        }
        rest = &found[end + 1..];
    }
    text.push_all(rest);
    text.cut()
}

/// The entities that the renderer and the sanitiser write.
fn entity(name: &str) -> char {
    match name {
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "#39" => '\'',
        "nbsp" => ' ',
        _ => '&',
    }
}

/// Text with single spaces, as far as an excerpt goes and one character further.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
    space: bool,
}

impl Line {
    fn push_all(&mut self, text: &str) {
        text.chars().for_each(|c| self.push(c));
    }

    fn push(&mut self, c: char) {
        if self.chars > EXCERPT_CHARS {
            return;
        }
        if c.is_whitespace() {
            self.space = self.chars > 0;
            return;
        }
        if std::mem::take(&mut self.space) {
            self.text.push(' ');
            self.chars += 1;
        }
        self.text.push(c);
        self.chars += 1;
    }

    fn cut(self) -> String {
        match self.text.char_indices().nth(EXCERPT_CHARS) {
            None => self.text,
            Some(_) => self.text.chars().take(EXCERPT_CHARS - 1).chain(['…']).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_what_a_reader_sees_on_one_line() {
        for (html, text) in [
            ("<p>Grüße an <strong>al</strong>le</p>\n", "Grüße an alle"),
            ("<p>a<br />\nb</p>\n<ul>\n<li>c</li>\n<li>d</li>\n</ul>\n", "a b c d"),
            ("<p>1 &lt; 2 &amp;&amp; &quot;x&quot; &gt; &nbsp; y</p>", "1 < 2 && \"x\" > y"),
            ("<p>see <a href=\"https://e.org/?a=1&amp;b=2\" rel=\"nofollow\">this</a>.</p>", "see this."),
            ("", ""),
        ] {
            assert_eq!(excerpt(html), text, "{html}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_its_bound_and_says_so() {
        assert_eq!(excerpt(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(excerpt(&"ü".repeat(201)), "ü".repeat(199) + "…");
        let long = format!("<p>{}", "<em>x</em> ".repeat(10_000));
        assert_eq!(excerpt(&long).chars().count(), 200);
    }

    #[test]
    fn what_lies_half_within_the_bound_of_html_is_not_shown() {
        let href = "u".repeat(HTML_CHARS);
        assert_eq!(excerpt(&format!("<p>a <a href=\"{href}\">b</a></p>")), "a");
        assert_eq!(excerpt(&format!("{}&amp;", " ".repeat(HTML_CHARS - 2))), "");
    }
}
