//! The queue is watched from some moment on: its watcher is told of each item once.

use super::{List, join};
use crate::check;

#[test]
fn each_item_is_told_once() {
    check(3, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.watch();
        list.hand_on();
        settlers.into_iter().for_each(join);
        assert_eq!(list.told.get(), 2);
        assert_eq!(list.result.borrow().completed, 1);
    });
}

#[test]
fn watched_and_expired_wait() {
    check(3, || {
        let list = List::new(1);
        let settler = list.settler(0);
        list.watch();
        list.expired_wait();
        list.hand_on();
        settler.join().unwrap();
        assert_eq!(list.told.get(), 1);
        assert_eq!(list.result.borrow().completed, 1);
    });
}

#[test]
fn watched_wait() {
    check(2, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.watch();
        list.wait();
        list.release();
        settlers.into_iter().for_each(join);
        assert_eq!(list.told.get(), 2);
    });
}
