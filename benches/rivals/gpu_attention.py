"""Times PyTorch on a GPU on the shapes of benches/gpu_attention.rs, and prints the same columns.

    python benches/rivals/gpu_attention.py [FILE]

Its flash kernel, its other fused kernels, and the published way: all scores in memory, masked, softmax, dropout. With FILE each
row is appended as a line of JSON. PyTorch 2 with CUDA.
"""

import json
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import dropout, scaled_dot_product_attention, softmax

RUNS = 20


def milliseconds(run):
    """The fastest of several runs, by the GPU's own clock."""
    for _ in range(3):
        run()
    best = float("inf")
    for _ in range(RUNS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        best = min(best, start.elapsed_time(end))
    return best


def row(name, shape, flops, run):
    try:
        found = milliseconds(run)
    except (RuntimeError, torch.OutOfMemoryError) as error:
        print(f"| {name} | {shape} | not run: {str(error).splitlines()[0]} |", flush=True)
        return
    print(f"| {name} | {shape} | {found:.3f} | {flops / found / 1e9:.1f} |", flush=True)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "a") as file:
            line = {"device": torch.cuda.get_device_name(), "what": name, "shape": shape, "seconds": found / 1e3, "flops": flops}
            file.write(json.dumps(line) + "\n")


def published(query, key, value, mask, probability):
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    return dropout(softmax(scores, dim=-1), probability) @ value


def published_mask(tokens):
    """True where a query must not look: the rule `Published` with a step of one frame."""
    place = torch.arange(tokens, device="cuda")
    speaker = place % 6 < 3
    same = place[:, None] // 6 == place[None, :] // 6
    back = (place[None, :] <= place[:, None]) & speaker[:, None] & speaker[None, :]
    return ~(same | back)


def attention(batch, heads, queries, keys, width, element):
    def random(tokens):
        return torch.randn(batch, tokens, heads, width, device="cuda", dtype=element).transpose(1, 2)

    query, key, value, direction = random(queries), random(keys), random(keys), random(queries)
    shape = f"{batch} x {heads} x {queries} x {keys} x {width} {element}"
    pairs = batch * heads * queries * keys
    forward_flops, whole_flops = 4 * pairs * width, 14 * pairs * width

    def forward(call):
        def run():
            with torch.no_grad():
                call(query, key, value)

        return run

    def both(call):
        def run():
            inputs = [tensor.detach().requires_grad_() for tensor in (query, key, value)]
            (call(*inputs) * direction).sum().backward()

        return run

    ways = []
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
        for probability in (0.0, 0.1):

            def fused(query, key, value, backend=backend, probability=probability):
                with sdpa_kernel(backend):
                    return scaled_dot_product_attention(query, key, value, dropout_p=probability)

            ways.append((f"SDPA {backend.name}, dropout {probability}", fused))
    mask = published_mask(keys)[keys - queries :]
    ways.append(("materialised, full, dropout 0.1", lambda q, k, v: published(q, k, v, None, 0.1)))
    ways.append(("materialised, published 1, dropout 0.1", lambda q, k, v: published(q, k, v, mask, 0.1)))
    for name, call in ways:
        row(f"{name}: forward", shape, forward_flops, forward(call))
        if queries == keys:
            row(f"{name}: forward, backward", shape, whole_flops, both(call))


print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}")
print("| What | Shape | ms | TFLOP/s of the full score matrix |\n| --- | --- | --- | --- |")
for element in (torch.bfloat16, torch.float16, torch.float32):
    attention(1, 12, 4501, 4501, 64, element)
    attention(1, 12, 6, 4501, 64, element)
    attention(10, 12, 6, 4501, 64, element)
