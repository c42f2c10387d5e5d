//! A progress bar for each of many downloads.

use asynckit::AsyncList;
use asynckit::http::Bars;

use super::files::{Folder, Scripted, broken, content, whole};
use super::support::{session, watched};

#[test]
fn each_download_has_a_bar_that_is_full_only_at_a_good_end() {
    watched(|| {
        let (folder, session, bars) = (Folder::new(), session(), Bars::hidden());
        let sites: Vec<_> = (0..8)
            .map(|n| {
                let body = content(100_000 + n);
                let step = if n % 2 == 0 { whole("", body) } else { broken("", body, 50_000) };
                Scripted::new(vec![step])
            })
            .collect();
        let shown: Vec<_> = (0..8).map(|n| bars.add(format!("file {n}"))).collect();
        let files = sites.iter().zip(&shown).enumerate().map(|(n, (site, bar))| {
            let file = session.request("GET", &site.url).download(folder.path(&n.to_string()));
            file.progress_bar(bar).send()
        });
        let files: AsyncList<_> = files.collect();
        let mut done = 0;
        for file in files.as_completed() {
            let (bar, good) = (&shown[file.index], file.outcome.is_ok());
            assert_eq!(good, file.index % 2 == 0);
            assert!(bar.is_finished());
            assert_eq!(bar.length(), Some(100_000 + file.index as u64));
            assert_eq!(bar.position() == 100_000 + file.index as u64, good, "{}", bar.position());
            done += 1;
        }
        assert_eq!(done, 8);
    });
}

#[test]
fn the_bar_of_a_download_that_never_begins_ends_empty() {
    watched(|| {
        let (bars, server) = (Bars::hidden(), Scripted::new(vec![whole("", content(1))]));
        let bar = bars.add("a file");
        let file = session().request("GET", &server.url).download("no/such/folder/file");
        let failure = { file.progress_bar(&bar).send() }.get(None);
        failure.expect_err("there is no such folder");
        assert!(bar.is_finished() && bar.position() == 0);
    });
}
