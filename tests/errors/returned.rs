//! A job or a callback returns one of these as it is: the promise has its type of error.

use crate::*;
use asynckit::{AsyncList, Failure, Pool, Promise, join, map_concurrent, retry};

/// The error, however it went: the failure has it unwrapped.
fn error<T: std::fmt::Debug + Send + 'static, E: Send + 'static>(mut promise: Promise<T, E>) -> E {
    match promise.get(PATIENCE) {
        Err(Failure::Error(error)) => error,
        Err(_) => panic!("another failure than the error"),
        Ok(value) => panic!("a value: {value:?}"),
    }
}

/// Returns an error from wherever the user's code runs.
macro_rules! everywhere {
    ($name:ident, $call:ident, $told:expr) => {
        #[test]
        fn $name() {
            let pool = Pool::new(2);
            let one = || pool.spawn($call).catch(|_| Ok(1));
            assert_eq!(error(pool.spawn($call)).to_string(), $told);
            assert_eq!(error(one().then(|_| $call())).to_string(), $told);
            assert_eq!(error(one().chain(|_| $call())).to_string(), $told);
            assert_eq!(error(one().handle(|_| $call())).to_string(), $told);
            assert_eq!(error(pool.spawn($call).catch(|_| $call())).to_string(), $told);
            assert_eq!(error(pool.spawn($call).or_else(|_| $call())).to_string(), $told);
            assert_eq!(error(pool.spawn_future(async { $call() })).to_string(), $told);
            let list: AsyncList<_, _> = (0..2).map(|_| pool.spawn($call)).collect();
            assert_eq!(error(list.join()).to_string(), $told);
            let list = AsyncList::from_iter((0..2).map(|_| pool.spawn($call)));
            assert_eq!(error(list.join()).to_string(), $told);
            assert_eq!(error(join((pool.spawn($call), one()))).to_string(), $told);
            assert_eq!(error(join([pool.spawn($call), one()])).to_string(), $told);
            assert_eq!(error(join(vec![pool.spawn($call), one()])).to_string(), $told);
            let again = pool.clone();
            let tried = retry([Duration::ZERO], move |_| again.spawn($call));
            assert_eq!(error(tried).to_string(), $told);
            let again = pool.clone();
            let mapped = map_concurrent(0..2, 1, move |_| again.spawn($call));
            assert_eq!(error(mapped.join()).to_string(), $told);
            assert_eq!(error(pool.spawn($call).any_error()).to_string(), $told);
        }
    };
}

everywhere!(anyhow_from_a_job, in_anyhow, "no page");
everywhere!(eyre_from_a_job, in_eyre, "no page");
everywhere!(a_box_from_a_job, in_box, "no page");
everywhere!(a_string_from_a_job, in_string, "no page");
everywhere!(a_str_from_a_job, in_str, "no page");
everywhere!(an_io_error_from_a_job, in_io, "cable cut");
everywhere!(an_error_of_the_application_from_a_job, in_app, "cannot read the settings");
everywhere!(any_error_from_a_job, in_any, "no page");
