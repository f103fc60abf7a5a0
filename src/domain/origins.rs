//! Which web origins may do what. Pure: headers come in as text, so REST and the socket upgrade decide alike.

use std::collections::HashSet;
use url::Url;

/// What a request's `Origin` is to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is none: no browser, or a browser's plain GET of its own origin.
    Absent,
    /// The server's own.
    Own,
    /// Another one, on the allow list.
    Allowed,
    /// Any other, `null` included.
    Foreign,
}

impl Verdict {
    /// Whether it may open sockets and read answers.
    pub fn is_allowed(self) -> bool {
        self != Self::Foreign
    }
}

/// The own origin and the allow list.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    own: Option<String>,
    allowed: HashSet<String>,
}

/// A setting that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin such as `https://example.com`")]
pub struct InvalidOrigin(String);

impl Origins {
    /// Reads the settings; without a public URL the own origin is whatever the request's `Host` says.
    pub fn new(public_url: Option<&str>, allowed: &[String]) -> Result<Self, InvalidOrigin> {
        let read = |text: &str| {
            let text = text.trim();
            normalize(text.strip_suffix('/').unwrap_or(text)).ok_or_else(|| InvalidOrigin(text.to_owned()))
        };
        let allowed = allowed.iter().filter(|text| !text.trim().is_empty()).map(|text| read(text));
        Ok(Self { own: public_url.map(read).transpose()?, allowed: allowed.collect::<Result<_, _>>()? })
    }

    /// The own origin, where a setting names it.
    pub fn own(&self) -> Option<&str> {
        self.own.as_deref()
    }

    /// Judges a request by its `Origin` and `Host`.
    pub fn check(&self, origin: Option<&str>, host: Option<&str>) -> Verdict {
        let Some(origin) = origin else { return Verdict::Absent };
        let Some(origin) = normalize(origin) else { return Verdict::Foreign };
        let own = match &self.own {
            Some(own) => *own == origin,
            None => host.is_some_and(|host| is_at(&origin, host)),
        };
        match (own, self.allowed.contains(&origin)) {
            (true, _) => Verdict::Own,
            (false, true) => Verdict::Allowed,
            (false, false) => Verdict::Foreign,
        }
    }
}

/// Whether an address lies on this web origin.
pub fn is_on(url: &str, origin: &str) -> bool {
    let of_url = Url::parse(url).map(|url| url.origin().ascii_serialization()).ok();
    of_url.is_some() && of_url == normalize(origin)
}

/// Scheme, host in lower case and the port unless it is the scheme's own; none for what is no http or https origin.
fn normalize(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    // An origin ends with its host or port: the parser would add the slash that the text must not have.
    let whole = bare && url.fragment().is_none() && url.path() == "/" && !text.ends_with('/');
    let web = matches!(url.scheme(), "http" | "https");
    (whole && web).then(|| url.origin().ascii_serialization())
}

fn is_at(origin: &str, host: &str) -> bool {
    let scheme = if origin.starts_with("https:") { "https" } else { "http" };
    normalize(&format!("{scheme}://{host}")).is_some_and(|at| at == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(public_url: Option<&str>, allowed: &[&str]) -> Origins {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        Origins::new(public_url, &allowed).unwrap()
    }

    #[test]
    fn without_a_public_url_the_host_must_be_the_same() {
        let origins = origins(None, &[]);
        let check = |origin, host| origins.check(Some(origin), Some(host));
        assert_eq!(check("http://localhost:8080", "localhost:8080"), Verdict::Own);
        assert_eq!(check("https://Example.com", "example.com"), Verdict::Own);
        assert_eq!(check("https://example.com", "example.com:443"), Verdict::Own);
        assert_eq!(check("http://[::1]:8080", "[::1]:8080"), Verdict::Own);
        assert_eq!(check("http://localhost:8081", "localhost:8080"), Verdict::Foreign);
        assert_eq!(check("http://example.com:443", "example.com"), Verdict::Foreign);
        assert_eq!(check("http://evil.example", "good.example/@evil.example"), Verdict::Foreign);
        assert_eq!(origins.check(Some("http://a.example"), None), Verdict::Foreign);
        assert_eq!(origins.check(None, Some("a.example")), Verdict::Absent);
    }

    #[test]
    fn with_a_public_url_only_that_is_the_own_one() {
        let origins = origins(Some("https://talk.example/"), &["https://blog.example", " http://localhost:3000"]);
        let check = |origin| origins.check(Some(origin), Some("inner:8080"));
        assert_eq!(check("https://talk.example"), Verdict::Own);
        assert_eq!(check("http://talk.example"), Verdict::Foreign);
        assert_eq!(check("http://inner:8080"), Verdict::Foreign);
        assert_eq!(check("https://blog.example"), Verdict::Allowed);
        assert_eq!(check("http://localhost:3000"), Verdict::Allowed);
        assert_eq!(check("https://blog.example.evil.example"), Verdict::Foreign);
    }

    #[test]
    fn an_address_lies_on_its_own_origin_alone() {
        assert!(is_on("https://blog.example/a?b#c", "https://Blog.example"));
        assert!(is_on("https://blog.example:443/", "https://blog.example"));
        for other in
            ["http://blog.example/", "https://blog.example:444/", "https://blog.example.evil.example/", "/a", ""]
        {
            assert!(!is_on(other, "https://blog.example"), "{other}");
        }
        assert!(!is_on("https://blog.example/", "null"));
    }

    #[test]
    fn null_and_nonsense_are_foreign_always() {
        let origins = origins(None, &[]);
        for bad in ["null", "", "example.com", "file://", "ftp://a.example", "http://a.example/", "http://u@a.example"]
        {
            assert_eq!(origins.check(Some(bad), Some("a.example")), Verdict::Foreign, "{bad:?}");
        }
    }

    #[test]
    fn a_setting_must_be_an_origin() {
        for bad in ["example.com", "https://example.com/path", "null", "*", "https://"] {
            assert!(Origins::new(Some(bad), &[]).is_err(), "{bad:?}");
            assert!(Origins::new(None, &[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
