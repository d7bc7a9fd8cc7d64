"""Which figures a call must reach, and the table of what was reached.

The table stands on the terminal and in docs/benchmarks.md.
"""
import datetime
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
DOCUMENT = BASE / "docs/benchmarks.md"
# The table stands between these lines of the document.
BEGIN, END = "<!-- calls: written by `make bench-voice` -->", "<!-- end of calls -->"


@dataclass(frozen=True)
class Unit:
    suffix: str
    digits: int

    def show(self, value):
        return f"{value:.{self.digits}f}{self.suffix}"


MS, SECONDS, SCORE = Unit(" ms", 0), Unit(" s", 1), Unit("", 2)
COUNT, PERCENT, DB, KBIT = Unit("", 0), Unit(" %", 1), Unit(" dB", 0), Unit(" kbit/s", 0)


@dataclass(frozen=True)
class Figure:
    """One line of the table: something that a scene measures, and what it should come to."""

    scene: str
    key: str
    what: str
    unit: Unit
    must: float | None = None
    aim: float | None = None
    less_is_better: bool = False

    def line(self, runs):
        """The line, from what the runs of its scene measured."""
        values = [run[self.key] for run in runs]
        median = statistics.median(values)
        cells = [
            self.what,
            self.unit.show(median),
            f"{self.unit.show(min(values))} – {self.unit.show(max(values))}",
            _median_of(runs, "delay_ms", MS),
            _median_of(runs, "kbit", KBIT),
            self._limit(self.must),
            self._limit(self.aim),
            self._reached(median),
        ]
        return f"| {' | '.join(cells)} |"

    def _limit(self, limit):
        return "" if limit is None else f"{'≤' if self.less_is_better else '≥'} {self.unit.show(limit)}"

    def _reached(self, value):
        meets = lambda limit: limit is not None and (value <= limit if self.less_is_better else value >= limit)
        if self.must is None and self.aim is None:
            return ""
        return "aim" if meets(self.aim) else "must" if meets(self.must) else "**no**"


def _at_most(scene, key, what, unit, must=None, aim=None):
    return Figure(scene, key, what, unit, must, aim, less_is_better=True)


FIGURES = (
    _at_most("floor", "delay_ms", "Floor of the rig: mouth to ear", MS),
    Figure("floor", "pesq", "Floor of the rig: PESQ-WB", SCORE),
    _at_most("clean", "delay_ms", "Mouth to ear, nothing in between", MS, 85, 65),
    Figure("clean", "pesq", "PESQ-WB, nothing in between", SCORE, 4.1, 4.3),
    Figure("unprocessed", "pesq", "PESQ-WB, the same without voice processing", SCORE),
    _at_most("silence", "kbit_silent", "On the wire each way while nobody speaks", KBIT),
    _at_most("set-up", "set_up_ms", "Accept to first sound", MS, 300),
    _at_most("jitter-10", "delay_ms", "Mouth to ear, 20 ms + exp(10 ms)", MS, 140, 120),
    _at_most("jitter-30", "delay_ms", "Mouth to ear, 20 ms + exp(30 ms)", MS, 240, 200),
    Figure("jitter-30", "pesq", "PESQ-WB, the same", SCORE, 3.9),
    Figure("loss-5", "pesq", "PESQ-WB, 5 % lost", SCORE, 3.7, 4.0),
    Figure("loss-10", "pesq", "PESQ-WB, 10 % lost", SCORE, 3.6, 3.9),
    Figure("loss-20", "pesq", "PESQ-WB, 20 % lost", SCORE, 3.2, 3.6),
    Figure("burst-10", "pesq", "PESQ-WB, 10 % lost in runs of 3", SCORE, 2.8, 3.3),
    Figure("loss-10-far", "pesq", "PESQ-WB, 10 % lost, round trip 100 ms", SCORE, 3.4, 3.8),
    Figure("loss-10-farther", "pesq", "PESQ-WB, 10 % lost, round trip 200 ms", SCORE, 3.2, 3.6),
    _at_most("spike", "recovery_s", "Back to the delay before 2 s of 200 ms more", SECONDS, 10, 5),
    Figure("uplink-64", "stoi", "Intelligibility (STOI), uplink of 64 kbit/s", SCORE, 0.75, 0.85),
    Figure("uplink-64", "pesq", "PESQ-WB, the same", SCORE),
    _at_most("long", "gaps", "Gaps of 10 ms in 10 minutes, nothing in between", COUNT, 0, 0),
    _at_most("processor", "processor", "Processor of one program, both speak", PERCENT, 5, 3),
    Figure("echo", "echo_loss_db", "Echo return loss", DB, 25, 35),
)


def table(measured):
    """Of what was measured, as lists of runs by scene, in Markdown."""
    lines = ["| What | Median | Runs | Mouth to ear | On the wire | Must | Aim | Reached |",
             "|---|---:|---:|---:|---:|---:|---:|---|"]
    lines += [figure.line(measured[figure.scene]) for figure in FIGURES if measured.get(figure.scene)]
    return "\n".join(lines) + "\n"


def write_document(measured):
    """Puts the table into the document, with what it was measured on."""
    document = DOCUMENT.read_text()
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{_circumstances()}\n{table(measured)}\n{END}{after}")


def _median_of(runs, key, unit):
    values = [run[key] for run in runs if key in run]
    return unit.show(statistics.median(values)) if values else ""


def _circumstances():
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in cpus if line.startswith("model name")), "a nameless processor")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=BASE, capture_output=True, text=True)
    return (f"- Machine: {model}, {os.cpu_count()} cores, Linux {platform.release()}\n"
            f"- Date: {datetime.date.today()}\n"
            f"- Commit: {commit.stdout.strip()}\n"
            "- Command: `make bench-voice`\n")
