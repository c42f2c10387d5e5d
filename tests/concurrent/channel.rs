//! `channel`: values from producers to consumers, with room for so many.

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, SMALL_STACK, eventually, inside_of_handlers,
    named_thread, one_worker, run_on_small_stack, watched,
};
use asynckit::{
    AsyncList, ChannelClosed, Inline, Pool, Promise, Receiver, ReceiverStream, Sender,
    TryRecvError, TrySendError, channel,
};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn is_closed(mut promise: Promise<()>) -> bool {
    let failure = promise.get(PATIENCE).unwrap_err();
    failure.downcast_ref::<ChannelClosed>().is_some()
}

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Sender<std::cell::Cell<u8>>>();
    anywhere::<Receiver<std::cell::Cell<u8>>>();
    anywhere::<ReceiverStream<u8>>();
    let (sender, receiver) = channel(2);
    sender.try_send(1).unwrap();
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender(1 of 2) Receiver(1 of 2)");
    assert_eq!((receiver.len(), receiver.is_empty()), (1, false));
    assert_eq!(TrySendError::Full(1).to_string(), "the channel is full");
}

#[test]
fn values_come_in_order_and_senders_wait_for_room_in_order() {
    watched(|| {
        let (sender, receiver) = channel(2);
        let all: Vec<_> = (0..5).map(|n| sender.send(n)).collect();
        let set = || all.iter().map(Promise::is_set).collect::<Vec<_>>();
        assert_eq!(set(), [true, true, false, false, false]);
        assert_eq!(receiver.try_recv(), Ok(0));
        assert_eq!(set(), [true, true, true, false, false]);
        assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
        for n in 1..5 {
            assert_eq!(receiver.recv().get(PATIENCE).unwrap(), Some(n));
        }
        assert!(set().into_iter().all(|is_set| is_set));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

#[test]
fn receivers_wait_in_order() {
    watched(|| {
        let (sender, receiver) = channel(1);
        let order = Log::new();
        let waits = |name| {
            let order = order.clone();
            receiver.recv().via(Inline).map(move |value| order.add((name, value)))
        };
        let all = [waits('a'), waits('b'), waits('c')];
        sender.try_send(1).unwrap();
        sender.clone().try_send(2).unwrap();
        drop(sender);
        assert_eq!(order.entries(), [('a', Some(1)), ('b', Some(2)), ('c', None)]);
        assert!(all.iter().all(Promise::is_set));
    });
}

#[test]
fn without_room_a_value_is_sent_when_it_is_received() {
    watched(|| {
        let (sender, receiver) = channel(0);
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        let (first, second) = (sender.send(1), sender.send(2));
        assert_eq!(receiver.try_recv(), Ok(1));
        assert!(first.is_set() && !second.is_set());
        assert_eq!(receiver.recv().get(None).unwrap(), Some(2));
        assert!(second.is_set());
        let mut waits = receiver.recv();
        assert!(sender.send(3).is_set());
        assert_eq!(waits.get(None).unwrap(), Some(3));
    });
}

#[test]
fn a_producer_that_is_too_fast_is_slowed_down_and_nothing_is_lost() {
    watched(|| {
        let (pool, (sender, receiver)) = (Pool::new(3), channel(3));
        let producers: AsyncList<_> = (0..3)
            .map(|from| {
                let sender = sender.clone();
                pool.attempt(move || {
                    for n in 0..300 {
                        sender.send(from * 1000 + n).get(PATIENCE)?;
                    }
                    Ok(())
                })
            })
            .collect();
        drop(sender);
        let mut got: Vec<u32> = receiver.iter().collect();
        assert!(producers.join().get(PATIENCE).is_ok());
        for from in 0..3 {
            let own = got.iter().filter(|value| **value / 1000 == from);
            assert!(own.copied().eq((0..300).map(|n| from * 1000 + n)), "each one's own in order");
        }
        got.sort_unstable();
        got.dedup();
        assert_eq!(got.len(), 900);
    });
}

#[test]
fn what_waits_and_is_cancelled_leaves_its_place() {
    watched(|| {
        let ((sender, receiver), drops) = (channel(1), DropCounter::default());
        let mut first = receiver.recv();
        let second = receiver.recv();
        let mut third = receiver.recv();
        second.cancel();
        drop(receiver.recv());
        drop(receiver.recv().map(|_| ()));
        for _ in 0..2 {
            sender.try_send(drops.token()).unwrap();
        }
        assert!(first.get(None).unwrap().is_some() && third.get(None).unwrap().is_some());
        sender.try_send(drops.token()).unwrap();
        assert_eq!((receiver.len(), drops.dropped()), (1, 2));
        let (waits, kept) = (sender.send(drops.token()), sender.send(drops.token()));
        waits.cancel();
        assert_eq!(drops.dropped(), 3, "its value is dropped inside the call");
        drop(kept); // that takes nothing back
        assert_eq!(receiver.iter().take(2).count(), 2);
        assert!(receiver.is_empty());
    });
}

#[test]
fn with_the_last_sender_receivers_get_what_is_there_and_then_none() {
    watched(|| {
        let (sender, receiver) = channel(1);
        let other = sender.clone();
        drop(sender.send(1));
        drop(other.send(2)); // it waits, and is not taken back
        drop((sender, other));
        assert!(receiver.is_closed());
        assert_eq!(receiver.recv().get(None).unwrap(), Some(1));
        assert_eq!(receiver.try_recv(), Ok(2));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(receiver.recv().get(None).unwrap(), None);
        assert_eq!(receiver.iter().next(), None);
    });
}

#[test]
fn with_the_last_receiver_what_is_there_is_dropped_and_sending_fails() {
    watched(|| {
        let ((sender, receiver), drops) = (channel(1), DropCounter::default());
        let other = receiver.clone();
        sender.try_send(drops.token()).unwrap();
        let waits = sender.send(drops.token());
        drop(receiver);
        assert!(!waits.is_set());
        drop(other);
        assert_eq!(drops.dropped(), 2);
        assert!(is_closed(waits) && sender.is_closed());
        assert!(is_closed(sender.send(drops.token())));
        let back = sender.try_send(drops.token()).unwrap_err();
        assert!(matches!(back, TrySendError::Closed(_)));
        assert_eq!(drops.dropped(), 3);
        drop(back.into_inner());
    });
}

/// Its promise outlives the receiver, and is no less one of a value.
#[test]
fn a_promise_of_a_value_gets_one_also_without_a_receiver() {
    watched(|| {
        let (sender, receiver) = channel(4);
        let mut waits = receiver.recv();
        drop(receiver);
        sender.try_send(1).unwrap();
        assert_eq!(waits.get(None).unwrap(), Some(1));
        assert_eq!(sender.try_send(2), Err(TrySendError::Closed(2)));
    });
}

#[test]
fn a_closed_channel_takes_nothing_and_gives_what_is_there() {
    watched(|| {
        let (sender, receiver) = channel(1);
        sender.try_send(1).unwrap();
        let waits = sender.send(2);
        receiver.close();
        assert!(is_closed(waits) && sender.is_closed());
        assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
        let mut left = Vec::new();
        for value in &receiver {
            left.push(value);
        }
        assert_eq!(left, [1]);
        let (sender, receiver) = channel::<u8>(1);
        let mut waits = receiver.recv();
        sender.close();
        assert_eq!(waits.get(None).unwrap(), None);
    });
}

#[test]
fn a_wait_that_was_given_up_loses_nothing() {
    watched(|| {
        let (sender, receiver) = channel(1);
        assert!(receiver.recv_timeout(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(receiver.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timed_out());
        let producer = named_thread("producer", move || {
            for n in 0..500 {
                sender.send(n).get(PATIENCE).unwrap();
            }
        });
        let mut got = Vec::new();
        loop {
            match receiver.recv_timeout(Duration::from_micros(1)) {
                Ok(Some(n)) => got.push(n),
                Ok(None) => break,
                Err(failure) => assert!(failure.is_timed_out()),
            }
        }
        producer.join().unwrap();
        assert!(got.into_iter().eq(0..500));
    });
}

/// Each value is received once, or is left: none goes to a wait that was given up.
#[test]
fn cancellations_from_other_threads_lose_nothing() {
    watched(|| {
        let (sender, receiver) = channel(1);
        let (canceller, mut got) = (receiver.clone(), 0);
        let cancelling = named_thread("canceller", move || {
            let mut got = 0;
            loop {
                match canceller.recv_timeout(Duration::from_nanos(1)) {
                    Ok(Some(_)) => got += 1,
                    Ok(None) => return got,
                    Err(failure) => assert!(failure.is_timed_out()),
                }
                let mut stream = canceller.clone().stream();
                let waker = Waker::noop();
                match Pin::new(&mut stream).poll_next(&mut Context::from_waker(waker)) {
                    Poll::Ready(Some(_)) => got += 1,
                    Poll::Ready(None) => return got,
                    Poll::Pending => drop(stream),
                }
            }
        });
        let sending = named_thread("sender", move || {
            for n in 0..2_000 {
                sender.send(n).get(PATIENCE).unwrap();
            }
        });
        while let Some(_value) = receiver.recv_timeout(PATIENCE).unwrap() {
            got += 1;
        }
        sending.join().unwrap();
        assert_eq!(got + cancelling.join().unwrap(), 2_000);
    });
}

#[test]
fn async_code_has_a_stream() {
    watched(|| {
        let (sender, receiver) = channel(2);
        let sending = named_thread("sender", move || {
            for n in 0..100 {
                sender.send(n).get(PATIENCE).unwrap();
            }
        });
        let mut stream = receiver.stream();
        let mut got = Vec::new();
        while let Some(n) = block_on(poll_fn(|context| Pin::new(&mut stream).poll_next(context))) {
            got.push(n);
        }
        sending.join().unwrap();
        assert!(got.into_iter().eq(0..100));
        assert!(!format!("{stream:?}").is_empty());
    });
}

#[test]
fn what_a_dropped_stream_has_not_looked_at_is_the_next_ones() {
    watched(|| {
        let (sender, receiver) = channel(1);
        let mut stream = receiver.clone().stream();
        let waker = Waker::from(CountingWaker::new());
        let context = &mut Context::from_waker(&waker);
        assert!(Pin::new(&mut stream).poll_next(context).is_pending());
        sender.try_send(1).unwrap();
        sender.try_send(2).unwrap();
        drop(stream);
        assert!([1, 2].map(Ok).into_iter().eq([receiver.try_recv(), receiver.try_recv()]));
        let mut stream = receiver.clone().stream();
        assert!(Pin::new(&mut stream).poll_next(context).is_pending());
        drop(stream);
        sender.try_send(3).unwrap();
        assert_eq!(receiver.try_recv(), Ok(3), "a stream that waited leaves its place");
    });
}

/// The only worker, with none to take its place, waits for a value that a queued job would send.
#[test]
fn an_iterator_panics_where_its_wait_could_never_end() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(0).build().unwrap();
        let ((sender, receiver), gate) = (channel(1), Gate::new());
        let key = gate.key();
        let mut waits = pool.run(move || {
            key.wait();
            receiver.iter().sum::<u32>()
        });
        gate.await_arrival(1);
        let sends = pool.run(move || drop(sender.send(1)));
        gate.open();
        assert!(waits.get(PATIENCE).unwrap_err().is_panicked());
        drop(sends);
    });
}

#[test]
fn drops_of_values_that_panic_leave_the_channel_in_order() {
    watched(|| {
        let (sender, receiver) = channel(3);
        for _ in 0..3 {
            sender.try_send(Bomb).unwrap();
        }
        let waits = sender.send(Bomb);
        waits.cancel();
        let waits = sender.send(Bomb);
        drop(receiver);
        assert!(is_closed(waits));
        assert!(is_closed(sender.send(Bomb)));
    });
}

/// Values that are channels with values that are channels.
#[test]
fn a_line_of_channels_takes_no_stack() {
    struct Nested(#[expect(dead_code, reason = "it is owned")] Option<Receiver<Nested>>);
    watched(|| {
        run_on_small_stack(SMALL_STACK, || {
            let mut inner = None;
            for _ in 0..10_000 {
                let (sender, receiver) = channel(1);
                sender.try_send(Nested(inner)).ok().unwrap();
                inner = Some(receiver);
            }
            drop(inner);
            let (sender, receiver) = channel(0);
            let all: Vec<_> = (0..10_000).map(|n| sender.send(n).via(Inline)).collect();
            assert!(receiver.iter().take(10_000).eq(0..10_000));
            assert!(all.iter().all(Promise::is_set));
        });
    });
}

#[test]
fn callbacks_may_use_the_channel_that_calls_them() {
    watched(|| {
        let (pool, (sender, receiver)) = (one_worker(), channel(1));
        let (again, echo) = (sender.clone(), receiver.clone());
        let mut answered = receiver.recv().via(Inline).then(move |value| {
            drop(again.send(value.unwrap() + 1));
            echo.recv()
        });
        sender.send(1).get(None).unwrap();
        assert_eq!(answered.get(PATIENCE).unwrap(), Some(2));
        let last = receiver.recv().via(&pool).map(|value| value.is_none());
        drop((sender, receiver));
        eventually("the end comes", || last.is_set());
    });
}

/// Also so deep inside of handlers that further ones have to wait.
#[test]
fn a_value_whose_promise_was_cancelled_deep_inside_of_handlers_is_not_received() {
    watched(|| {
        for depth in 0..10 {
            for room in 0..2 {
                let (sender, receiver) = channel(room);
                let mut all: Vec<_> = (0..room + 2).map(|n| sender.send(n)).collect();
                let (last, cancelled) = (all.pop().unwrap(), all.pop().unwrap());
                let (own, got) = (receiver.clone(), Log::new());
                let gets = got.clone();
                inside_of_handlers(depth, move || {
                    cancelled.cancel();
                    gets.add(own.try_recv());
                });
                assert_eq!(got.entries(), [Ok(1 - room)]); // that in the buffer, or that which waits next
                assert!(last.is_set(), "it has the room, or its value was received");
            }
        }
    });
}
