"""Times PyTorch on the model and the shapes of benches/training_step.rs, on two threads, or on as many as the first argument says.

    python benches/rivals/training_step.py

PyTorch 2, from PyPI. The model is written here from the published description: six tokens a frame, shared blocks with a
bidirectional and a causal attention, four passes with a backward each, global clipping, AdamW in two groups. Attention is
PyTorch's own `scaled_dot_product_attention` with its dropout; the published code materialises the scores by hand.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional

LEAST_SECS = 3.0
DIMS = dict(expression=256, action_units=336, valence_arousal=75, pose=24, filterbank=26, functionals=120, descriptors=288)
CODES = (22, 32, 51)
DROPOUT = 0.1
ONLINE_STEP = 5
SIZES = [
    ("demo", dict(batch=4, frames=75, blocks=2, heads=2, width=64)),
    ("middle", dict(batch=1, frames=150, blocks=4, heads=4, width=256)),
]
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


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(self, hidden, mask):
        batch, tokens, width = hidden.shape
        split = lambda projection: projection(hidden).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
        drop = DROPOUT if self.training else 0.0
        joined = functional.scaled_dot_product_attention(
            split(self.query), split(self.key), split(self.value), attn_mask=mask, dropout_p=drop
        )
        joined = joined.transpose(1, 2).reshape(batch, tokens, width)
        return functional.dropout(self.output(joined), DROPOUT, self.training)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.bidirectional, self.causal = Attention(width, heads), Attention(width, heads)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, hidden, mask):
        attention = self.bidirectional if mask is None else self.causal
        hidden = hidden + attention(self.ln1(hidden), mask)
        mlp = self.narrow(functional.gelu(self.widen(self.ln2(hidden))))
        return hidden + functional.dropout(mlp, DROPOUT, self.training)


class Model(nn.Module):
    def __init__(self, frames, blocks, heads, width):
        super().__init__()
        part = width // 3
        self.face = nn.ModuleList(
            nn.Linear(DIMS[name], size)
            for name, size in zip(("expression", "action_units", "valence_arousal"), (part, part, width - 2 * part))
        )
        self.pose, self.filterbank = nn.Linear(DIMS["pose"], width), nn.Linear(DIMS["filterbank"], width)
        self.voice = nn.ModuleList(nn.Linear(DIMS[name], width // 2) for name in ("functionals", "descriptors"))
        self.codes = nn.ModuleList(nn.Embedding(count, width) for count in CODES)
        self.kinds = nn.Parameter(torch.zeros(7, width))
        self.masked, self.match = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("time", torch.randn(1, 6 * frames + 1, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.final = nn.LayerNorm(width)
        self.heads = nn.ModuleList(nn.Linear(width, count, bias=False) for count in CODES)
        self.match_head = nn.Linear(width, 2, bias=False)

    def hidden(self, speaker, listener, known, last, mask):
        drop = lambda token: functional.dropout(token, DROPOUT, self.training)
        face = torch.cat([layer(speaker[name]) for layer, name in zip(self.face, list(DIMS)[:3])], 2)
        slots = [drop(face), drop(self.pose(speaker["pose"])), drop(self.filterbank(speaker["filterbank"]))]
        slots = [slot + self.kinds[number] for number, slot in enumerate(slots)]
        for number, (table, tokens) in enumerate(zip(self.codes, listener)):
            token = drop(table(tokens))
            if known is not None:
                token = torch.where(known[:, :, number : number + 1], token, self.masked)
            slots.append(token + self.kinds[3 + number])
        tokens = torch.stack(slots, 2).flatten(1, 2)
        if last == "match":
            tokens = torch.cat([tokens, self.match.expand(len(tokens), 1, -1)], 1)
        if last == "voice":
            voice = torch.cat([layer(speaker[name]) for layer, name in zip(self.voice, ("functionals", "descriptors"))], 1)
            tokens = torch.cat([tokens, (voice + self.kinds[6])[:, None]], 1)
        tokens = tokens + self.time[:, : tokens.shape[1]]
        for block in self.blocks:
            tokens = block(tokens, mask)
        return self.final(tokens)

    def logits(self, hidden, first):
        batch, tokens, width = hidden.shape
        frames = hidden[:, : tokens // 6 * 6].view(batch, tokens // 6, 6, width)
        return [head(frames[:, :, first + number]) for number, head in enumerate(self.heads)]


def frame_causal(tokens):
    place = torch.arange(tokens)
    chunk, is_speaker = place // (6 * ONLINE_STEP), place % 6 < 3
    query, key = chunk[:, None], chunk[None]
    return torch.where(is_speaker[None], key <= query, (key < query) | ((key == query) & ~is_speaker[:, None]))


def bench(name, batch, frames, blocks, heads, width):
    print(f"{name}: batch {batch}, {frames} frames, {blocks} blocks, {heads} heads, width {width}")
    model = Model(frames, blocks, heads, width)
    speaker = {key: torch.randn(batch, frames, size) for key, size in DIMS.items()}
    speaker["functionals"], speaker["descriptors"] = speaker["functionals"][:, 0], speaker["descriptors"][:, 0]
    listener = [torch.randint(count, (batch, frames)) for count in CODES]
    known = (torch.arange(3 * frames) % 3 == 0).view(1, frames, 3).expand(batch, -1, -1)
    mask = frame_causal(6 * frames)
    decay = [parameter for parameter in model.parameters() if parameter.dim() == 2]
    rest = [parameter for parameter in model.parameters() if parameter.dim() != 2]
    groups = [dict(params=decay, weight_decay=0.01), dict(params=rest, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), eps=1e-8)
    ones, zeros = torch.ones(batch, dtype=torch.long), torch.zeros(batch, dtype=torch.long)

    def losses(logits):
        return [functional.cross_entropy(part.flatten(0, 1), tokens.flatten()) for part, tokens in zip(logits, listener)]

    def update():
        model.train()
        for target in (ones, zeros):
            last = model.hidden(speaker, listener, None, "match", None)[:, -1]
            functional.cross_entropy(model.match_head(last), target).backward()
        sum(losses(model.logits(model.hidden(speaker, listener, known, "voice", None), 3))).backward()
        (sum(losses(model.logits(model.hidden(speaker, listener, None, None, mask), 0))) / 3).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad()

    def forward():
        model.eval()
        with torch.no_grad():
            model.logits(model.hidden(speaker, listener, known, "voice", None), 3)

    row("one update: four passes, clipping, AdamW", update)
    row("one forward of the masked pass", forward)


if __name__ == "__main__":
    print(f"PyTorch {torch.__version__}")
    for name, sizes in SIZES:
        bench(name, **sizes)
