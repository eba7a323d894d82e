"""How the published detectors and ours agree, from boxes written down beside the test clips.

In:  the folder of the clips, with `<clip>.haar.csv`, `.dlib_hog.csv` and `.rustface.csv` (every frame; dlib every fifth).
Out: the numbers in the card of `src/faces/mod.rs`. Run: `python benches/rivals/face_detectors.py ../shared/media`
"""

import csv
import sys

CLIPS = {"clip_high": 750, "clip_baseline": 150}
EVERY = 5  # dlib was asked on these frames only
THRESHOLDS = (3.85, 5, 8, 10, 12, 15)


def boxes(path):
    """The first box of each frame: x, y, width, height, score."""
    found = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if "width" in row:
                box = [float(row[name]) for name in ("x", "y", "width", "height")]
            else:
                left, top, right, bottom = (float(row[name]) for name in ("left", "top", "right", "bottom"))
                box = [left, top, right - left, bottom - top]
            found.setdefault(int(row["frame"]), (*box, float(row.get("score", 0))))
    return found


def overlap(a, b):
    width = max(min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]), 0)
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def apart(a, b):
    """Distance of the centres, in sides of the second box."""
    return ((a[0] + a[2] / 2 - b[0] - b[2] / 2) ** 2 + (a[1] + a[3] / 2 - b[1] - b[3] / 2) ** 2) ** 0.5 / b[2]


def main(folder):
    for clip, count in CLIPS.items():
        haar, dlib, ours = (boxes(f"{folder}/{clip}.{name}.csv") for name in ("haar", "dlib_hog", "rustface"))
        frames = range(0, count, EVERY)
        cascade = {frame: haar.get(frame, dlib.get(frame)) for frame in frames if frame in haar or frame in dlib}
        both = [frame for frame in cascade if frame in ours]
        overlaps = [overlap(ours[frame], cascade[frame]) for frame in both]
        sides = sorted(ours[frame][2] / cascade[frame][2] for frame in both)
        distances = [apart(ours[frame], cascade[frame]) for frame in both]
        print(f"{clip}: {len(frames)} frames, cascade {len(cascade)} ({sum(frame not in haar for frame in cascade)} by dlib),",
              f"ours {sum(frame in ours for frame in frames)}, both {len(both)}")
        print(f"  overlap {sum(overlaps) / len(both):.3f}, lowest {min(overlaps):.3f}; side {sides[len(both) // 2]:.3f};",
              f"centres apart {sum(distances) / len(both):.3f}; only cascade {sorted(set(cascade) - set(both))}")
        for threshold in THRESHOLDS:
            agreed = sum((frame in ours and ours[frame][4] >= threshold) == (frame in cascade) for frame in frames)
            print(f"  threshold {threshold}: {agreed} of {len(frames)} agree whether there is a face")


main(sys.argv[1])
