//! 503, for a while or for ever.

use std::sync::atomic::Ordering;

use super::super::retries::{at_once, retrying, with_heads};
use super::super::support::watched;

#[test]
fn a_503_is_asked_again_until_it_is_a_200() {
    watched(|| {
        let (site, _) = with_heads(["503 Busy", "503 Busy", "200 OK"].map(str::to_owned).into());
        let page = retrying(at_once(3)).get(&site).get(None).expect("an answer");
        assert_eq!((page.status().as_u16(), page.attempts()), (200, 3));
    });
}

#[test]
fn when_there_is_no_retry_left_the_last_answer_is_the_answer() {
    watched(|| {
        let (site, count) = with_heads(vec!["503 Busy".to_owned()]);
        let page = retrying(at_once(2)).get(&site).get(None).expect("an answer");
        assert_eq!((page.status().as_u16(), page.attempts()), (503, 3));
        assert_eq!(count.load(Ordering::SeqCst), 3);
    });
}
