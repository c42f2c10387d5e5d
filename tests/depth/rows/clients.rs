//! What API clients are made of: flows, reporters, a last step of the caller's.

use crate::table::{BARE, PLAIN, Row, SLOW, Traits};
use crate::things::Thing;
use asynckit::{Flow, Reporter, pages};

/// What is taken out once.
fn take<T>(from: &mut Option<T>) -> T {
    from.take().expect("it is called once")
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "pages",
        uses: &["pages", "Flow::join"],
        step: |_, link, carried| {
            let mut link = Some(link);
            let all = pages((), move |()| {
                _ = &carried;
                take(&mut link).map(|value| (value, None))
            });
            all.join().map(|mut all: Vec<Thing>| all.pop().expect("one page"))
        },
        traits: Traits { looked_through: 8, ..SLOW },
    },
    Row {
        name: "a stage",
        uses: &["Flow::at_once", "Flow::stage"],
        step: |_, link, carried| {
            let mut carried = Some(carried);
            let flow = Flow::at_once([link], 1, |link| link).stage(move |value| {
                drop(take(&mut carried));
                Ok(value)
            });
            flow.join().map(|mut all: Vec<Thing>| all.pop().expect("one value"))
        },
        traits: Traits { looked_through: 8, ..SLOW },
    },
    Row {
        name: "reports",
        uses: &["Reporter::on", "Reporter::finish_with"],
        step: |world, link, carried| {
            let reporter = Reporter::on(&world.pool, move |_| _ = &carried);
            reporter.finish_with(link)
        },
        traits: PLAIN,
    },
    Row {
        name: "process",
        uses: &["Promise::process", "Processed::into_raw"],
        step: |_, link, _| link.process(|_| Ok(())).into_raw(),
        traits: BARE,
    },
];
