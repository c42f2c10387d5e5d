//! URLs as they may be shown: without user name and password.

use super::Url;

/// The URL without what is secret in it.
pub(super) fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only where there is no host, and then there is nothing to hide.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

/// The same for a text that is, or contains, something like a URL.
pub(super) fn redacted_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("//") {
        let (before, behind) = rest.split_at(start + 2);
        shown.push_str(before);
        let end = behind.find(['/', '?', '#', '\\', '"', '\n']).unwrap_or(behind.len());
        let authority = &behind[..end];
        shown.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        rest = &behind[end..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let url = Url::parse("https://me:secret@host/path?q").expect("a URL");
        assert_eq!(redacted(&url), "https://host/path?q");
        for (text, shown) in [
            ("http://me:secret@[", "http://["),
            ("//me:se@cret@host/x@y", "//host/x@y"),
            ("see http://a:b@c and https://d:e@f/g", "see http://c and https://f/g"),
            ("http://host/", "http://host/"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(redacted_text(text), shown);
        }
    }
}
