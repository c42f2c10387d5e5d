use asynckit::*;
use std::time::Duration;
#[test]
fn smoke() {
    let pool = Pool::new(2);
    let mut a = pool.run(|| 41).map(|n| n + 1);
    assert_eq!(a.get(Some(Duration::from_secs(5))).unwrap(), 42);
    let again = pool.clone();
    let mut b =
        pool.run(|| 1).then(move |n| again.run(move || n + 1)).chain(|n| Ok(n * 10)).finally(|| ());
    assert_eq!(b.get(None).unwrap(), 20);
    let (d, p) = Promise::<i32>::deferred();
    let mut p = p.map(|n| n + 1);
    assert!(p.get(Duration::from_millis(5)).unwrap_err().is_timed_out());
    d.resolve(1);
    assert_eq!(p.get(None).unwrap(), 2);
    let (d, mut p) = Promise::<i32>::deferred();
    drop(d);
    assert!(p.get(None).unwrap_err().is_abandoned());
    let mut v: Vec<_> = (0..1000).map(|i| pool.run(move || i)).collect();
    for (i, p) in v.iter_mut().enumerate() {
        assert_eq!(p.get(None).unwrap(), i);
    }
}
fn nest(pool: Pool, n: u32) -> Promise<u32> {
    let p2 = pool.clone();
    pool.spawn(move || if n == 0 { Ok(0) } else { Ok(nest(p2, n - 1).get(None)? + 1) })
}
#[test]
fn nested() {
    let pool = Pool::new(1);
    assert_eq!(nest(pool.clone(), 1000).get(None).unwrap(), 1000);
}
#[test]
fn chain_deep() {
    let (d, p) = Promise::<u64>::deferred();
    let mut p = p;
    for _ in 0..1_000_000 {
        p = p.map(|n| n + 1);
    }
    d.resolve(0);
    assert_eq!(p.get(None).unwrap(), 1_000_000);
}
#[test]
fn cancel() {
    let pool = Pool::new(0);
    let p = pool.run(|| panic!()).map(|()| 3).finally(|| ());
    p.cancel();
    let mut p = p;
    assert!(p.get(None).unwrap_err().is_cancelled());
    pool.set_worker_count(1);
    let (d, mut p) = Promise::<i32>::deferred();
    p.cancel();
    assert!(d.is_cancelled());
    d.resolve(3);
    assert!(p.get(None).unwrap_err().is_cancelled());
}
#[test]
fn lists() {
    let pool = Pool::new(2);
    let mut l: AsyncList<_> = (0..100).map(|i| pool.run(move || i)).collect();
    assert_eq!(l.get(Duration::from_secs(5)).unwrap(), (0..100).collect::<Vec<_>>());
    assert!(l.get(None).unwrap_err().is_taken());
    let l: AsyncList<_> = (0..100).map(|i| pool.run(move || i)).collect();
    assert_eq!(l.chain(|v| Ok(v.len())).get(None).unwrap(), 100);
    let (d, p) = Promise::<i32, &str>::deferred();
    let (d2, p2) = Promise::<i32, &str>::deferred();
    let mut l: AsyncList<_, _> = [p, p2].into_iter().collect();
    assert!(l.get(Duration::from_millis(5)).unwrap_err().is_timed_out());
    d2.reject("x");
    assert!(l.get(None).unwrap_err().is_error());
    d.resolve(1);
    let (d, p) = Promise::<i32, &str>::deferred();
    let (d2, p2) = Promise::<i32, &str>::deferred();
    let j = [p, p2].into_iter().collect::<AsyncList<_, _>>().join();
    d2.reject("x");
    assert!(d.is_cancelled());
    let mut j = j;
    println!("{:?} {}", j.get(None), j.trace());
    let e: AsyncList<i32> = AsyncList::new();
    assert_eq!(e.join().get(None).unwrap(), []);
}
#[test]
fn values() {
    let pool = Pool::new(2);
    let s = pool.run(|| 5).share();
    assert_eq!(s.get(None).unwrap(), &5);
    let mut b = s.then(|n| Ok(n + 1));
    assert_eq!(b.get(None).unwrap(), 6);
    let v = AsyncValue::<i32>::new();
    let mut x: AsyncList<_> = (0..10).map(|i| v.map(move |n| n + i)).collect();
    v.set(1).unwrap();
    assert_eq!(x.get(None).unwrap(), (1..11).collect::<Vec<_>>());
    let v = AsyncValue::<i32>::new();
    let mut b = v.map(|n| n + 1);
    drop(v);
    assert!(b.get(None).unwrap_err().is_abandoned());
    let (d, p) = Promise::<i32>::deferred();
    let s = p.share();
    let t = s.clone();
    let b = s.map(|n| *n);
    s.cancel();
    assert!(!d.is_cancelled());
    drop(t);
    assert!(!d.is_cancelled());
    b.cancel();
    assert!(d.is_cancelled());
}
