//! [`Bars`]: a progress bar for each of many downloads. With the feature `progress`.

use std::borrow::Cow;
use std::fmt;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::DownloadBuilder;

/// A progress bar for each of many downloads, one below the other, on stderr where that is a terminal.
///
/// A clone adds to the same bars.
///
/// # Examples
///
/// ```no_run
/// use asynckit::AsyncList;
/// use asynckit::http::{Bars, Session};
///
/// let (session, bars) = (Session::new(), Bars::new());
/// let mut files: AsyncList<_> = ["film.mp4", "photo.jpg"]
///     .into_iter()
///     .map(|name| {
///         let file = session.request("GET", format!("http://localhost:8000/{name}"));
///         file.download(name).progress_bar(&bars.add(name)).send()
///     })
///     .collect();
/// files.get(None)?;
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone, Default)]
pub struct Bars {
    all: MultiProgress,
}

impl Bars {
    /// No bars yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bars that are not to be seen, for a program that is told to be quiet, and for tests.
    pub fn hidden() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()) }
    }

    /// Adds a bar below the others, with `name` before it.
    pub fn add(&self, name: impl Into<Cow<'static, str>>) -> ProgressBar {
        let template =
            "{prefix:20!} {wide_bar} {bytes:>11} {total_bytes:>11} {bytes_per_sec:>13} {msg}";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = ProgressBar::no_length().with_style(style).with_prefix(name.into());
        self.all.add(bar)
    }

    /// Gives what draws them: to print between them, to set where they are drawn.
    pub fn multi(&self) -> &MultiProgress {
        &self.all
    }
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars").finish_non_exhaustive()
    }
}

impl DownloadBuilder {
    /// Shows in `bar` how far it is. The bar is full, and finished, only when the file is in its place; that of a
    /// download that fails or is given up stays where it was.
    ///
    /// With the feature `progress`. [`Bars`] makes one for each of many.
    pub fn progress_bar(self, bar: &ProgressBar) -> Self {
        let shown = Shown { bar: bar.clone() };
        self.on_progress(move |now| {
            let shown = &shown; // all of it, so that it goes with the download
            if let Some(total) = now.total {
                shown.bar.set_length(total);
            }
            shown.bar.set_position(now.bytes);
            if now.is_done {
                shown.bar.finish();
            }
        })
    }
}

/// The bar of a download that has not come to its end.
struct Shown {
    bar: ProgressBar,
}

impl Drop for Shown {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.abandon();
        }
    }
}
