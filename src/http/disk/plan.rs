//! [`Ask`]: what is asked for, as far as it is not there already.

use std::fs;

use ::http::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};

use super::companion::Companion;
use super::part::{Part, sha256};
use crate::http::{Error, HeaderMap, Request, Url};

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// All of it.
    All,
    /// All of it, if it is another one than the file that is there.
    AllIfChanged(Companion),
    /// All of it, if it is another one than that of which all bytes are there, though not under their name.
    NameIfUnchanged(Companion),
    /// What comes behind so many bytes, if it is still that one.
    Rest { from: u64, exact: HeaderValue },
    /// Nothing: the file is there, as its checksum says.
    Nothing { length: u64 },
}

impl Ask {
    /// Looks at what is there, and opens the part if it is to be written. On the pool.
    pub(super) fn of(part: &mut Part, url: &Url) -> Result<Self, Error> {
        if part.options.afresh {
            return part.open().map(|()| Ask::All);
        }
        let known = Companion::read(&part.places.companion).filter(|known| known.is_of(url));
        let there = fs::metadata(&part.places.file).ok().map(|there| there.len());
        if let (Some(length), Some(wanted)) = (there, &part.options.sha256) {
            if sha256(&part.places.file).is_ok_and(|found| found == *wanted) {
                return Ok(Ask::Nothing { length });
            }
        } else if let (Some(length), Some(known)) = (there, &known) {
            let is_it = known.is_whole && known.length == Some(length);
            if is_it && known.condition().is_some() {
                part.known = Some(known.clone());
                part.length = length;
                return Ok(Ask::AllIfChanged(known.clone()));
            }
        }
        part.open()?;
        part.known = known.filter(|known| !known.is_whole);
        if part.known.is_some() {
            part.length = fs::metadata(&part.places.part).map_or(0, |part| part.len());
        }
        Ok(Self::again(part))
    }

    /// What is asked for behind what is in the part.
    pub(super) fn again(part: &Part) -> Self {
        let Some(known) = part.known.as_ref().filter(|_| part.length > 0) else { return Ask::All };
        if known.length == Some(part.length) && known.condition().is_some() {
            return Ask::NameIfUnchanged(known.clone());
        }
        match known.exact() {
            Some(exact) if known.length.is_none_or(|length| part.length < length) => {
                Ask::Rest { from: part.length, exact }
            }
            _ => Ask::All,
        }
    }

    /// Says so in the request.
    pub(super) fn write(&self, request: &mut Request) {
        let headers = &mut request.headers;
        for name in
            [RANGE, IF_RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE]
        {
            headers.remove(name);
        }
        // Bytes are counted as they are on disk.
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        match self {
            Ask::All | Ask::Nothing { .. } => {}
            Ask::AllIfChanged(known) | Ask::NameIfUnchanged(known) => {
                headers.extend(known.condition())
            }
            Ask::Rest { from, exact } => {
                let range = HeaderValue::try_from(format!("bytes={from}-"));
                headers.insert(RANGE, range.expect("digits"));
                headers.insert(IF_RANGE, exact.clone());
            }
        }
    }
}

/// How long the whole is, where an answer is the rest that was asked for; `None`: it is not.
pub(super) fn rest(headers: &HeaderMap, from: u64, known: Option<u64>) -> Option<Option<u64>> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.trim();
    let (range, total) = text.strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => known,
        total => Some(total.parse().ok()?),
    };
    let fits = first == from
        && first <= last
        && total.is_none_or(|total| last < total)
        && known.is_none_or(|known| total == Some(known));
    fits.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_one_only_where_it_begins_where_the_part_ends() {
        let of = |text: &'static str, known| {
            let headers = HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(text))]);
            rest(&headers, 5, known)
        };
        assert_eq!(of("bytes 5-9/10", None), Some(Some(10)));
        assert_eq!(of("bytes 5-9/10", Some(10)), Some(Some(10)));
        assert_eq!(of("bytes 5-9/*", Some(10)), Some(Some(10)));
        assert_eq!(of("bytes 5-9/*", None), Some(None));
        for wrong in ["bytes 4-9/10", "bytes 0-9/10", "bytes 5-9/11", "bytes 5-10/10", "bytes */10"]
        {
            assert_eq!(of(wrong, Some(10)), None, "{wrong}");
        }
        for wrong in ["bytes 6-5/10", "lines 5-9/10", "bytes 5-9", "bytes -5/10", ""] {
            assert_eq!(of(wrong, None), None, "{wrong}");
        }
    }
}
