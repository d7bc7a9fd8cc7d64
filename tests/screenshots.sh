#!/usr/bin/env bash
# Makes the pictures in docs/images anew: real peers hold a conversation over a real bootstrap node,
# and the real window is photographed on a display of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in Xvfb xdotool import python3; do
    command -v "$tool" >/dev/null || { echo "screenshots: $tool is missing" >&2; exit 1; }
done
cargo build --locked --workspace --bins

work=$(mktemp -d)
# The display tells its number on this pipe once it is ready.
mkfifo "$work/display"
Xvfb -displayfd 3 -screen 0 1240x800x24 3>"$work/display" 2>/dev/null &
display=$!
trap 'kill "$display" 2>/dev/null || true; wait "$display" 2>/dev/null || true; rm -rf "$work"' EXIT
read -r number <"$work/display"

mkdir -p docs/images
DISPLAY=":$number" ICED_BACKEND=tiny-skia python3 tests/screenshots.py "$work" docs/images
