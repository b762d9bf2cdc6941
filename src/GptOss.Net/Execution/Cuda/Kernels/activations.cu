// What happens to hidden states between the matrices: embedding, RMSNorm with what came before added, rotation and the cache.
// Needs norm.cu.
//
//     residual [tokens][Hidden] float      normed [rows][Hidden] bf16
//     qkv      [tokens][QkvWidth] bf16: Heads q heads, KvHeads k heads, KvHeads v heads
//     cache    [block][KvHeads][Page][Dim] bf16, keys and values apart: a block of one head is 2 KB in one piece
struct EmbedParameters {
    float* residual;
    const bf16* table;   // [vocabulary][TrueHidden], as in the checkpoint
    const int* tokens;   // [tokens]; ~r: the token that row r of the step before this one chosen
    const int* chosen;  // [rows] of the step before; may be null if no token refers to it
    int vocabulary;
};
__device__ __forceinline__ int token_at(const int* tokens, const int* chosen, int at) {
    int token = tokens[at];
    return token < 0 ? chosen[~token] : token;
}
// One block of 256 a token.
extern "C" __global__ void __launch_bounds__(256) embed(const __grid_constant__ EmbedParameters p) {
    wait_for_previous();
    let_next_start();
    int token = token_at(p.tokens, p.chosen, blockIdx.x);
    // a row that was not chosen (its logits went to the host) gives -1; any embedding will do, nobody reads the result
    token = min(max(token, 0), p.vocabulary - 1);
    const bf16* row = p.table + (size_t)token * TrueHidden;
    for (int c = threadIdx.x * 4; c < Hidden; c += 1024) {
        uint2 v = c < TrueHidden ? *(const uint2*)(row + c) : make_uint2(0, 0);
        *(float4*)(p.residual + (size_t)blockIdx.x * Hidden + c) =
            make_float4(low_bf16(v.x), high_bf16(v.x), low_bf16(v.y), high_bf16(v.y));
    }
}
EMULATE_KERNEL(embed)

// residual[token] += the token's `parts` rows of `add`, summed in order first (its experts in slot order; 1: the output projection;
// 0: nothing); then RMSNorm.
struct NormParameters {
    float* residual;
    bf16* normed;     // [rows][Hidden], P64 order if `for_experts`; null: only add
    const float* add; // [tokens][parts][Hidden]
    const bf16* gain; // [Hidden]
    const int* rows;  // [rows] tokens to normalize, whose residual stays as it is; null: all
    int parts, for_experts;
};
// One block of 768 a row, 4 values a thread.
extern "C" __global__ void __launch_bounds__(NormWarps * 32) combine_norm(const __grid_constant__ NormParameters p) {
    int c = threadIdx.x * 4;
    bool live = c < Hidden;
    uint2 gain = live && p.normed ? *(const uint2*)(p.gain + c) : make_uint2(0, 0);
    wait_for_previous();
    let_next_start();
    int token = p.rows ? p.rows[blockIdx.x] : (int)blockIdx.x;
    float4 v = make_float4(0, 0, 0, 0);
    if (live) {
        float4* at = (float4*)(p.residual + (size_t)token * Hidden + c);
        v = *at;
        if (p.parts) v = combined(v, (const float4*)(p.add + (size_t)token * p.parts * Hidden + c), p.parts, Hidden / 4);
        if (p.parts && !p.rows) *at = v; // a token may be wanted by several rows
    }
    if (p.normed) write_normed(p.normed + (size_t)blockIdx.x * Hidden, v, gain, p.for_experts);
}
EMULATE_KERNEL(combine_norm)

// Rotates q in place and k into the cache, and puts v into the cache.
struct RopeParameters {
    bf16* qkv;
    bf16 *keys, *values;
    const float2* rotation; // [position][Dim / 2] (cos, sin), with YaRN's concentration in both; (1, 0) where a narrow head is padded
    const int* positions;   // [tokens]
    const int* slots;       // [tokens] block * Page + place in it; negative: nothing is stored
};
// One block of 320 a token; a thread 4 pairs (d, d + 32) of a head.
extern "C" __global__ void __launch_bounds__(320) rope_and_store(const __grid_constant__ RopeParameters p) {
    wait_for_previous();
    let_next_start();
    int token = blockIdx.x, slot = p.slots[token];
    bf16* row = p.qkv + (size_t)token * QkvWidth;
    const float2* angle = p.rotation + (size_t)p.positions[token] * (Dim / 2);
    for (int c = threadIdx.x; c < QkvWidth / 8; c += 320) {
        int head = c / 8, d = c % 8 * 4;
        uint2 low = *(const uint2*)(row + head * Dim + d), high = *(const uint2*)(row + head * Dim + 32 + d);
        if (head < Heads + KvHeads) {
            float2 t0 = rotated(low_bf16(low.x), low_bf16(high.x), angle[d]),
                   t1 = rotated(high_bf16(low.x), high_bf16(high.x), angle[d + 1]);
            float2 t2 = rotated(low_bf16(low.y), low_bf16(high.y), angle[d + 2]),
                   t3 = rotated(high_bf16(low.y), high_bf16(high.y), angle[d + 3]);
            low = make_uint2(pack_bf16(t0.x, t1.x), pack_bf16(t2.x, t3.x));
            high = make_uint2(pack_bf16(t0.y, t1.y), pack_bf16(t2.y, t3.y));
        }
        bf16* to = row + head * Dim;
        if (head >= Heads) {
            if (slot < 0) continue;
            int kv = (head - Heads) % KvHeads;
            to = (head < Heads + KvHeads ? p.keys : p.values) + (((size_t)(slot / Page) * KvHeads + kv) * Page + slot % Page) * Dim;
        }
        *(uint2*)(to + d) = low;
        *(uint2*)(to + 32 + d) = high;
    }
}
EMULATE_KERNEL(rope_and_store)

// Copies whole blocks of the cache of one layer, before anything of a step is computed.
struct CopyBlocksParameters {
    bf16 *keys, *values;
    const int2* copies; // (from, to); no block is both
};
// grid (copies, KvHeads), 128 threads: 2 KB of keys and of values each.
extern "C" __global__ void __launch_bounds__(128) copy_blocks(const __grid_constant__ CopyBlocksParameters p) {
    wait_for_previous();
    let_next_start();
    int2 copy = p.copies[blockIdx.x];
    size_t from = ((size_t)copy.x * KvHeads + blockIdx.y) * (Page * Dim / 8) + threadIdx.x,
           to = ((size_t)copy.y * KvHeads + blockIdx.y) * (Page * Dim / 8) + threadIdx.x;
    ((uint4*)p.keys)[to] = ((const uint4*)p.keys)[from];
    ((uint4*)p.values)[to] = ((const uint4*)p.values)[from];
}
EMULATE_KERNEL(copy_blocks)
