//! The links of an answer, as RFC 8288 has them: the next page of a list, and the like.

use ::http::header::LINK;

use super::{HeaderMap, Url};

/// One link of a `Link` header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Where it leads.
    pub url: Url,
    /// What it is to the answer: `next`, `last`. One link may be several, with spaces between.
    pub rel: String,
}

/// All links; what is none is passed over.
pub(super) fn links(headers: &HeaderMap, base: &Url) -> Vec<Link> {
    let texts = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| of_header(text, base)).collect()
}

fn of_header(text: &str, base: &Url) -> Vec<Link> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        let Some((target, behind)) = behind.split_once('>') else { break };
        let (parameters, next) = behind.split_at(end_of_link(behind));
        rest = next;
        if let (Ok(url), Some(rel)) = (base.join(target.trim()), parameter(parameters, "rel")) {
            found.push(Link { url, rel });
        }
    }
    found
}

/// Where the next link begins: behind a comma that is in no quotes.
fn end_of_link(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return index,
            _ => {}
        }
    }
    text.len()
}

fn parameter(text: &str, name: &str) -> Option<String> {
    let mut parts = text.split(';').filter_map(|part| part.split_once('='));
    let (_, value) = parts.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderValue;

    fn of(text: &'static str) -> Vec<(String, String)> {
        let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(text))]);
        let base = Url::parse("http://host/list?page=1").expect("a URL");
        links(&headers, &base).into_iter().map(|link| (link.url.into(), link.rel)).collect()
    }

    #[test]
    fn links_are_found_with_their_relation() {
        let found =
            of("</list?page=2>; rel=\"next\", <https://other/a,b>; title=\"x, y\"; rel=last");
        let pairs = [("http://host/list?page=2", "next"), ("https://other/a,b", "last")];
        assert_eq!(found, pairs.map(|(url, rel)| (url.to_owned(), rel.to_owned())));
    }

    #[test]
    fn what_is_no_link_is_passed_over() {
        for text in ["", "<", "<a", "<http://[>; rel=next", "</a>; title=x", "rel=next"] {
            assert_eq!(of(text), [], "{text}");
        }
    }
}
