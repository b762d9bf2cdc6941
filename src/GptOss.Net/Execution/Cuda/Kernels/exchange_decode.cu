// Where each sequence has one token, results cross inside the kernels that need them whole, as words (wire.cu).
// Needs norm.cu, attention.cu and attention_decode.cu.
//
//     words [token][values]: an array a kind. A card tells only the other one; each of its blocks waits for the block of its own number.
struct ExchangeNormParameters {
    float* residual;  // [tokens][Hidden]
    bf16* normed;     // [tokens][Hidden]
    const float* add; // [tokens][parts][own]: added to this card's columns
    const bf16* gain;
    u64* words;       // [tokens][Hidden]
    Wire wire;
    int parts, for_experts;
    int first, own;   // this card's columns, multiples of 4
    int number;       // of this exchange in its step
};
// combine_norm on two cards. One block of 768 a token, 4 values a thread.
extern "C" __global__ void __launch_bounds__(NormWarps * 32) exchange_norm(const __grid_constant__ ExchangeNormParameters p) {
    int c = threadIdx.x * 4;
    bool live = c < Hidden, mine = live && c >= p.first && c < p.first + p.own;
    uint2 gain = live ? *(const uint2*)(p.gain + c) : make_uint2(0, 0);
    u32 number = *p.wire.number + p.number;
    wait_for_previous();
    let_next_start();
    size_t at = (size_t)blockIdx.x * Hidden + c;
    float4 v = make_float4(0, 0, 0, 0);
    if (mine) {
        const float* more = p.add + (size_t)blockIdx.x * p.parts * p.own + (c - p.first);
        v = combined(*(const float4*)(p.residual + at), (const float4*)more, p.parts, p.own / 4);
        u8* there = (u8*)(p.words + at) + p.wire.shift;
        store_words(there, __float_as_uint(v.x), __float_as_uint(v.y), number);
        store_words(there + 16, __float_as_uint(v.z), __float_as_uint(v.w), number);
    }
    uint4 w[2];
    collect(w, p.wire, number, [&](int n) -> const void* { return live && !mine ? p.words + at + 2 * n : nullptr; });
    if (live && !mine) v = make_float4(__uint_as_float(w[0].x), __uint_as_float(w[0].z), __uint_as_float(w[1].x), __uint_as_float(w[1].z));
    if (live) *(float4*)(p.residual + at) = v;
    write_normed(p.normed + (size_t)blockIdx.x * Hidden, v, gain, p.for_experts);
}
EMULATE_KERNEL(exchange_norm)

struct ExchangeMergeParameters {
    DecodeParameters decode; // out: from this card's first head on
    u64* words;              // [tokens][AttendedWidth / 2], from this card's first head on
    Wire wire;
    int to_other;            // heads from this card's first to the other's
    int number;
};
// attention_merge on two cards: a warp merges a head, tells it, and takes the other card's head of the same number.
// Grid and threads as there.
extern "C" __global__ void __launch_bounds__(128) exchange_merge(const __grid_constant__ ExchangeMergeParameters p) {
    u32 number = *p.wire.number + p.number;
    wait_for_previous();
    let_next_start();
    int sequence = blockIdx.y, head = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (!p.decode.lengths[sequence] || head >= Heads) return;
    u32 pair = merged_pair(p.decode, sequence, head);
    bf16* out = p.decode.out + (size_t)sequence * AttendedWidth + head * Dim + 2 * lane;
    u64* words = p.words + ((size_t)sequence * AttendedWidth + head * Dim) / 2 + lane;
    store_word((u8*)words + p.wire.shift, pair, number);
    *(u32*)out = pair;
    u32 other[1];
    collect_words(other, p.wire, number, [&](int) { return words + p.to_other * (Dim / 2); });
    *(u32*)(out + p.to_other * Dim) = other[0];
}
EMULATE_KERNEL(exchange_merge)

// The tokens that the first card has sampled go to the second.
struct ExchangeChosenParameters {
    int* chosen; // [rows]: the first card's, read; the second card's, written
    u64* words;  // [rows]: where they come to the second card
    Wire wire;
    u32* report; // on the host: receives whether somebody has waited too long so far
    int rows, sends;
    int number;
};
// One block.
extern "C" __global__ void __launch_bounds__(256) exchange_chosen(const __grid_constant__ ExchangeChosenParameters p) {
    u32 number = *p.wire.number + p.number;
    wait_for_previous();
    let_next_start();
    for (int row = threadIdx.x; row < p.rows; row += blockDim.x) {
        u32 v[1];
        if (p.sends) store_word(p.words + row, p.chosen[row], number);
        else {
            collect_words(v, p.wire, number, [&](int) { return p.words + row; });
            p.chosen[row] = (int)v[0];
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) store_relaxed(p.report, load_relaxed(p.wire.error));
}
EMULATE_KERNEL(exchange_chosen)
