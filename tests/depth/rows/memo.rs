//! Memos: a call that is kept, and what forgets it.

use crate::table::{PLAIN, Row, Traits};
use crate::things::Thing;
use crate::world::World;
use asynckit::Memo;

type Memos = Memo<u8, Thing, Thing>;

fn memo(world: &World) -> Memos {
    Memo::new().on(&world.pool)
}

/// A copy of a shared value: which of the calls can be run, a worker that waits finds at the far end of the line.
const COPY: Traits = Traits { looked_through: 4, ..PLAIN };

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "a memo that is gone",
        uses: &["Memo::on", "Memo::run"],
        step: |world, link, _| memo(world).run(1, || link),
        traits: Traits { carries: false, ..COPY },
    },
    Row {
        name: "a memo that is kept",
        uses: &["Memo::run"],
        step: |world, link, carried| {
            let memo = memo(world);
            memo.run(1, || link).finally(move || drop((memo, carried)))
        },
        traits: Traits { cuts: true, ..COPY },
    },
    Row {
        name: "a memo that forgets",
        uses: &["Memo::invalidate"],
        step: |world, link, carried| {
            let memo = memo(world);
            let kept = memo.run(1, || link);
            memo.invalidate(&1);
            kept.finally(move || drop((memo, carried)))
        },
        traits: COPY,
    },
    Row {
        name: "a memo that is cleared by what it has made",
        uses: &["Memo::clear"],
        step: |world, link, carried| {
            let memo = memo(world);
            memo.run(1, || link).finally(move || {
                memo.clear();
                drop(carried);
            })
        },
        traits: Traits { cuts: true, ..COPY },
    },
];
