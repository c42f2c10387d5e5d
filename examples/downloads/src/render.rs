//! Markdown and Rust files as plain pages in which the links work.

use std::fmt::Write;
use std::path::Path;

/// A page with a link to each of `targets`.
pub(crate) fn list(title: &str, targets: &[String]) -> String {
    let mut body = String::from("<ul>\n");
    for target in targets {
        let (href, text) = (encode(target), escape(target));
        let _ = writeln!(body, "<li><a href=\"{href}\">{text}</a>");
    }
    body.push_str("</ul>");
    page(title, &body)
}

/// A Markdown file as it is written, its `[text](target)` links made links.
pub(crate) fn markdown(title: &str, text: &str) -> String {
    let mut body = String::from("<pre>");
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        match in_code {
            true => body.push_str(&escape(line)),
            false => markdown_line(line, &mut body),
        }
        body.push('\n');
    }
    body.push_str("</pre>");
    page(title, &body)
}

fn markdown_line(mut line: &str, body: &mut String) {
    while let Some((before, rest)) = line.split_once("](") {
        let Some((target, after)) = rest.split_once(')') else {
            break;
        };
        let (start, text) = before.rsplit_once('[').unwrap_or((before, ""));
        let target = target.split_whitespace().next().unwrap_or_default();
        let (start, text, target) = (escape(start), escape(text), escape(target));
        let _ = write!(body, "{start}<a href=\"{target}\">{text}</a>");
        line = after;
    }
    body.push_str(&escape(line));
}

/// A Rust file as it is written, its `mod name;` lines made links to the files of these modules.
pub(crate) fn rust(title: &str, text: &str, file: &Path) -> String {
    let mut body = String::from("<pre>");
    for line in text.lines() {
        match module(line).and_then(|name| Some((name, module_file(file, name)?))) {
            Some((name, target)) => {
                let link = format!("<a href=\"{target}\">{name}</a>;");
                body.push_str(&escape(line).replacen(&format!("{name};"), &link, 1));
            }
            None => body.push_str(&escape(line)),
        }
        body.push('\n');
    }
    body.push_str("</pre>");
    page(title, &body)
}

/// The name in `mod name;`, `pub mod name;`, `pub(crate) mod name;`.
fn module(line: &str) -> Option<&str> {
    let (before, rest) = line.trim().split_once("mod ")?;
    let name = rest.strip_suffix(';')?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && (before.is_empty() || before.starts_with("pub"))).then_some(name)
}

/// Where the module `name` of `file` is, as a link from there.
fn module_file(file: &Path, name: &str) -> Option<String> {
    let own = file.file_stem()?.to_str()?;
    let below = match own {
        "lib" | "main" | "mod" => String::new(),
        own => format!("{own}/"),
    };
    [format!("{below}{name}.rs"), format!("{below}{name}/mod.rs")]
        .into_iter()
        .find(|target| file.with_file_name(target).is_file())
}

fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<meta charset=utf-8>\n<title>{title}</title>\n<h1>{title}</h1>\n{body}\n"
    )
}

/// Text as it stands in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A file's name as it stands in a link.
fn encode(name: &str) -> String {
    escape(&name.replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_links_become_links_except_in_code() {
        let html = markdown(
            "a & b",
            "see [the <design>](docs/design.md \"title\"), [x](y)\n```\n[z](z)\n```",
        );
        assert!(html.contains("<title>a &amp; b</title>"));
        assert!(html.contains(
            "see <a href=\"docs/design.md\">the &lt;design&gt;</a>, <a href=\"y\">x</a>"
        ));
        assert!(html.contains("\n[z](z)\n"));
    }

    #[test]
    fn unfinished_markdown_links_stay_text() {
        assert!(markdown("", "a[0](b, [c]").contains("<pre>a[0](b, [c]\n"));
        assert!(markdown("", "](x)").contains("<a href=\"x\"></a>"));
    }

    #[test]
    fn modules_of_rust_files_become_links() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs");
        let html = rust(
            "main.rs",
            "mod crawl;\npub(crate) mod render;\nmod nowhere;\nlet x = y<z;",
            &here,
        );
        assert!(html.contains("mod <a href=\"crawl.rs\">crawl</a>;"));
        assert!(html.contains("pub(crate) mod <a href=\"render.rs\">render</a>;"));
        assert!(html.contains("\nmod nowhere;\nlet x = y&lt;z;"));
    }

    #[test]
    fn file_names_are_encoded_in_links() {
        let names = ["a b#c?d%.html".to_owned()];
        assert!(list("", &names).contains("<a href=\"a b%23c%3fd%25.html\">a b#c?d%.html</a>"));
    }
}
