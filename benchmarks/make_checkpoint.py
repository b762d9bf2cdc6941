#!/usr/bin/env python3
"""Writes a gpt-oss checkpoint of the 20b's shapes with random weights, in the published layout (MXFP4 experts, the rest bfloat16).

    python3 benchmarks/make_checkpoint.py FOLDER [--layers 24] [--experts 32] [--seed 0] [--empty]

24 layers are 13.8 GB, 4 layers 4.4 GB; 36 layers of 128 experts are the shapes of the 120b. What it says is noise: it is for
loading, memory and speed. Draws with PyTorch, on the GPU where there is one; without PyTorch some million values are drawn of each kind,
and repeated. With --empty the values are holes that take no room on the disk: enough for a plan (ConsoleChat --plan).
"""
import argparse
import array
import json
import math
import pathlib
import random
import struct

try:
    import torch
except ImportError:
    torch = None

HIDDEN = INTERMEDIATE = 2880
VOCABULARY, HEADS, KV_HEADS, HEAD_DIM = 201088, 64, 8, 64
TYPES = {'BF16': 2, 'U8': 1}
DEVICE = 'cuda' if torch and torch.cuda.is_available() else 'cpu'


class Repeated:
    """Values that were drawn once, over and over: their number is odd, so that rows and experts differ."""

    def __init__(self, drawn):
        self.drawn = drawn

    def write(self, file, size):
        for _ in range(size // len(self.drawn)):
            file.write(self.drawn)
        file.write(self.drawn[:size % len(self.drawn)])


def repeated_normal(std, mean, seed=random.Random(0), drawn={}):
    if (std, mean) not in drawn:
        singles = array.array('f', (seed.gauss(mean, std) for _ in range((1 << 20) + 7)))
        drawn[std, mean] = Repeated(array.array('H', array.array('H', singles.tobytes())[1::2]).tobytes())  # the upper halves: bfloat16
    return drawn[std, mean]


def repeated_integers(low, high, seed=random.Random(0), drawn={}):
    if (low, high) not in drawn:
        drawn[low, high] = Repeated(bytes(low + byte % (high - low) for byte in seed.randbytes((1 << 24) + 13)))
    return drawn[low, high]


def normal(std, mean=0.0):
    if torch is None:
        return 'BF16', lambda count, generator: repeated_normal(std, mean)

    def draw(count, generator):
        return torch.empty(count, dtype=torch.bfloat16, device=DEVICE).normal_(mean, std, generator=generator).view(torch.uint8)
    return 'BF16', draw


def integers(low, high):
    if torch is None:
        return 'U8', lambda count, generator: repeated_integers(low, high)
    return 'U8', lambda count, generator: torch.randint(low, high, (count,), dtype=torch.uint8, device=DEVICE, generator=generator)


def layer(index, expert_count):
    """(name, shape, (type, draw)) of the tensors of a transformer block."""
    block = f'model.layers.{index}.'
    attention, experts = block + 'self_attn.', block + 'mlp.experts.'
    query, key = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    yield block + 'input_layernorm.weight', (HIDDEN,), normal(.05, 1)
    for name, rows in (('q', query), ('k', key), ('v', key)):
        yield f'{attention}{name}_proj.weight', (rows, HIDDEN), normal(.02)
        yield f'{attention}{name}_proj.bias', (rows,), normal(.1)
    yield attention + 'o_proj.weight', (HIDDEN, query), normal(.02)
    yield attention + 'o_proj.bias', (HIDDEN,), normal(.1)
    yield attention + 'sinks', (HEADS,), normal(1)
    yield block + 'post_attention_layernorm.weight', (HIDDEN,), normal(.05, 1)
    yield block + 'mlp.router.weight', (expert_count, HIDDEN), normal(.02)
    yield block + 'mlp.router.bias', (expert_count,), normal(.1)
    for name, rows, columns in (('gate_up', 2 * INTERMEDIATE, HIDDEN), ('down', HIDDEN, INTERMEDIATE)):
        yield f'{experts}{name}_proj_blocks', (expert_count, rows, columns // 32, 16), integers(0, 256)
        yield f'{experts}{name}_proj_scales', (expert_count, rows, columns // 32), integers(118, 121)
        yield f'{experts}{name}_proj_bias', (expert_count, rows), normal(.1)


def write_shard(path, tensors, generator):
    header, offset = {}, 0
    for name, shape, (kind, _) in tensors:
        size = math.prod(shape) * TYPES[kind]
        header[name] = dict(dtype=kind, shape=list(shape), data_offsets=[offset, offset + size])
        offset += size
    text = json.dumps({'__metadata__': {'format': 'pt'}, **header}).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        if generator is None:
            file.truncate(file.tell() + offset)
            return offset
        for _, shape, (kind, draw) in tensors:
            values, size = draw(math.prod(shape), generator), math.prod(shape) * TYPES[kind]
            if torch is None:
                values.write(file, size)
            else:
                file.write(values.cpu().numpy().data)
    return offset


def config(layers, expert_count):
    return {
        'architectures': ['GptOssForCausalLM'], 'attention_bias': True, 'eos_token_id': 200002, 'experts_per_token': 4,
        'head_dim': HEAD_DIM, 'hidden_act': 'silu', 'hidden_size': HIDDEN, 'initial_context_length': 4096,
        'intermediate_size': INTERMEDIATE, 'layer_types': ['full_attention' if i % 2 else 'sliding_attention' for i in range(layers)],
        'max_position_embeddings': 131072, 'model_type': 'gpt_oss', 'num_attention_heads': HEADS, 'num_experts_per_tok': 4,
        'num_hidden_layers': layers, 'num_key_value_heads': KV_HEADS, 'num_local_experts': expert_count, 'pad_token_id': 199999,
        'rms_norm_eps': 1e-05, 'rope_theta': 150000, 'rope_scaling': {
            'beta_fast': 32.0, 'beta_slow': 1.0, 'factor': 32.0, 'original_max_position_embeddings': 4096, 'rope_type': 'yarn',
            'truncate': False},
        'quantization_config': {'quant_method': 'mxfp4', 'modules_to_not_convert': [
            'model.layers.*.self_attn', 'model.layers.*.mlp.router', 'model.embed_tokens', 'lm_head']},
        'sliding_window': 128, 'swiglu_limit': 7.0, 'tie_word_embeddings': False, 'torch_dtype': 'bfloat16', 'vocab_size': VOCABULARY,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--layers', type=int, default=24)
    parser.add_argument('--experts', type=int, default=32)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--empty', action='store_true')
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    generator = None if arguments.empty else torch.Generator(DEVICE).manual_seed(arguments.seed) if torch else random

    shards = [[('model.embed_tokens.weight', (VOCABULARY, HIDDEN), normal(1))]]
    shards += [list(layer(i, arguments.experts)) for i in range(arguments.layers)]
    shards += [[('model.norm.weight', (HIDDEN,), normal(.05, 1)), ('lm_head.weight', (VOCABULARY, HIDDEN), normal(.02))]]
    names = [f'model-{i:05d}-of-{len(shards) - 1:05d}.safetensors' for i in range(len(shards))]
    total = sum(write_shard(arguments.folder / name, shard, generator) for name, shard in zip(names, shards))
    index = {tensor: name for name, shard in zip(names, shards) for tensor, _, _ in shard}
    (arguments.folder / 'model.safetensors.index.json').write_text(json.dumps({'metadata': {'total_size': total}, 'weight_map': index}))
    (arguments.folder / 'config.json').write_text(json.dumps(config(arguments.layers, arguments.experts), indent=2))
    print(f'{len(index)} tensors, {total / 1e9:.2f} GB in {arguments.folder}')


if __name__ == '__main__':
    main()
