"""Writes each feature network in the container in which its publisher offers it, filled by the golden rule.

python3 publish_networks.py FOLDER BLOCKS

EfficientNet-B2 is a whole pickled module of timm; the others are dictionaries as PyTorch saves them, ResMasking in the
stream of 2019. The video network has BLOCKS blocks. Needs PyTorch and timm; the state dictionaries are made from shapes
alone, so the publishers' code is not needed.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import timm
import torch

SEED = "unifr-a"
GAINS = {"resmasking": 0.9, "mefarg": 1.0, "efficientnet_b2": 1.5, "videomae_giant": 1.0}
NORM = ("weight", "bias", "running_mean", "running_var")


def stream(name, count):
    """Numbers in [-1, 1): splitmix64 from the FNV-1a hash of the name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.int64) - 2**23) / 2.0**23


def filled(network, key, shape):
    if key.endswith("running_var"):
        mean, scale = 1.0, 0.5
    elif key.endswith("running_mean"):
        mean, scale = 0.0, 0.1
    elif key.endswith("relative_position_bias_table"):
        mean, scale = 0.0, 0.5
    elif len(shape) >= 2:
        gain = 0.3 if network == "efficientnet_b2" and ".se." in key else GAINS[network]
        mean, scale = 0.0, gain * np.sqrt(3.0 / np.prod(shape[1:]))
    else:
        mean, scale = (1.0 if key.split(".")[-1] == "weight" else 0.0), 0.1
    values = mean + scale * stream(f"{SEED}/w/{network}/{key}", int(np.prod(shape)))
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


class State(OrderedDict):
    """Collects the entries of one network."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def add(self, key, *shape):
        self[key] = filled(self.network, key, shape)

    def layer(self, key, out, *inputs, bias=True):
        self.add(f"{key}.weight", out, *inputs)
        if bias:
            self.add(f"{key}.bias", out)

    def batch_norm(self, key, channels):
        for part in NORM:
            self.add(f"{key}.{part}", channels)
        self[f"{key}.num_batches_tracked"] = torch.tensor(0)

    def plain(self):
        return OrderedDict(self)


def resmasking():
    state = State("resmasking")

    def block(key, inputs, out, changes):
        state.layer(f"{key}.conv1", out, inputs, 3, 3, bias=False)
        state.batch_norm(f"{key}.bn1", out)
        state.layer(f"{key}.conv2", out, out, 3, 3, bias=False)
        state.batch_norm(f"{key}.bn2", out)
        if changes:
            state.layer(f"{key}.downsample.0", out, inputs, 1, 1, bias=False)
            state.batch_norm(f"{key}.downsample.1", out)

    state.layer("conv1", 64, 3, 7, 7, bias=False)
    state.batch_norm("bn1", 64)
    for stage, count in enumerate((3, 4, 6, 3)):
        out = 64 << stage
        for number in range(count):
            first = stage > 0 and number == 0
            block(f"layer{stage + 1}.{number}", out // 2 if first else out, out, first)
        mask, depth = f"mask{stage + 1}", 4 - stage
        width = [out << level for level in range(depth + 1)]
        convs = [(width[n - 1], width[n]) for n in range(1, depth + 1)]
        convs += [(width[n], width[n - 1]) for n in range(depth, 0, -1)]
        for number, (inputs, outputs) in enumerate(convs, 1):
            block(f"{mask}.conv{number}", inputs, outputs, True)
            for part in ("0.weight", *(f"1.{name}" for name in NORM)):
                state[f"{mask}.downsample{number}.{part}"] = state[f"{mask}.conv{number}.downsample.{part}"]
        for number in range(depth, 1, -1):
            key = f"{mask}.up_pool{2 * depth + 1 - number}"
            state.add(f"{key}.0.weight", width[number], width[number - 1], 2, 2)
            state.add(f"{key}.0.bias", width[number - 1])
            state.batch_norm(f"{key}.1", width[number - 1])
    state.layer("fc.1", 7, 512)
    return state.plain()


def mefarg():
    state = State("mefarg")

    def norm(key, channels):
        state.layer(key, channels)

    state.layer("backbone.patch_embed.proj", 128, 3, 4, 4)
    norm("backbone.patch_embed.norm", 128)
    for stage, (count, heads) in enumerate(zip((2, 2, 18, 2), (4, 8, 16, 32))):
        width = 128 << stage
        for number in range(count):
            key = f"backbone.layers.{stage}.blocks.{number}"
            if stage < 3 and number % 2:
                state[f"{key}.attn_mask"] = torch.zeros((56 >> stage) ** 2 // 49, 49, 49)
            norm(f"{key}.norm1", width)
            state.add(f"{key}.attn.relative_position_bias_table", 169, heads)
            state[f"{key}.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.int64)
            state.layer(f"{key}.attn.qkv", 3 * width, width)
            state.layer(f"{key}.attn.proj", width, width)
            norm(f"{key}.norm2", width)
            state.layer(f"{key}.mlp.fc1", 4 * width, width)
            state.layer(f"{key}.mlp.fc2", width, 4 * width)
        if stage < 3:
            state.layer(f"backbone.layers.{stage}.downsample.reduction", 2 * width, 4 * width, bias=False)
            norm(f"backbone.layers.{stage}.downsample.norm", 4 * width)
    norm("backbone.norm", 1024)
    state.layer("global_linear.fc", 512, 1024)
    state.batch_norm("global_linear.bn", 512)
    state.add("head.sc", 12, 512)
    return OrderedDict((f"module.{key}", value) for key, value in state.items())


def efficientnet():
    model = timm.create_model("tf_efficientnet_b2", pretrained=False)
    model.classifier = torch.nn.Sequential(torch.nn.Linear(1408, 8))
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                value.copy_(filled("efficientnet_b2", key, tuple(value.shape)))
    return model.eval()


def videomae(blocks):
    state = State("videomae_giant")
    state.layer("patch_embed.proj", 1408, 3, 2, 14, 14)
    for number in range(blocks):
        key = f"blocks.{number}"
        state.layer(f"{key}.norm1", 1408)
        state.add(f"{key}.attn.q_bias", 1408)
        state.add(f"{key}.attn.v_bias", 1408)
        state.layer(f"{key}.attn.qkv", 4224, 1408, bias=False)
        state.layer(f"{key}.attn.proj", 1408, 1408)
        state.layer(f"{key}.norm2", 1408)
        state.layer(f"{key}.mlp.fc1", 6144, 1408)
        state.layer(f"{key}.mlp.fc2", 1408, 6144)
    state.layer("fc_norm", 1408)
    state.layer("head", 710, 1408)
    return state.plain()


def save(state, path, **options):
    """Into an open file, so that the archive inside is named `archive`, as in checkpoints of the publishers' time."""
    with open(path, "wb") as file:
        torch.save(state, file, **options)


def main():
    folder, blocks = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    state = {"net": resmasking(), "best_acc": 74.1, "epoch": 12}
    name = "Z_resmasking_dropout1_rot30_2019Nov30_13.32"
    save(state, folder / name, _use_new_zipfile_serialization=False)
    save({"epoch": 3, "state_dict": mefarg()}, folder / "MEFARG_swin_base_BP4D.pth")
    save(efficientnet(), folder / "enet_b2_8_best.pt")
    save({"model": videomae(blocks)}, folder / "vit_g_hybrid_pt_1200e_k710_ft.pth")


if __name__ == "__main__":
    main()
