//! 429 with `Retry-After`.

use std::time::{Duration, Instant, SystemTime};

use super::super::retries::{at_once, retrying, with_heads};
use super::super::support::watched;

#[test]
fn retry_after_in_seconds_and_as_a_date_is_waited_for_up_to_a_cap() {
    watched(|| {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
        for (after, least) in [("1", 1), (date.as_str(), 1), ("Sun, 06 Nov 1994 08:49:37 GMT", 0)] {
            let (site, _) =
                with_heads(vec![format!("429 Slow\r\nretry-after: {after}"), "200 OK".to_owned()]);
            let start = Instant::now();
            let page = retrying(at_once(3)).get(&site).get(None).expect("an answer");
            assert_eq!(page.attempts(), 2);
            assert!(start.elapsed() >= Duration::from_secs(least), "{after}");
        }
        let (site, _) =
            with_heads(vec!["429 Slow\r\nretry-after: 3600".to_owned(), "200 OK".to_owned()]);
        let page = retrying(at_once(3)).get(&site).get(None).expect("an answer");
        assert_eq!((page.status().as_u16(), page.attempts()), (429, 1), "too long to wait");
    });
}
