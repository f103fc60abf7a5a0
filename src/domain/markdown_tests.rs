use super::*;
use crate::model::Clock;
use crate::model::clock::DatabaseClock;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[test]
fn formatting_becomes_html() {
    for (markdown, html) in [
        ("hello *you*", "<p>hello <em>you</em></p>\n"),
        ("**b** ~~s~~ `c`", "<p><strong>b</strong> <del>s</del> <code>c</code></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("# a\n###### b", "<h3>a</h3>\n<h6>b</h6>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
        ("```rust\nx < y\n```", "<pre><code>x &lt; y\n</code></pre>\n"),
        ("> q", "<blockquote>\n<p>q</p>\n</blockquote>\n"),
        ("£ & ü 👍", "<p>£ &amp; ü 👍</p>\n"),
    ] {
        assert_eq!(to_html(markdown), html, "{markdown:?}");
    }
    assert!(to_html("|a|\n|:-:|\n|b|").contains("<td align=\"center\">b</td>"));
}

#[test]
fn links_are_marked_as_strangers_and_lead_out_only() {
    let rel = "rel=\"nofollow ugc noopener\"";
    for (markdown, href) in [
        ("[a](https://a.example/?x=1&y=2)", "https://a.example/?x=1&amp;y=2"),
        ("<http://a.example>", "http://a.example"),
        ("see https://a.example/b.", "https://a.example/b"),
        ("[a](mailto:a@b.example)", "mailto:a@b.example"),
    ] {
        let html = to_html(markdown);
        assert!(html.contains(&format!("href=\"{href}\"")) && html.contains(rel), "{html}");
    }
    for markdown in ["[a](/path)", "[a](//evil.example)", "[a](#x)", "[a](ftp://a)", "[a](vbscript:x)", "[a](\\\\evil)"]
    {
        assert!(!to_html(markdown).contains("href"), "{markdown}");
    }
    let long = format!("[a](https://a.example/{})", "x".repeat(MAX_URL));
    assert!(!to_html(&long).contains("href"));
}

#[test]
fn an_image_is_a_link_and_loads_nothing() {
    let html = to_html("![cat](https://a.example/cat.png)");
    assert!(html.contains("<a href=\"https://a.example/cat.png\" rel=\"nofollow ugc noopener\">cat</a>"), "{html}");
    assert!(to_html("![](https://a.example/cat.png)").contains(">https://a.example/cat.png</a>"));
    let badge = to_html("[![badge](https://a.example/b.svg)](https://b.example)");
    assert!(badge.contains("<a href=\"https://b.example\" rel=\"nofollow ugc noopener\">badge</a>"), "{badge}");
    assert!(!badge.contains("a.example"), "{badge}");
    assert!(!to_html("![a](javascript:alert(1))").contains("href"));
}

#[test]
fn nothing_that_runs_gets_through() {
    let attacks = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mi xlink:href=\"javascript:alert(1)\">",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<style>*{display:none}</style>",
        "<p style=\"position:fixed\" onclick=alert(1)>x</p>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<form action=//evil><input name=p><button formaction=javascript:x>",
        "<base href=//evil><link rel=stylesheet href=//evil><meta http-equiv=refresh content=0>",
        "<object data=data:text/html;base64,x><embed src=//evil>",
        "<<script>script>alert(1)<</script>/script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<!--><script>alert(1)</script>-->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<table><td><style><!--</style><img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](\u{1}javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "[x](https://a.example \"onmouseover=alert(1)\")",
        "[x](https://a.example/\"onmouseover=\"alert(1))",
        "![x](https://a.example/\"onerror=\"alert(1))",
        "![\"onerror=\"alert(1)](x)",
        "``` \" onclick=\"alert(1)\nx\n```",
        "`<script>alert(1)</script>`",
        "**<b onclick=x>**",
        "> <script>\n> alert(1)\n> </script>",
        "|<script>|\n|-|\n|<img src=x onerror=y>|",
    ];
    for attack in attacks {
        assert_safe(&to_html(attack), attack);
        assert_safe(&to_html(&format!("{}\n{attack}", ">".repeat(MAX_DEPTH + 1))), attack);
    }
}

/// Looks at every tag of the result: known elements, known attributes, known schemes.
fn assert_safe(html: &str, of: &str) {
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap().trim_start_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let known =
            ["a", "p", "pre", "code", "em", "strong", "blockquote", "table", "thead", "tbody", "tr", "th", "td"];
        assert!(known.contains(&name), "{name:?} of {of:?}: {html}");
        // Outside the quotes only names of attributes stand.
        for (at, part) in attributes.split('"').enumerate() {
            if at % 2 == 0 {
                assert!(["", " ", "href=", " href=", "title=", " title=", " rel=", "rel="].contains(&part), "{html}");
            }
        }
        if let Some(href) = attributes.split("href=\"").nth(1) {
            assert!(["http://", "https://", "mailto:"].iter().any(|scheme| href.starts_with(scheme)), "{html}");
        }
    }
}

