//! [`Bars`]: a progress bar for each of many downloads and calls. With the feature `progress`.

use std::borrow::Cow;
use std::fmt;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::DownloadBuilder;
use crate::failure::contain;
use crate::reporter::Report;
use crate::sync::{Arc, Mutex};

/// The length of a call's bar: so fine is what it shows.
const WHOLE: u64 = 10_000;

/// A progress bar for each of many downloads and calls, one below the other, on stderr where that is a terminal.
///
/// Downloads have those of [`add`](Self::add), other calls those of [`bar`](Self::bar). A clone adds to the same bars.
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

    /// Adds a bar below the others, with `name` before it, that counts bytes: for
    /// [`progress_bar`](DownloadBuilder::progress_bar).
    pub fn add(&self, name: impl Into<Cow<'static, str>>) -> ProgressBar {
        let template =
            "{prefix:20!} {wide_bar} {bytes:>11} {total_bytes:>11} {bytes_per_sec:>13} {msg}";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = ProgressBar::no_length().with_style(style).with_prefix(name.into());
        self.all.add(bar)
    }

    /// Adds a bar below the others, with `name` before it: a listener, for the [`Reporter`](crate::Reporter) of a call.
    ///
    /// It shows how many items are done, of how many, and the fraction in per cent. It is full, at 100 %, only when the
    /// call has succeeded; that of a call that fails or is given up stays where it was.
    ///
    /// The reporter says which thread moves it. That is short, so [`Inline`](crate::Inline) does: the thread that reports. Where a
    /// closure runs in [`MultiProgress::suspend`], which holds all bars still, it must neither wait for such a call nor cancel one.
    ///
    /// ```
    /// use asynckit::http::Bars;
    /// use asynckit::{Pool, Reporter};
    ///
    /// let bars = Bars::new();
    /// let reporter = Reporter::here(bars.bar("copy"));
    /// let progress = reporter.clone();
    /// let copy = Pool::global().run(move || (1..=4).for_each(|file| progress.items(file, 4)));
    /// reporter.get(&mut reporter.finish_with(copy), None)?;
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn bar<N>(&self, name: N) -> impl FnMut(Report) + Send + use<N>
    where
        N: Into<Cow<'static, str>>,
    {
        let told = Arc::new(Mutex::new(Report::default()));
        let shown = Arc::clone(&told);
        let style = ProgressStyle::with_template("{prefix:20!} {wide_bar} {how_far:>24}")
            .expect("a valid template")
            .with_key("how_far", move |_: &ProgressState, text: &mut dyn fmt::Write| {
                let now = *shown.lock();
                _ = how_far(now, text);
            });
        let bar = ProgressBar::new(WHOLE).with_style(style).with_prefix(name.into());
        let shown = Shown { bar: self.all.add(bar) };
        move |now| {
            let shown = &shown; // all of it, so that it goes with the listener
            *told.lock() = now;
            if now.fraction < 1.0 {
                shown.bar.set_position(part(now.fraction, WHOLE));
            } else {
                shown.bar.finish();
            }
        }
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

/// So many of `whole`, rounded down: less than all of them where the fraction is less than 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a fraction of few"
)]
fn part(fraction: f64, whole: u64) -> u64 {
    (fraction * whole as f64) as u64
}

fn how_far(now: Report, text: &mut dyn fmt::Write) -> fmt::Result {
    match (now.done, now.total) {
        (0, 0) => {}
        (done, 0) => write!(text, "{done} ")?,
        (done, total) => write!(text, "{done}/{total} ")?,
    }
    write!(text, "{:>3} %", part(now.fraction, 100))
}

/// The bar of a download or a call that has not come to its end.
struct Shown {
    bar: ProgressBar,
}

impl Drop for Shown {
    fn drop(&mut self) {
        // It draws, on whatever the program has given. A panic of that must not meet a second one, of the bar's own drop.
        contain(|| {
            if !self.bar.is_finished() {
                self.bar.abandon();
            }
        });
    }
}
