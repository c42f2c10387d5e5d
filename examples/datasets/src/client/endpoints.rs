//! The endpoints, each written once.

use std::ops::Range;

use asynckit::face::{Face, Reply};
use asynckit::http::{Method, Response};
use asynckit::{Failure, Flow, Promise, Reporter, pages};

use super::{Api, Client, Collection, Error, Live, Page, Record, Usage};

/// Records in one request of an upload.
const CHUNK: usize = 20;
/// Pages, and parts of an upload, that are under way at once.
const AT_ONCE: usize = 4;

impl<F: Face> Client<F> {
    /// The names of all collections.
    pub(crate) fn collections(&self) -> Reply<F, Vec<String>, Error> {
        self.face.reply(self.api.get("/collections"))
    }

    /// What a collection is; remembered for a minute.
    ///
    /// # Errors
    /// [`Error::NotFound`], which is not remembered.
    pub(crate) fn collection(&self, name: &str) -> Reply<F, Collection, Error> {
        self.face.reply(self.api.collection(name))
    }

    /// The collection of this name, which is made if there is none.
    pub(crate) fn get_or_create(&self, name: &str) -> Reply<F, Collection, Error> {
        let (api, path) = (self.api.clone(), format!("/collections/{name}"));
        let missing = |failure: &Failure<Error>| matches!(failure, Failure::Error(error) if error.is_not_found());
        let there = self.api.collection(name);
        let collection =
            there.catch_if(missing, move |_| api.json(api.request(Method::PUT, &path)));
        self.face.reply(collection)
    }

    /// The records of a time, page by page, with the next page fetched while one is worked at.
    pub(crate) fn query(&self, name: &str, times: Range<u64>) -> F::Items<Vec<Record>, Error> {
        let flow = self.api.pages(name, times).stage(|page| Ok::<_, Error>(page.records));
        self.face.items(flow)
    }

    /// All records of a time. Tells how far it is.
    pub(crate) fn query_all(
        &self,
        name: &str,
        times: Range<u64>,
        reporter: &Reporter,
    ) -> Reply<F, Vec<Record>, Error> {
        let progress = reporter.clone();
        let pages = self.api.pages(name, times).stage(move |page| {
            progress.items(0, page.total);
            progress.advance(page.records.len() as u64);
            Ok::<_, Error>(page.records)
        });
        let all = pages.join().map(|pages| pages.concat());
        self.face.reply_reporting(reporter.finish_with(all), reporter)
    }

    /// Adds records, some of them in each request and some requests at once; gives how many were added. Tells how far it is.
    pub(crate) fn upload(
        &self,
        name: &str,
        records: Vec<Record>,
        reporter: &Reporter,
    ) -> Reply<F, usize, Error> {
        let (api, path) = (self.api.clone(), format!("/collections/{name}/records"));
        let (progress, total) = (reporter.clone(), records.len() as u64);
        let chunks: Vec<_> = records.chunks(CHUNK).map(<[Record]>::to_vec).collect();
        let added = Flow::at_once(chunks, AT_ONCE, move |chunk| {
            api.json::<usize>(api.request(Method::POST, &path).json(&chunk))
        });
        let added = added.stage(move |added| {
            progress.items(0, total);
            progress.advance(added as u64);
            Ok::<_, Error>(added)
        });
        let sum = added.join().map(|added| added.iter().sum());
        self.face.reply_reporting(reporter.finish_with(sum), reporter)
    }

    /// Whether a query can be read.
    ///
    /// # Errors
    /// [`Error::Refused`], which says what is wrong with it.
    pub(crate) fn validate(&self, query: &str) -> Reply<F, (), Error> {
        let request = self.api.request(Method::POST, "/validate").body(query);
        self.face.reply(self.api.send(request).map(|_no_content| ()))
    }

    /// What is stored.
    pub(crate) fn usage(&self) -> Reply<F, Usage, Error> {
        self.face.reply(self.api.get("/usage"))
    }

    /// The answer to any question, as it came.
    pub(crate) fn raw(&self, path: &str) -> Reply<F, Response, Error> {
        self.face.reply(self.api.send(self.api.request(Method::GET, path)))
    }

    /// Listens to what happens.
    pub(crate) fn listen(&self) -> Live {
        let api = self.api.clone();
        Live::new(move |after| api.get(&format!("/events?after={after}")))
    }
}

impl Api {
    fn collection(&self, name: &str) -> Promise<Collection, Error> {
        let call = || self.get(&format!("/collections/{name}"));
        self.collections.run(name.to_owned(), call)
    }

    /// Each page says where the next one begins.
    fn pages(&self, name: &str, times: Range<u64>) -> Flow<Page, Error> {
        let (api, path) = (self.clone(), format!("/collections/{name}/records"));
        let until = times.end;
        pages(times.start, move |from| {
            let request = api.request(Method::GET, &path).query([("from", from), ("to", until)]);
            api.json::<Page>(request).map(|page| {
                let next = page.next;
                (page, next)
            })
        })
        .read_ahead(AT_ONCE)
    }
}
