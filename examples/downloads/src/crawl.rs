//! The crawl itself: a page, then all that it links to, then all that those link to.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynckit::http::{Response, Session, Url};
use asynckit::{AsyncList, Failure, Promise};
use indicatif::ProgressBar;

use crate::links::links;

/// Fetches the page behind `link`, then all that it links to, and so on, `depth` levels further down.
///
/// Every page is a promise that waits for the pages below it, and no thread waits meanwhile: a link is
/// followed as soon as the page that has it is there. What goes wrong with one page is written down, and
/// stops no other. A page is fetched once, for the link that was found first; where that was not the
/// shortest way to it, the levels below are counted from there.
pub(crate) fn visit(crawl: &Arc<Crawl>, link: Link, depth: u32) -> Promise<()> {
    let (reader, follower, clerk) = (crawl.clone(), crawl.clone(), crawl.clone());
    crawl
        .session
        .get(&link.url)
        .then(|page| Ok(page.error_for_status()?))
        .then(move |page| Ok(reader.read(&page, depth)))
        .then(move |links| {
            let pages = links.into_iter().map(|link| visit(&follower, link, depth - 1));
            pages.collect::<AsyncList<_>>()
        })
        .map(|_all_below| ())
        .catch(move |failure| {
            clerk.note_failure(link, failure);
            Ok(())
        })
}

/// Finds what `page` links to, if there is a level below it.
pub(crate) fn links_to_follow(page: &Response, depth: u32) -> Vec<Url> {
    let kind = page.header("content-type").unwrap_or_default();
    match depth {
        1.. if kind.starts_with("text/html") => links(&page.text(), page.url()),
        _ => Vec::new(),
    }
}

/// A page to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) url: Url,
    /// The page that has the link; none for a root.
    pub(crate) from: Option<Url>,
}

/// What all the callbacks of one crawl share.
pub(crate) struct Crawl {
    session: Session,
    depth: u32,
    limit: usize,
    bar: ProgressBar,
    notes: Mutex<Notes>,
}

/// What has been found so far.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) pages: Vec<Page>,
    pub(crate) failures: Vec<Failed>,
    /// Links that were not followed, because that would be more pages than the limit.
    pub(crate) left_out: usize,
    /// How many pages were asked for.
    pub(crate) asked: usize,
    hosts: HashSet<String>,
    seen: HashSet<Url>,
}

pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) bytes: usize,
    /// How many levels of links from it were still to be followed.
    pub(crate) depth: u32,
    /// How often it was asked for.
    pub(crate) attempts: u32,
}

pub(crate) struct Failed {
    pub(crate) link: Link,
    pub(crate) failure: Failure,
}

impl Crawl {
    /// Prepares a crawl of at most `limit` pages, over `depth` levels of links; `bar` shows how far it is.
    pub(crate) fn new(session: Session, depth: u32, limit: usize, bar: ProgressBar) -> Arc<Self> {
        let notes = Mutex::default();
        Arc::new(Self { session, depth, limit, bar, notes })
    }

    /// Starts from these pages, and stays on their hosts.
    pub(crate) fn start(self: &Arc<Self>, roots: &[Url]) -> AsyncList<()> {
        let mut notes = self.notes();
        notes.hosts = roots.iter().filter_map(host).collect();
        let roots: Vec<Link> =
            roots.iter().filter_map(|root| notes.claim(root.clone(), None, self.limit)).collect();
        drop(notes);
        self.bar.inc_length(roots.len() as u64);
        roots.into_iter().map(|root| visit(self, root, self.depth)).collect()
    }

    /// Takes the progress bar away and hands over what was found.
    pub(crate) fn finish(&self) -> Notes {
        self.bar.finish_and_clear();
        std::mem::take(&mut self.notes())
    }

    /// Notes that a page is there, and picks the links in it that are to be followed.
    fn read(&self, page: &Response, depth: u32) -> Vec<Link> {
        let (found, from) = (links_to_follow(page, depth), Some(page.url()));
        let mut notes = self.notes();
        notes.pages.push(Page {
            url: page.url().clone(),
            bytes: page.bytes().len(),
            depth,
            attempts: page.attempts() - page.history().len() as u32,
        });
        notes.seen.insert(page.url().clone()); // where a redirect led
        if depth == self.depth {
            notes.hosts.extend(host(page.url())); // a root's redirect may lead to another host
        }
        let links: Vec<Link> =
            found.into_iter().filter_map(|url| notes.claim(url, from, self.limit)).collect();
        drop(notes);
        self.bar.inc_length(links.len() as u64);
        self.bar.inc(1);
        links
    }

    fn note_failure(&self, link: Link, failure: Failure) {
        self.notes().failures.push(Failed { link, failure });
        self.bar.inc(1);
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// Makes a link of `url` if it is to be fetched: on a root's host, new, and within the limit.
    fn claim(&mut self, mut url: Url, from: Option<&Url>, limit: usize) -> Option<Link> {
        url.set_fragment(None);
        let near = host(&url).is_some_and(|host| self.hosts.contains(&host));
        if !near || self.seen.contains(&url) {
            return None;
        }
        self.seen.insert(url.clone());
        if self.asked == limit {
            self.left_out += 1;
            return None;
        }
        self.asked += 1;
        Some(Link { url, from: from.cloned() })
    }

    /// How many of the pages that were asked for are not there yet.
    pub(crate) fn missing(&self) -> usize {
        self.asked.saturating_sub(self.pages.len() + self.failures.len())
    }
}

/// The host of a page that is fetched over HTTP.
fn host(url: &Url) -> Option<String> {
    let web = matches!(url.scheme(), "http" | "https");
    url.host_str().filter(|_| web).map(str::to_owned)
}
