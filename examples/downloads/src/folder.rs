//! A folder as a web site: its HTML files as they are, its Markdown and Rust files as pages with links.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::render;

const HTML: &str = "text/html; charset=utf-8";

/// Links on the first page of a [`Folder::with_broken_links`], none of which leads anywhere.
const BROKEN: [&str; 3] = ["no-such-page.html", "broken", "http://127.0.0.1:1/nobody-listens-here"];

/// A folder to be served.
pub(crate) struct Folder {
    root: PathBuf,
    broken_links: bool,
}

/// What there is at a path.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Page {
        kind: &'static str,
        body: Vec<u8>,
    },
    /// A folder, whose own path ends in a slash.
    Folder,
    /// Fails on purpose.
    Broken,
    Missing,
}

impl Folder {
    /// Serves this folder, from its `index.html` on, or from a list of what is in it.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, broken_links: false }
    }

    /// Puts a few links to nowhere on the first page, to show what becomes of them.
    pub(crate) fn with_broken_links(root: PathBuf) -> Self {
        Self { root, broken_links: true }
    }

    /// Answers the request for a path, given without its leading slash.
    pub(crate) fn answer(&self, path: &str) -> Answer {
        let inside = Path::new(path).components().all(
            |part| matches!(part, Component::Normal(name) if !is_hidden(name.as_encoded_bytes())),
        );
        if !inside {
            return Answer::Missing;
        }
        if self.broken_links && path == BROKEN[1] {
            return Answer::Broken;
        }
        let file = self.root.join(path);
        let answer = match (file.is_dir(), path.is_empty() || path.ends_with('/')) {
            (true, true) => self.index(&file, path),
            (true, false) => Ok(Answer::Folder),
            (false, true) => Ok(Answer::Missing),
            (false, false) => page(&file, path),
        };
        answer.unwrap_or(Answer::Missing)
    }

    fn index(&self, folder: &Path, path: &str) -> io::Result<Answer> {
        let index = folder.join("index.html");
        if index.is_file() {
            return page(&index, path);
        }
        let mut links = Vec::new();
        list(folder, "", &mut links, path.is_empty())?;
        links.sort();
        if self.broken_links && path.is_empty() {
            links.extend(BROKEN.map(str::to_owned));
        }
        let body = render::list(&format!("/{path}"), &links);
        Ok(Answer::Page { kind: HTML, body: body.into_bytes() })
    }
}

fn page(file: &Path, path: &str) -> io::Result<Answer> {
    let ending = file.extension().and_then(|ending| ending.to_str());
    let kind = match ending {
        Some("html" | "htm" | "md" | "rs") => HTML,
        Some("txt" | "toml" | "lock") => "text/plain; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    let body = fs::read(file)?;
    let body = match ending {
        Some("md") => render::markdown(path, &String::from_utf8_lossy(&body)).into_bytes(),
        Some("rs") => render::rust(path, &String::from_utf8_lossy(&body), file).into_bytes(),
        _ => body,
    };
    Ok(Answer::Page { kind, body })
}

/// Lists what is in a folder, and all folders below it if `deep`; not what is hidden, and no caches.
fn list(folder: &Path, prefix: &str, links: &mut Vec<String>, deep: bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let is_folder = entry.file_type()?.is_dir();
        if is_hidden(name.as_bytes()) || (is_folder && entry.path().join("CACHEDIR.TAG").exists()) {
            continue;
        }
        let link = format!("{prefix}{name}");
        match is_folder {
            true => {
                let link = link + "/";
                if deep {
                    list(&entry.path(), &link, links, deep)?;
                }
                links.push(link);
            }
            false if prefix.is_empty() => links.push(link),
            false => {}
        }
    }
    Ok(())
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}
