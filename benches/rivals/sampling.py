"""Times PyTorch's sort-based top-k and top-p on the shapes of benches/sampling.rs, on a GPU if there is one.

    python benches/rivals/sampling.py [threads]

PyTorch 2, from PyPI; the steps are those of the published `sample`: topk, sort, softmax, cumsum, scatter, softmax, multinomial.
"""

import sys
import time

import torch

FRAMES, VOCABULARIES = 750, (5976, 8000, 2710)
FILTERS = {"top 5, p 0.05": (0.912, 5, 0.05), "top 5": (0.33, 5, 1.0), "p 0.33": (1.0, 0, 0.33), "open": (1.0, 0, 1.0)}
LEAST_SECS = 3.0


def sample(logits, temperature, top_k, top_p):
    logits = logits / temperature
    if top_k > 0:
        threshold = torch.topk(logits, min(top_k, logits.shape[-1]))[0][..., -1:]
        logits = logits.masked_fill(logits < threshold, -float("inf"))
    if top_p < 1.0:
        ordered, places = torch.sort(logits, descending=True)
        removed = torch.cumsum(torch.softmax(ordered, dim=-1), dim=-1) > top_p
        removed[..., 1:] = removed[..., :-1].clone()
        removed[..., 0] = False
        logits = logits.masked_fill(removed.scatter(-1, places, removed), -float("inf"))
    probabilities = torch.softmax(logits, dim=-1)
    tokens = torch.multinomial(probabilities, 1)
    return tokens, probabilities.gather(-1, tokens)


def row(name, device, run):
    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    run(), wait()
    clock, processor, runs, fastest = time.perf_counter(), time.process_time(), 0, float("inf")
    while runs < 2 or time.perf_counter() - clock < LEAST_SECS:
        start = time.perf_counter()
        run(), wait()
        fastest = min(fastest, time.perf_counter() - start)
        runs += 1
    processor = (time.process_time() - processor) / runs
    print(f"  {name:50} {fastest * 1e3:9.3f} ms, processors {processor * 1e3:9.1f} ms", flush=True)


torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
device = "cuda" if torch.cuda.is_available() else "cpu"
print(f"{device}: {FRAMES} rows of {VOCABULARIES} tokens, PyTorch {torch.__version__}")
logits = [3 * torch.randn(FRAMES, vocabulary, device=device) for vocabulary in VOCABULARIES]
with torch.no_grad():
    for name, numbers in FILTERS.items():
        row(name, device, lambda: [sample(part, *numbers) for part in logits])
