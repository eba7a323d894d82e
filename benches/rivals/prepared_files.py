"""Times h5py on the file that `cargo bench --bench prepared_files -- FOLDER` left in FOLDER.

pip install h5py numpy; python benches/rivals/prepared_files.py FOLDER
"""

import sys
import time
from pathlib import Path

import h5py
import numpy

RUNS = 5


def main():
    with h5py.File(Path(sys.argv[1]) / "train_shuffled.h5") as file:
        names = [name for name in file if name.startswith("s_") and name != "s_name"] + ["is_face"]
        clips = len(file["is_face"])
        buffers = {name: numpy.empty(file[name].shape[1:], file[name].dtype) for name in names}
        megabytes = sum(buffer.nbytes for buffer in buffers.values()) / 1e6

        def into_buffers(row):
            for name in names:
                file[name].read_direct(buffers[name], numpy.s_[row])

        def new_arrays(row):
            return [file[name][row] for name in names]

        for what, read in [("h5py into ready buffers", into_buffers), ("h5py into new arrays", new_arrays)]:
            best = min(seconds_of(read, clips) for _ in range(RUNS)) / clips
            print(f"{what:<40} {best * 1e3:>8.1f} ms a clip {megabytes / best:>8.0f} MB/s")


def seconds_of(read, clips):
    start = time.perf_counter()
    for row in range(clips):
        read(row)
    return time.perf_counter() - start


main()
