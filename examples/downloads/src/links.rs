//! Which pages does a page link to?

use asynckit::http::Url;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

enum Tag {
    Link,
    Base,
    Other,
}

/// Finds the targets of all `<a href>` in a page that was fetched from `url`.
pub(crate) fn links(html: &str, url: &Url) -> Vec<Url> {
    let mut tag = Tag::Other;
    let mut is_href = false;
    let on_event = |event: CallbackEvent<'_>, _: Span<()>| -> Option<(bool, String)> {
        match (event, &tag) {
            (CallbackEvent::OpenStartTag { name }, _) => {
                tag = match name {
                    b"a" => Tag::Link,
                    b"base" => Tag::Base,
                    _ => Tag::Other,
                };
            }
            (CallbackEvent::AttributeName { name }, _) => is_href = name == b"href",
            (CallbackEvent::AttributeValue { value }, Tag::Link | Tag::Base) if is_href => {
                let target = String::from_utf8_lossy(value).trim().to_owned();
                return Some((matches!(tag, Tag::Base), target));
            }
            _ => {}
        }
        None
    };
    let mut emitter = CallbackEmitter::new(on_event);
    emitter.naively_switch_states(true); // no links inside <script>
    let mut base = url.clone();
    let mut targets = Vec::new();
    for (is_base, target) in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match base.join(&target) {
            Ok(target) if is_base => base = target,
            Ok(target) => targets.push(target),
            Err(_) => {} // what is no URL is no page
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Vec<String> {
        let url = Url::parse("http://host/folder/page.html").unwrap();
        links(html, &url).iter().map(Url::to_string).collect()
    }

    #[test]
    fn links_are_resolved_against_the_page() {
        let html = r#"<p><a class=x href="a.html">a</a> <A HREF='../b.html#part'>b</A> <a href=/c>c</a>
            <a name="no link">d</a> <a href=" //other/e?x=1&amp;y=2 ">e</a>"#;
        let expected = [
            "http://host/folder/a.html",
            "http://host/b.html#part",
            "http://host/c",
            "http://other/e?x=1&y=2",
        ];
        assert_eq!(found(html), expected);
    }

    #[test]
    fn only_links_count() {
        let html = r#"<link href="style.css"><img src="x.png"><script>"<a href='no'>"</script>
            <!-- <a href="no"> --><a title="href" data-href="no">x</a> &lt;a href="no"&gt;"#;
        assert_eq!(found(html), [""; 0]);
    }

    #[test]
    fn a_base_is_followed_and_nonsense_is_no_link() {
        let html =
            r#"<base href="/deep/er/"><a href="x">x</a><a href="http://[">y</a><a href>z</a"#;
        assert_eq!(found(html), ["http://host/deep/er/x"]);
    }
}
