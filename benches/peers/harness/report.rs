//! What the user sees, and what the plots are made of.

use std::io;

use serde_json::json;

use super::{Against, Measured, Row, Target};

/// The machine, as far as it tells.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let model =
        model.map_or("unknown processor", |model| model.trim_start_matches([' ', '\t', ':']));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{model}, {cores} cores, {}, load before {load}", std::env::consts::OS)
}

pub(crate) fn heading() {
    println!("{}", machine());
    println!("Median and best sample of one operation; what it asks the allocator for.");
    println!("Contestants take turns, so ratios within a workload hold also on a busy machine.");
}

/// A ratio, or a limit, and whether it is reached.
pub(crate) struct Verdict {
    text: String,
    value: f64,
    /// The same of the best samples, if it is a ratio.
    of_best: Option<f64>,
    at_most: f64,
}

impl Verdict {
    fn reached(&self) -> bool {
        self.value <= self.at_most
    }
}

impl Measured<'_> {
    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name && !row.samples.is_empty())
    }

    /// What came of the targets; those of contestants that are not here are left out.
    fn verdicts(&self) -> Vec<Verdict> {
        self.workload.targets.iter().filter_map(|target| self.verdict(target)).collect()
    }

    fn verdict(&self, target: &Target) -> Option<Verdict> {
        let ours = self.row(target.ours)?;
        let (value, of_best, what) = match target.against {
            Against::Best(peers) => {
                let rows = peers.iter().filter_map(|peer| self.row(peer));
                let peer = rows.min_by(|a, b| a.median().total_cmp(&b.median()))?;
                let of_best = ours.best() / peer.best();
                (ours.median() / peer.median(), Some(of_best), format!("× {}", peer.name))
            }
            Against::Itself => (ours.median(), None, self.workload.unit.to_owned()),
            Against::Allocations => (ours.asked?.0, None, "allocations".to_owned()),
            Against::Bytes => (ours.asked?.1, None, "bytes".to_owned()),
        };
        let text = format!("{}: {what}", target.ours);
        Some(Verdict { text, value, of_best, at_most: target.at_most })
    }
}

/// Three digits.
fn short(value: f64) -> String {
    match value {
        v if v.is_nan() => "–".to_owned(),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

pub(crate) fn print(measured: &Measured<'_>) {
    let workload = measured.workload;
    println!("\n━━━ {}: {}", workload.name, workload.title);
    println!("  {:<42}{:>10}{:>10}{:>9}{:>9}", workload.unit, "median", "best", "allocs", "bytes");
    for row in &measured.rows {
        if row.samples.is_empty() {
            println!("  {:<42}{:>10}", row.name, "not here");
            continue;
        }
        let asked = |part: fn((f64, f64)) -> f64| row.asked.map(part).map_or(String::new(), short);
        let (median, best) = (short(row.median()), short(row.best()));
        let (allocations, bytes) = (asked(|a| a.0), asked(|a| a.1));
        println!("  {:<42}{median:>10}{best:>10}{allocations:>9}{bytes:>9}", row.name);
    }
    for verdict in measured.verdicts() {
        println!("  {}", line(&verdict));
    }
}

fn line(verdict: &Verdict) -> String {
    let Verdict { text, value, of_best, at_most } = verdict;
    let mark = if verdict.reached() { "reached" } else { "MISSED" };
    let best = of_best.map_or(String::new(), |best| format!(" (best samples {})", short(best)));
    format!("{mark:<8} {:>6} ≤ {at_most:<4} {text}{best}", short(*value))
}

pub(crate) fn summary(all: &[Measured<'_>]) {
    println!("\n━━━ what was to be reached");
    for measured in all {
        for verdict in measured.verdicts() {
            println!("  {:<16} {}", measured.workload.name, line(&verdict));
        }
    }
}

/// For `benches/document.py`.
pub(crate) fn write(file: &str, all: &[Measured<'_>]) -> io::Result<()> {
    let workloads: Vec<_> = all.iter().map(as_json).collect();
    let whole = json!({ "machine": machine(), "workloads": workloads });
    std::fs::write(file, format!("{whole:#}\n"))
}

fn as_json(measured: &Measured<'_>) -> serde_json::Value {
    let rows = measured.rows.iter().filter(|row| !row.samples.is_empty()).map(|row| {
        json!({
            "name": row.name,
            "median": row.median(),
            "best": row.best(),
            "samples": row.samples,
            "allocations": row.asked.map(|asked| asked.0),
            "bytes": row.asked.map(|asked| asked.1),
        })
    });
    let verdicts = measured.verdicts().into_iter().map(|verdict| {
        json!({
            "text": verdict.text,
            "value": verdict.value,
            "of_best": verdict.of_best,
            "at_most": verdict.at_most,
            "reached": verdict.reached(),
        })
    });
    json!({
        "name": measured.workload.name,
        "title": measured.workload.title,
        "unit": measured.workload.unit,
        "rows": rows.collect::<Vec<_>>(),
        "targets": verdicts.collect::<Vec<_>>(),
    })
}
