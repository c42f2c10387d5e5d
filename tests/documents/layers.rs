//! What the documents say of the tree: the layers are those of `.ci/architecture` and of `src`, and the files that are
//! named exist.

use crate::{read, root};

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn exists(module: &str) -> bool {
    let place = root().join("src").join(module);
    place.is_dir() || place.with_extension("rs").is_file()
}

/// Each module with the number of its row, in the table of layers.
fn layers(document: &str) -> Vec<(usize, &str)> {
    let (_, table) = document.split_once("| layer | where |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let modules = rows.map(|row| row.split(" | ").nth(1).expect("a second column"));
    modules.enumerate().flat_map(|(row, all)| quoted(all).map(move |name| (row, name))).collect()
}

/// `.ci/architecture` looks that the sources keep its order, so this is where the document has it from.
#[test]
fn the_table_of_layers_has_all_modules_in_the_order_of_the_script() {
    let (script, document) = (read(".ci/architecture"), read("CONTRIBUTING.md"));
    let (_, order) = script.split_once("ORDER = \"\"\"\n").expect("the order");
    let (order, _) = order.split_once("\"\"\"").expect("its end");
    let order: Vec<_> = order.split_whitespace().filter(|module| exists(module)).collect();
    let layers = layers(&document);
    assert!(order.len() > 25, "only {order:?} were found");
    let mut last = 0;
    for module in &order {
        let found = layers.iter().find(|(_, name)| name == module);
        let (row, _) = found.unwrap_or_else(|| panic!("{module} is in no row of CONTRIBUTING.md"));
        assert!(*row >= last, "{module} stands too high in CONTRIBUTING.md");
        last = *row;
    }
    for (_, module) in layers {
        assert!(order.contains(&module), "{module} is not in .ci/architecture, or not in src");
    }
}

/// Paths as they stand in the documents: below `src`, or from the root.
#[test]
fn the_files_that_the_documents_name_exist() {
    let mut found = 0;
    for document in ["docs/design.md", "CONTRIBUTING.md", "models/README.md"] {
        let text = read(document);
        for name in quoted(&text).filter(|name| name.ends_with(".rs") && name.contains('/')) {
            if name.contains('*') {
                continue;
            }
            let places = ["", "src", "models"].map(|folder| root().join(folder).join(name));
            assert!(places.iter().any(|place| place.is_file()), "{document}: there is no {name}");
            found += 1;
        }
    }
    assert!(found > 80, "only {found} were found");
}
