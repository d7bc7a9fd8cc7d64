"""Measures calls between two real programs: see docs/benchmarks.md.

Rounds go on the outside and scenes on the inside, so that all scenes meet the machine in the same moods.
"""
import argparse
import os
import sys
from pathlib import Path

import figures
import scenes
from scenes import Effort, spoken_through
from sound import RATE
from speech import speech
from way import Weather

NEAR_MS = 10
SCENES = {
    "floor": scenes.floor,
    "clean": spoken_through(Weather()),
    "unprocessed": spoken_through(Weather(), processed=False),
    "silence": scenes.silence,
    "set-up": scenes.set_up,
    "jitter-10": spoken_through(Weather(delay_ms=20, jitter_ms=10)),
    "jitter-30": spoken_through(Weather(delay_ms=20, jitter_ms=30)),
    "loss-5": spoken_through(Weather(loss=0.05, delay_ms=NEAR_MS)),
    "loss-10": spoken_through(Weather(loss=0.1, delay_ms=NEAR_MS)),
    "loss-20": spoken_through(Weather(loss=0.2, delay_ms=NEAR_MS)),
    "burst-10": spoken_through(Weather(loss=0.1, mean_run=3, delay_ms=NEAR_MS)),
    "loss-10-far": spoken_through(Weather(loss=0.1, delay_ms=50)),
    "loss-10-farther": spoken_through(Weather(loss=0.1, delay_ms=100)),
    "spike": scenes.spike,
    "uplink-64": spoken_through(Weather(rate_kbit=64, delay_ms=NEAR_MS), Weather(delay_ms=NEAR_MS)),
    "processor": scenes.processor,
    "echo": scenes.echo,
    "long": scenes.long_and_clean,
}
RUNS = 3


def main():
    options = parse()
    said = speech()
    full = Effort(speech=said, long_s=600, watch_s=40)
    quick = Effort(speech=said[: 18 * RATE], long_s=30, watch_s=8)
    chosen = options.only or list(SCENES)
    measured, failed = {name: [] for name in chosen}, 0
    for run in range(1 if options.quick else options.runs):
        for number, name in enumerate(chosen):
            try:
                # Each run has its own chance, and the same one tomorrow.
                result = SCENES[name](options.program, quick if options.quick else full, 1000 * run + 2 * number)
            except (RuntimeError, ValueError, OSError) as error:
                failed += 1
                say(f"{name}: {error}")
                continue
            measured[name].append(result)
            say(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in result.items()))
    say("\n" + figures.table(measured))
    if failed:
        sys.exit(f"{failed} measurements failed")
    if chosen == list(SCENES) and options.runs >= RUNS and not options.quick:
        figures.write_document(measured)
        say(f"Written to {figures.DOCUMENT}")


def parse():
    target = Path(os.environ.get("CARGO_TARGET_DIR", figures.BASE / "target"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little speech and one run: shows that it works")
    parser.add_argument("--only", action="append", choices=SCENES, help="measure this scene (repeatable)")
    parser.add_argument("--runs", type=int, default=RUNS, help="medians are taken over so many (%(default)s)")
    parser.add_argument("--program", type=Path, default=target / "release/kinmesh", help="what makes the calls")
    return parser.parse_args()


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()