#[test]
fn what_nests_too_deep_is_shown_as_written() {
    assert!(to_html(&format!("{}a", ">".repeat(MAX_DEPTH - 3))).contains("<blockquote>"));
    assert_eq!(to_html(&format!("{}a", ">".repeat(MAX_DEPTH))), format!("<pre>{}a</pre>", "&gt;".repeat(MAX_DEPTH)));
}

#[test]
fn time_grows_no_faster_than_the_text() {
    let bombs = [
        ">",
        "[",
        "[]",
        "![",
        "[a](",
        "[a](<b",
        "`a``a",
        "*",
        "*a ",
        "*a_ ",
        "**a *a ",
        "~a~ ",
        "- ",
        "1. ",
        "<",
        "<!--",
        "<?",
        "<![CDATA[",
        "<a ",
        "<div>",
        "&",
        "www.a",
        "http://a",
        "a@b.",
        "&a;",
        "|a",
        "a\n-\n",
        "[a]: b\n",
        "a\n",
        "```\n",
        "\\",
        "[a](b '",
        "[a]: ",
        "\t",
        "- - -\n",
        "#\n",
        "£",
        "![](",
    ];
    let tall = "|a|\n|-|\n".to_owned() + &"|b|\n".repeat(2_500);
    let wide = "|a".repeat(1_600) + "|\n" + &"|-".repeat(1_600) + "|\n" + &"|\n".repeat(1_600);
    let nested = "[".repeat(5_000) + &"]".repeat(5_000);
    let mut texts: Vec<String> = bombs.iter().map(|bomb| bomb.repeat(10_000 / bomb.len())).collect();
    texts.extend([tall, wide, nested, "&".repeat(100_000), "£".repeat(100_000), ">".repeat(100_000)]);
    let clock = DatabaseClock::new();
    for text in texts {
        let start = clock.instant();
        let html = to_html(&text);
        // Each takes under a second unoptimised; what is quadratic takes half a minute.
        let bomb: String = text.chars().take(12).collect();
        let took = clock.instant() - start;
        assert!(took < Duration::from_secs(10), "{bomb:?} took {took:?}");
        assert!(html.len() < text.len() * 12 + 64, "{bomb:?} became {} bytes", html.len());
    }
}

#[test]
fn long_text_is_cut_for_the_sanitiser_without_a_trace() {
    let text = "a£&<é".repeat(3_000);
    let html = to_html(&text);
    assert_eq!(html, format!("<p>{}</p>\n", "a£&amp;&lt;é".repeat(3_000)));
}

#[tokio::test]
async fn what_renders_too_large_is_refused_at_its_edge() {
    let html = render("hello", 13).await;
    assert_eq!(html.as_deref(), Ok("<p>hello</p>\n"));
    assert_eq!(render("hello", 12).await.unwrap_err().code, ErrorCode::TooLarge);
    let long = "x".repeat(RENDER_INLINE + 1);
    assert_eq!(render(&long, 10_000).await.unwrap().len(), long.len() + 8);
}

#[tokio::test]
async fn of_many_long_texts_two_are_worked_on_at_a_time() {
    // How many are inside now, and were at most.
    let inside = Arc::new((Mutex::new((0, 0)), Condvar::new()));
    let long = "x".repeat(RENDER_INLINE + 1);
    let works = (0..6).map(|_| {
        let inside = inside.clone();
        off_thread(&long, move |_| {
            let (counts, changed) = &*inside;
            let mut now = counts.lock().unwrap();
            *now = (now.0 + 1, now.1.max(now.0 + 1));
            changed.notify_all();
            // Long enough for a third one to come in, if it may.
            now = changed.wait_timeout_while(now, Duration::from_millis(100), |now| now.1 <= AT_ONCE).unwrap().0;
            now.0 -= 1;
        })
    });
    for worked in futures_util::future::join_all(works).await {
        worked.unwrap();
    }
    assert_eq!(*inside.0.lock().unwrap(), (0, AT_ONCE));
}

#[test]
fn a_short_text_does_not_make_millions_of_cells() {
    let table = |columns: usize, rows: usize| {
        format!("{}|\n{}|\n{}", "|a".repeat(columns), "|-".repeat(columns), "|a\n".repeat(rows))
    };
    assert!(to_html(&table(10, 1_000)).contains("<td></td>"));
    for wild in [table(200, 3_000), table(5, 20_000), format!("> {}", table(200, 3_000).replace('\n', "\r> "))] {
        assert!(!to_html(&wild).contains("<td>"), "{}", &wild[..20]);
    }
}
