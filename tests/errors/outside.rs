//! A `main`, or a function like it, returns one of these, and writes `?` behind `get`.

use crate::*;
use asynckit::{AnyError, AsyncList, Failure, Outcome, Pool, Promise, join};

fn pool() -> &'static Pool {
    Pool::global()
}

/// `?` behind each `get`, in a function that returns `Result<u32, $Error>`.
macro_rules! function {
    ($name:ident, $Error:ty, $job:ident $($method:tt)*) => {
        #[test]
        fn $name() {
            fn one() -> Result<u32, $Error> {
                let number = pool().spawn($job).get(PATIENCE)$($method)*?;
                Ok(number)
            }
            fn joined() -> Result<u32, $Error> {
                let mut joined = join((pool().spawn($job), pool().spawn($job)));
                Ok(joined.get(PATIENCE)$($method)*?.0)
            }
            fn list() -> Result<u32, $Error> {
                let mut list = AsyncList::from_iter([pool().spawn($job)]);
                Ok(list.get(PATIENCE)$($method)*?[0])
            }
            fn list_joined() -> Result<u32, $Error> {
                let list = AsyncList::from_iter([pool().spawn($job)]);
                Ok(list.join().timeout(PATIENCE).get(None)$($method)*?[0])
            }
            for (index, function) in [one, joined, list, list_joined].into_iter().enumerate() {
                assert!(function().is_err(), "{index}");
            }
        }
    };
}

// The default: what fails with `AnyError`.
function!(any_error_into_anyhow, anyhow::Error, in_any);
function!(any_error_into_eyre, eyre::Report, in_any);
function!(any_error_into_a_box, Dyn, in_any);
function!(any_error_into_a_local_box, Box<dyn Error>, in_any);
function!(any_error_into_a_string, String, in_any);
function!(any_error_into_an_io_error, io::Error, in_any);
function!(any_error_into_an_error_of_the_application, AppError, in_any);
function!(any_error_into_any_error, AnyError, in_any);
function!(any_error_into_a_failure, Failure, in_any);

// Typed errors.
function!(an_io_error_into_anyhow, anyhow::Error, in_io);
function!(an_io_error_into_eyre, eyre::Report, in_io);
function!(an_io_error_into_a_box, Dyn, in_io);
function!(an_io_error_into_a_local_box, Box<dyn Error>, in_io);
function!(an_io_error_into_a_string, String, in_io);
function!(an_io_error_into_an_io_error, io::Error, in_io);
function!(an_io_error_into_an_error_of_the_application, AppError, in_io);
function!(an_io_error_into_any_error, AnyError, in_io);
function!(an_io_error_into_its_failure, Failure<io::Error>, in_io);
function!(an_error_of_the_application_into_anyhow, anyhow::Error, in_app);
function!(an_error_of_the_application_into_a_box, Dyn, in_app);
function!(an_error_of_the_application_into_any_error, AnyError, in_app);
function!(an_error_of_the_application_into_a_string, String, in_app);

// What is no `Error` itself: `String` takes it; for the others the language forbids the bare `?`, and there is one method.
function!(anyhow_into_a_string, String, in_anyhow);
function!(eyre_into_a_string, String, in_eyre);
function!(a_box_into_a_string, String, in_box);
function!(a_string_into_a_string, String, in_string);
function!(a_str_into_a_string, String, in_str);
function!(anyhow_into_anyhow, anyhow::Error, in_anyhow.map_err(Failure::into_any));
function!(anyhow_into_a_box, Dyn, in_anyhow.map_err(Failure::into_any));
function!(anyhow_into_any_error, AnyError, in_anyhow.map_err(Failure::into_any));
function!(anyhow_into_a_failure, Failure, in_anyhow.map_err(Failure::into_any));
function!(eyre_into_eyre, eyre::Report, in_eyre.map_err(Failure::into_any));
function!(a_box_into_a_box, Dyn, in_box.map_err(Failure::into_any));
function!(a_box_into_anyhow, anyhow::Error, in_box.map_err(Failure::into_any));
function!(a_string_into_anyhow, anyhow::Error, in_string.map_err(Failure::into_any));
function!(a_string_into_a_box, Dyn, in_string.map_err(Failure::into_any));
function!(a_str_into_any_error, AnyError, in_str.map_err(Failure::into_any));
function!(an_io_error_into_a_failure, Failure, in_io.map_err(Failure::into_any));
function!(an_io_error_into_an_application_by_any, AppError, in_io.map_err(Failure::into_any));

#[test]
fn a_function_of_any_error_in_functions_of_others() {
    fn local() -> Result<u32, Box<dyn Error>> {
        Ok(in_any()?)
    }
    fn text() -> Result<u32, String> {
        Ok(in_any()?)
    }
    fn boxed() -> Result<u32, Dyn> {
        let number = in_any().map_err(AnyError::into_boxed)?;
        Ok(number)
    }
    fn of_anyhow() -> anyhow::Result<u32> {
        Ok(in_any().map_err(Failure::from)?)
    }
    fn of_eyre() -> eyre::Result<u32> {
        Ok(in_any().map_err(Failure::from)?)
    }
    fn outcome() -> Outcome<u32> {
        Ok(in_any()?)
    }
    assert_eq!(local().unwrap_err().to_string(), "no page");
    assert_eq!(text().unwrap_err(), "no page");
    assert_eq!(boxed().unwrap_err().to_string(), "no page");
    assert_eq!(of_anyhow().unwrap_err().to_string(), "no page");
    assert_eq!(of_eyre().unwrap_err().to_string(), "no page");
    assert_eq!(outcome().unwrap_err().to_string(), "no page");
}

#[test]
fn a_failure_without_an_error_goes_into_all_of_them() {
    fn given_up() -> Promise<u32> {
        let (_deferred, promise) = Promise::deferred();
        promise.cancel();
        promise
    }
    fn of_anyhow() -> anyhow::Result<u32> {
        Ok(given_up().get(None)?)
    }
    fn of_io() -> io::Result<u32> {
        Ok(given_up().get(None)?)
    }
    fn text() -> Result<u32, String> {
        Ok(given_up().get(None)?)
    }
    let text_of_it = Failure::<AnyError>::Cancelled.to_string();
    let error = of_anyhow().unwrap_err();
    assert!(error.downcast_ref::<Failure>().is_some_and(Failure::is_cancelled));
    assert_eq!(error.to_string(), text_of_it);
    assert_eq!(of_io().unwrap_err().to_string(), text_of_it);
    assert_eq!(text().unwrap_err(), text_of_it);
}
