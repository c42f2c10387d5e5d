#!/usr/bin/env python3
"""Writes the figures of some runs of `cargo bench -p asynckit-bench` into docs/performance.md, and draws them.

    benches/document.py RUN.json...     as `cargo bench -p asynckit-bench -- --json RUN.json` has written them

A file that is called after an allocator (`mimalloc.json`) is of a run with that one in the place of the system's.

Only Python's standard library is used. What is written by hand in the document stays: the figures go between the two
markers.
"""

import datetime
import json
import pathlib
import statistics
import sys
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "performance"
BEGIN, END = "<!-- figures: written by benches/document -->", "<!-- end of the figures -->"

# What is drawn in one picture.
GROUPS = {
    "one promise, one thread": ["settle", "shared", "await"],
    "jobs": ["trip", "trip-pinned", "jobs", "jobs-two", "jobs-short", "tree"],
    "chains": ["chain", "chain-across", "chain-long"],
    "lists": ["join", "join-many", "completed"],
    "memory and downloads": ["memory", "downloads", "downloads-many"],
}
OURS, THEIRS, LIMIT = "#b5471b", "#8a97a6", "#1f7a4d"
WIDTH, LABEL, BAR, GAP = 760, 270, 16, 6


def digits(value):
    """Three digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(x, y, content, size=12, anchor="start", weight="normal", colour="#222"):
    style = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(content)}</text>'


def picture(name, height, parts):
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    PICTURES.mkdir(exist_ok=True)
    file = PICTURES / f"{name}.svg"
    file.write_text("\n".join([head, ground, *parts, "</svg>"]) + "\n")
    return f"performance/{file.name}"


def bar(y, length, colour, label, value):
    return [
        text(LABEL - 8, y + BAR - 4, label, anchor="end"),
        f'<rect x="{LABEL}" y="{y}" width="{max(length, 1):.1f}" height="{BAR}" fill="{colour}"/>',
        text(LABEL + length + 6, y + BAR - 4, value),
    ]


def is_ours(workload, row):
    return "asynckit" in row["name"] or workload["name"] == "chain-long"


def draw_group(title, runs, names):
    """The medians of all runs, one panel for a workload."""
    parts, y = [], 10
    for name in names:
        found = [by_name(run)[name] for run in runs if name in by_name(run)]
        if not found:
            continue
        rows = [(row, over_runs(found, row["name"])) for row in found[0]["rows"]]
        longest = max(value for _, value in rows) or 1
        y += 20
        parts.append(text(10, y, found[0]["title"], 13, weight="bold"))
        y += 10
        for row, value in rows:
            colour = OURS if is_ours(found[0], row) else THEIRS
            length = (WIDTH - LABEL - 110) * value / longest
            parts += bar(y, length, colour, row["name"], f"{digits(value)} {found[0]['unit']}")
            y += BAR + GAP
    return picture(title.replace(",", "").replace(" ", "-"), y + 14, parts) if parts else None


def draw_ratios(targets):
    """Each target as a bar: 1 is what was to be reached."""
    most, parts, y = 3.0, [], 30
    scale = (WIDTH - LABEL - 60) / most
    parts.append(text(10, 20, "what was reached, where the line is what was to be reached", 13, weight="bold"))
    for name, title, values, at_most in targets:
        share = statistics.median(values) / at_most if at_most else 0.0 if not statistics.median(values) else most
        colour = LIMIT if share <= 1 else OURS
        label = f"{name}: {title.split(': ', 1)[-1]}"
        parts += bar(y, min(share, most) * scale, colour, label[:44], f"{share:.2f}")
        y += BAR + GAP
    line = LABEL + scale
    parts.append(f'<line x1="{line}" x2="{line}" y1="26" y2="{y}" stroke="#222" stroke-dasharray="4 3"/>')
    return picture("targets", y + 14, parts)


def by_name(run):
    return {workload["name"]: workload for workload in run["workloads"]}


def over_runs(workloads, row_name):
    medians = [row["median"] for w in workloads for row in w["rows"] if row["name"] == row_name]
    return statistics.median(medians)


def collect_targets(runs):
    """For each target: workload, text, the value of each run, the limit."""
    found = {}
    for run in runs:
        for workload in run["workloads"]:
            for index, target in enumerate(workload["targets"]):
                entry = found.setdefault((workload["name"], index), [target["text"], [], [], target["at_most"]])
                entry[1].append(target["value"])
                if target["of_best"] is not None:
                    entry[2].append(target["of_best"])
    return [(name, *entry) for (name, _), entry in found.items()]


def target_table(targets):
    lines = ["| workload | figure | to reach | runs | best samples | |", "| --- | --- | --- | --- | --- | --- |"]
    for name, title, values, best, at_most in targets:
        verdict = "reached" if statistics.median(values) <= at_most else "**missed**"
        runs, bests = " · ".join(map(digits, values)), " · ".join(map(digits, best))
        lines.append(f"| `{name}` | {title} | ≤ {at_most:g} | {runs} | {bests} | {verdict} |")
    return lines


def row_table(runs):
    lines = ["| workload | contestant | median of each run | best | allocations | bytes |", "| --- | --- | --- | --- | --- | --- |"]
    for name, workload in by_name(runs[0]).items():
        found = [by_name(run)[name] for run in runs if name in by_name(run)]
        lines.append(f"| **`{name}`** | *{workload['title']}*, {workload['unit']} | | | | |")
        for row in workload["rows"]:
            same = [r for w in found for r in w["rows"] if r["name"] == row["name"]]
            medians = " · ".join(digits(r["median"]) for r in same)
            asked = ["" if row[key] is None else digits(row[key]) for key in ("allocations", "bytes")]
            best = digits(min(r["best"] for r in same))
            lines.append(f"| | {row['name']} | {medians} | {best} | {asked[0]} | {asked[1]} |")
    return lines


def allocator_table(runs, others):
    """What some workloads take with each allocator, and their targets' ratios."""
    names = list(others)
    lines = [f"| workload | figure | the system's | {' | '.join(names)} |", "| --- | --- |" + " --- |" * (1 + len(names))]
    measured = set.intersection(*(set(by_name(run)) for run in others.values()))
    for name, workload in by_name(runs[0]).items():
        if name not in measured or name == "chain-long":
            continue
        same = [statistics.median(over_runs([by_name(run)[name]], row["name"]) for run in runs) for row in workload["rows"]]
        for row, value in zip(workload["rows"], same):
            if row["name"] in ("Node", "Java"):
                continue
            rest = [digits(over_runs([by_name(run)[name]], row["name"])) for run in others.values()]
            lines.append(f"| `{name}` | {row['name']}, {workload['unit']} | {digits(value)} | {' | '.join(rest)} |")
        for index, target in enumerate(workload["targets"]):
            if "×" not in target["text"]:
                continue
            value = statistics.median(by_name(run)[name]["targets"][index]["value"] for run in runs)
            rest = [digits(by_name(run)[name]["targets"][index]["value"]) for run in others.values()]
            text = f"{target['text']}, ≤ {target['at_most']:g}"
            lines.append(f"| `{name}` | {text} | {digits(value)} | {' | '.join(rest)} |")
    return lines


