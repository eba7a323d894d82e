"""The six scores as the challenge's code computes them, timed on the inputs of `cargo bench --bench metrics`.

    pip install numpy==2.4.6 scipy==1.17.1 tslearn==0.10.0 scikit-learn==1.9.1 numba==0.68.1
    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benches/rivals/metrics.py FOLDER

Written from the formulas of the scores; the heavy parts call the same library functions as the published code
(`tslearn.metrics.dtw`, `numpy.corrcoef`). One thread, processor time. Prints the rows of the Rust bench, then JSON.
"""

import json
import sys
import time

import numpy as np
from tslearn.metrics import dtw

GROUPS = [(0, 15, 1 / 15), (15, 17, 1.0), (17, 25, 1 / 8)]
MOST_LAG = 49


def distance(prediction, listener):
    return sum(
        weight * dtw(prediction[:, first:last].astype(np.float32), listener[:, first:last].astype(np.float32))
        for first, last, weight in GROUPS
    )


def concordance(listener, prediction):
    values = []
    for column in range(25):
        x, y = listener[:, column], prediction[:, column]
        rho = np.nan_to_num(np.corrcoef(x, y)[0, 1])
        spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2 + 1e-8
        values.append(2 * rho * x.std() * y.std() / spread)
    return np.mean(values)


def synchrony(prediction, speaker):
    prediction, speaker = prediction.astype(np.float32), speaker.astype(np.float32)
    curve = []
    for lag in range(-MOST_LAG, MOST_LAG + 1):
        late, early = (prediction, speaker) if lag > 0 else (speaker, prediction)
        size = abs(lag)
        late, early = late[size:], early[: len(early) - size]
        curve.append(np.mean([np.corrcoef(late[:, c], early[:, c])[0, 1] for c in range(25)], dtype=np.float32))
    return abs(MOST_LAG - int(np.argmax(curve)))


def between(vectors):
    vectors = vectors.reshape(len(vectors), -1)
    squares = ((vectors[:, None] - vectors[None]) ** 2).sum()
    return squares / (len(vectors) * (len(vectors) - 1) * vectors.shape[1])


def timed(name, unit, count, run, runs):
    best = float("inf")
    for _ in range(runs):
        start = time.thread_time()
        result = run()
        best = min(best, time.thread_time() - start)
    millis = best * 1e3 / count
    print(f"{name:16} {millis:10.4f} ms a {unit:20} result {result:.9f}", flush=True)
    return name, millis


def main(folder):
    predictions, listeners, speakers, matrix = (
        np.load(f"{folder}/{name}.npy") for name in ["predictions", "listeners", "speakers", "appropriateness"]
    )
    np.seterr(divide="ignore", invalid="ignore")
    clips, reactions, frames = predictions.shape[:3]
    each = [(clip, reaction) for clip in range(clips) for reaction in range(reactions)]
    neighbours = [np.flatnonzero(row == 1) for row in matrix]
    pairs = sum(len(neighbours[clip]) for clip, _ in each)
    print(f"{clips} clips, {reactions} reactions, {len(neighbours[0])} neighbours, {frames} frames, one thread")
    distance(predictions[0, 0], listeners[0])  # tslearn compiles on the first call

    def over_neighbours(score, best):
        return sum(best(score(clip, reaction, j) for j in neighbours[clip]) for clip, reaction in each)

    rows = [
        timed("DTW of one clip", "pair, nothing pruned", 1, lambda: distance(predictions[0, 0], listeners[0]), 3),
        timed("FRDist", "pair", pairs,
              lambda: over_neighbours(lambda i, r, j: distance(predictions[i, r], listeners[j]), min), 1),
        timed("FRCorr", "pair", pairs,
              lambda: over_neighbours(lambda i, r, j: concordance(listeners[j], predictions[i, r]), max), 1),
        timed("FRSyn", "reaction", len(each),
              lambda: sum(synchrony(predictions[i, r], speakers[i]) for i, r in each), 1),
        timed("FRDiv", "clip", clips, lambda: sum(between(predictions[i]) for i in range(clips)), 3),
        timed("FRVar", "clip", clips,
              lambda: sum(predictions[i].var(axis=1, ddof=1).mean() for i in range(clips)), 3),
        timed("FRDvs", "all", 1,
              lambda: np.mean([between(predictions[:, r]) for r in range(reactions)]), 3),
    ]
    print(json.dumps({"milliseconds": dict(rows)}))


main(sys.argv[1])
