//! What reporters print: each message once.

use crate::*;
use asynckit::{AnyError, Pool};

/// An error with two causes, through `get` and `?` of a job that returns it typed, or as any error.
fn application(typed: bool) -> anyhow::Error {
    let failed = || -> anyhow::Result<u32> {
        match typed {
            true => Ok(Pool::global().spawn(in_app).get(PATIENCE)?),
            false => Ok(Pool::global().attempt(|| Ok(in_app()?)).get(PATIENCE)?),
        }
    };
    failed().unwrap_err()
}

#[test]
fn anyhow_prints_each_cause_once() {
    for typed in [true, false] {
        let error = application(typed);
        assert_eq!(format!("{error:#}"), "cannot read the settings: cable cut");
        let report = format!("{error:?}");
        assert_eq!(report.matches("cannot read the settings").count(), 1, "{report}");
        assert_eq!(report.matches("cable cut").count(), 1, "{report}");
        assert_eq!(error.chain().count(), 2);
    }
}

#[test]
fn eyre_prints_each_cause_once() {
    fn failed() -> eyre::Result<u32> {
        Ok(Pool::global().spawn(in_app).get(PATIENCE)?)
    }
    let report = format!("{:?}", failed().unwrap_err());
    assert_eq!(report.matches("cannot read the settings").count(), 1, "{report}");
    assert_eq!(report.matches("cable cut").count(), 1, "{report}");
}

#[test]
fn causes_stay_single_through_jobs_in_jobs() {
    let mut outer = Pool::global().attempt(|| {
        let mut inner = Pool::global().spawn(in_app);
        let mut middle = Pool::global().attempt(move || Ok(inner.get(None)?));
        Ok(middle.get(None)?)
    });
    let failure = outer.get(PATIENCE).unwrap_err();
    assert_eq!(told(&failure), ["cannot read the settings", "cable cut"]);
    assert_eq!(format!("{failure:#}"), "cannot read the settings: cable cut");
}

#[test]
fn a_transparent_error_of_the_application_stays_transparent() {
    let error = AppError::from(cut());
    assert_eq!(told(&*AnyError::from(error).into_boxed()), ["cable cut"]);
}
