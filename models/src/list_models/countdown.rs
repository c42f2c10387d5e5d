//! A collector counts the items down.

use std::rc::Rc;

use loom::thread;

use super::{List, join, sorted};
use crate::check;

#[test]
fn join_counts_down() {
    check(3, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.hand_on();
        settlers.into_iter().for_each(join);
        assert_eq!(list.result.borrow().completed, 1, "a join completes once");
        assert_eq!(sorted(&list), [0, 1]);
    });
}

/// D11
#[test]
fn join_of_an_item_that_has_come() {
    check(4, || {
        let list = List::new(2);
        list.push(0);
        let settler = list.settler(1);
        list.hand_on();
        settler.join().unwrap();
        assert_eq!(list.result.borrow().completed, 1);
        assert_eq!(list.result.borrow().arrived, [0, 1], "in the order of time");
    });
}

#[test]
fn join_against_cancel() {
    check(3, || {
        let list = List::new(1);
        let settler = list.settler(0);
        list.retain();
        let other = Rc::clone(&list);
        let canceller = thread::spawn(move || {
            other.push(1);
            other.release();
        });
        list.hand_on();
        settler.join().unwrap();
        canceller.join().unwrap();
        assert_eq!(list.result.borrow().completed, 1);
        assert!(list.result.borrow().cancelled <= 1);
    });
}
