"""Times PyTorch on the shapes of benches/attention.rs and benches/blocks.rs, on two threads, or as many as asked for.

    python benches/rivals/attention.py [threads]

PyTorch 2, from PyPI. With dropout its fused attention does not run on a CPU; it falls back to materialised scores by
itself, and the same call is timed.
"""

import sys
import time

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

LEAST_SECS = 3.0
torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)


def row(name, run):
    """The fastest run, and the processor time of a run, in milliseconds."""
    run()
    clock, processor = time.perf_counter(), time.process_time()
    runs, fastest = 0, float("inf")
    while runs < 2 or time.perf_counter() - clock < LEAST_SECS:
        start = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - start)
        runs += 1
    processor = (time.process_time() - processor) / runs
    print(f"  {name:50} {fastest * 1e3:9.1f} ms, processors {processor * 1e3:9.1f} ms", flush=True)


def attention(batch, heads, tokens, width):
    print(f"{batch} x {heads} heads x {tokens} tokens x {width}")
    query, key, value, direction = (torch.randn(batch, tokens, heads, width).transpose(1, 2) for _ in range(4))
    for dropout in (0.0, 0.1):
        if dropout and heads * tokens * tokens * 4 > 1 << 29:
            continue

        def forward():
            with torch.no_grad():
                scaled_dot_product_attention(query, key, value, dropout_p=dropout)

        def both():
            inputs = [tensor.detach().requires_grad_() for tensor in (query, key, value)]
            (scaled_dot_product_attention(*inputs, dropout_p=dropout) * direction).sum().backward()

        row(f"SDPA, full, dropout {dropout}: forward", forward)
        row(f"SDPA, full, dropout {dropout}: forward, backward", both)


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.projections = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout))
        self.drop = nn.Dropout(dropout)

    def forward(self, hidden):
        batch, tokens, width = hidden.shape
        normed = self.norms[0](hidden)
        query, key, value = (
            projection(normed).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for projection in self.projections[:3]
        )
        joined = scaled_dot_product_attention(query, key, value, dropout_p=self.dropout if self.training else 0.0)
        joined = joined.transpose(1, 2).reshape(batch, tokens, width)
        hidden = hidden + self.drop(self.projections[3](joined))
        return hidden + self.mlp(self.norms[1](hidden))


def step(name, blocks, width, heads, tokens, dropout):
    print(f"{name}: {blocks} blocks, width {width}, {heads} heads, {tokens} tokens, dropout {dropout}")
    stack = nn.Sequential(*(Block(width, heads, dropout) for _ in range(blocks)))
    hidden = torch.randn(1, tokens, width)

    def run():
        stack.zero_grad()
        stack(hidden).square().mean().backward()

    row("PyTorch: forward, backward", run)


print(f"PyTorch {torch.__version__}")
attention(1, 4, 601, 24)
attention(1, 4, 901, 64)
attention(1, 12, 4501, 64)
step("demo", 3, 96, 4, 601, 0.1)
step("middle", 4, 256, 4, 901, 0.1)
step("middle", 4, 256, 4, 901, 0.0)
print("published: 1 block, width 768, 12 heads, 4501 tokens, dropout 0")
block, hidden = Block(768, 12, 0.0).eval(), torch.randn(1, 4501, 768)


def whole():
    with torch.no_grad():
        block(hidden)


row("PyTorch: forward", whole)
