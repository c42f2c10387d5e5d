//! The handle waits.

use super::{List, join, sorted};
use crate::check;

#[test]
fn wait_for_two_items() {
    check(3, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.wait();
        list.release();
        settlers.into_iter().for_each(join);
        assert_eq!(sorted(&list), [0, 1]);
    });
}

#[test]
fn expired_wait_and_join() {
    check(3, || {
        let list = List::new(1);
        let settler = list.settler(0);
        list.expired_wait();
        list.hand_on();
        settler.join().unwrap();
        assert_eq!(list.result.borrow().completed, 1);
    });
}

#[test]
fn expired_wait_and_wait() {
    check(2, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.expired_wait();
        list.wait();
        list.release();
        settlers.into_iter().for_each(join);
        assert_eq!(sorted(&list), [0, 1]);
    });
}
