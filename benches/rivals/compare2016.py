"""Times openSMILE's ComParE_2016 and ours in turns, on the same samples, one thread each.

pip install opensmile
cargo bench --bench compare2016 --no-run    # prints the path of the bench
python benches/rivals/compare2016.py PATH_OF_THE_BENCH FILE.wav

Timed inside both processes, after one call to warm up: `Smile.process_signal` for the functionals here, samples ->
descriptors and functionals there. Imports, start and reading the file are left out. Processor time, so that other programs
disturb little: of the whole process here, which leaves out nothing that openSMILE does, of the one thread there.
"""

import statistics
import subprocess
import sys
import time
import wave

import numpy as np
import opensmile

ROUNDS = 3
RUNS = 5  # as in the bench


def samples_of(path):
    with wave.open(path) as sound:
        data = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
        return data.reshape(-1, sound.getnchannels())[:, 0].astype(np.float32) / 32768, sound.getframerate()


def main():
    bench, path = sys.argv[1:3]
    samples, rate = samples_of(path)
    smile = opensmile.Smile(opensmile.FeatureSet.ComParE_2016, opensmile.FeatureLevel.Functionals, num_workers=1)
    smile.process_signal(samples, rate)
    theirs, ours = [], []
    for _ in range(ROUNDS):
        for _ in range(RUNS):
            start = time.process_time()
            smile.process_signal(samples, rate)
            theirs.append(time.process_time() - start)
        done = subprocess.run([bench, "--once", path], capture_output=True, text=True, check=True)
        ours += [float(line) for line in done.stdout.split()]
    for name, of in [("fastest", min), ("median", statistics.median)]:
        print(f"{name}: openSMILE {opensmile.__version__} {of(theirs):.3f} s, ours {of(ours):.3f} s, "
              f"ratio {of(theirs) / of(ours):.2f}")


main()
