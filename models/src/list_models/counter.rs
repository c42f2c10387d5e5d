//! The same where the items that have nothing to tell are only counted.

use super::{List, join};
use crate::check;

#[test]
fn counted_join_counts_down() {
    check(3, || {
        let list = List::counted(2);
        list.hand_on();
        let settlers = [list.settler(0), list.settler(1)];
        settlers.into_iter().for_each(join);
        assert_eq!(list.result.borrow().completed, 1, "a join completes once");
        assert_eq!(list.result.borrow().counted, 1, "one is counted");
    });
}

#[test]
fn counted_join_against_items() {
    check(3, || {
        let list = List::counted(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.hand_on();
        settlers.into_iter().for_each(join);
        assert_eq!(list.result.borrow().completed, 1, "a join completes once");
    });
}

#[test]
fn counted_join_against_cancel() {
    check(2, || {
        let list = List::counted(2);
        list.hand_on();
        list.retain();
        let settlers = [list.settler(0), list.settler(1)];
        list.push(2);
        list.release();
        settlers.into_iter().for_each(join);
        assert_eq!(list.result.borrow().completed, 1);
        assert!(list.result.borrow().cancelled <= 1);
    });
}