def main(files):
    if not files:
        sys.exit(__doc__)
    with_another = {pathlib.Path(file).stem: file for file in files if pathlib.Path(file).stem.endswith("malloc")}
    files = [file for file in files if file not in with_another.values()]
    others = {name: json.loads(pathlib.Path(file).read_text()) for name, file in with_another.items()}
    runs = [json.loads(pathlib.Path(file).read_text()) for file in files]
    targets = collect_targets(runs)
    day = datetime.date.fromtimestamp(pathlib.Path(files[0]).stat().st_mtime)
    lines = [BEGIN, "", f"Taken on {day}, {len(runs)} runs. The machine, at the begin of each:", ""]
    lines += [f"- {run['machine']}" for run in runs]
    lines += ["", f"![targets]({draw_ratios([(n, t, v, m) for n, t, v, _, m in targets])})", ""]
    lines += ["### Ratios and limits", "", *target_table(targets), ""]
    for title, names in GROUPS.items():
        drawn = draw_group(title, runs, names)
        if drawn:
            lines += [f"![{title}]({drawn})", ""]
    lines += ["### All figures", "", *row_table(runs), ""]
    if others:
        lines += ["### With another allocator", "", *allocator_table(runs, others), ""]
    lines += [END]
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + "\n".join(lines) + after)


if __name__ == "__main__":
    main(sys.argv[1:])
