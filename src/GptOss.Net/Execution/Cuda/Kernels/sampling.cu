// Sampling where the logits are, by the rules and in the order of the host's Sampler: what every step shares. Needs common.cu.
//
// Probabilities become 64-bit fixed point (2^40 for the largest logit): integer sums do not depend on their order, so a row's token depends
// on its logits, its rules and its random number alone. Tokens more than 27.7 nats below the largest have mass 0 and are never drawn.
// No sort of the vocabulary, no float atomics.
//
//     sample_report     log-probabilities of the model's own logits, and the most probable tokens     only rows that ask for them
//     sample_adjust     penalties and biases, in place                                                only rows that have some
//     sample_scan       the largest allowed logit of each slice, and whether any logit is not finite
//     sample_histogram  2048 bins of 1/64 nat below the largest: count and mass                       only rows with top-k or top-p
//     sample_collect    the bin where top-k or top-p is reached, its tokens as candidates, and the mass of each slice above it
//     sample_choose     cuts exactly, draws in the order of token ids; greedy rows take the largest
//     sample_log        the chosen token's log-probability                                            only rows that ask for it
constexpr int Slices = 32, Bins = 2048, Candidates = 1024, MaxTop = 20;
constexpr int SliceSize = (TrueVocabulary + Slices * 4 - 1) / (Slices * 4) * 4;

// What is wanted of a row.
struct SamplingRow {
    const u32* mask;         // a bit a token, 1 = allowed; null: all
    struct Adjustment* adjustments; // at most one a token
    u64 random;              // a fraction of 2^64
    int adjustment_count;
    int flags;
    float scale;             // 1 / temperature; 0: greedy
    float top_p;             // 1: off
    float min_offset;        // how far below the largest logit a token may lie (temperature * ln(min-p)); -inf: off
    int top_k;               // 0: off
    float repetition, presence, frequency;
    int top_count;           // how many of the most probable tokens are reported, at most MaxTop
};
constexpr int ForHost = 1, WantsLog = 2; // flags; ForHost: the row's logits go to the host, nothing is sampled
struct Adjustment {
    int token;
    int count;      // in the output; 0: in the prompt only, which repetition alone regards; -1: no penalty, only a bias
    float bias;
    float original; // written: the model's own logit
};
// What came of it.
struct SampledRow {
    int token, status;
    float log_probability;
    int top_count;
    int top_tokens[MaxTop];
    float top_logs[MaxTop];
};
constexpr int Sampled = 0, LeftToHost = 1, NotFinite = 2, NothingAllowed = 3; // status

struct SliceTop {
    float top;
    int token, not_finite, pad;
};
struct RowWorkspace {
    u64 mass[Bins];
    u64 candidates[Candidates]; // rank_key
    u64 slice_mass[Slices];
    u64 best[Slices][MaxTop];
    u32 count[Bins];
    SliceTop slices[Slices];
    float2 sums[Slices]; // largest logit and sum of exponentials under it
    float log_total;
    int candidate_count;
};
struct SampleParameters {
    float* logits; // [rows][Vocabulary]
    const SamplingRow* rows;
    RowWorkspace* work;
    SampledRow* results;
    int* chosen; // [rows] the token, -1 if there is none: what the next step's tokens may refer to
};

// Ascending: the larger logit first, then the lower token.
__device__ __forceinline__ u64 rank_key(float logit, int token) {
    u32 u = __float_as_uint(logit), ordered = u & 0x80000000u ? ~u : u | 0x80000000u;
    return (u64)~ordered << 32 | (u32)token;
}
__device__ __forceinline__ float logit_of(u64 key) {
    u32 ordered = ~(u32)(key >> 32);
    return __uint_as_float(ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered);
}
__device__ __forceinline__ int bin_of(float logit, float top, float scale) { // Bins: no mass
    float d = __fmul_rn(__fmul_rn(__fsub_rn(top, logit), scale), 64.0f);
    return d < (float)Bins ? (int)d : Bins;
}
__device__ __forceinline__ u64 mass_of(float logit, float top, float scale) {
    return (u64)(exp2_approx(__fmul_rn(__fmul_rn(__fsub_rn(logit, top), scale), Log2e)) * 1099511627776.0f);
}
__device__ __forceinline__ bool is_finite(float v) { return (__float_as_uint(v) & 0x7f800000u) != 0x7f800000u; }
__device__ __forceinline__ u64 shuffle_xor(u64 v, int o) {
    u32 low = __shfl_xor_sync(0xffffffffu, (u32)v, o), high = __shfl_xor_sync(0xffffffffu, (u32)(v >> 32), o);
    return (u64)high << 32 | low;
}
__device__ __forceinline__ u64 shuffle_up(u64 v, int o) {
    u32 low = __shfl_up_sync(0xffffffffu, (u32)v, o), high = __shfl_up_sync(0xffffffffu, (u32)(v >> 32), o);
    return (u64)high << 32 | low;
}
__device__ __forceinline__ u64 warp_add(u64 v) {
    for (int o = 16; o; o /= 2) v += shuffle_xor(v, o);
    return v;
}
__device__ __forceinline__ u64 warp_min(u64 v) {
    for (int o = 16; o; o /= 2) {
        u64 other = shuffle_xor(v, o);
        if (other < v) v = other;
    }
    return v;
}
__device__ __forceinline__ bool allowed(const u32* mask, int token) { return !mask || (mask[token / 32] >> (token & 31) & 1); }
// Calls f(logit, token) for every allowed token of a slice.
template <class F> __device__ __forceinline__ void for_slice(const float* logits, const u32* mask, int slice, F f) {
    int begin = slice * SliceSize, end = min(begin + SliceSize, TrueVocabulary);
    for (int t = begin + threadIdx.x * 4; t < end; t += blockDim.x * 4) {
        float4 v = *(const float4*)(logits + t);
        u32 bits = mask ? mask[t / 32] >> (t & 31) : 15u;
        if (bits & 1) f(v.x, t);
        if (bits & 2 && t + 1 < end) f(v.y, t + 1);
        if (bits & 4 && t + 2 < end) f(v.z, t + 2);
        if (bits & 8 && t + 3 < end) f(v.w, t + 3);
    }
}
// The largest allowed logit of a row, its token, and whether all logits are finite.
__device__ __forceinline__ SliceTop row_top(const RowWorkspace& w) {
    SliceTop best = w.slices[0];
    for (int s = 1; s < Slices; s++) {
        SliceTop other = w.slices[s];
        best.not_finite |= other.not_finite;
        if (other.top > best.top) { // slices ascend by token
            best.top = other.top;
            best.token = other.token;
        }
    }
    return best;
}
__device__ __forceinline__ bool draws(const SamplingRow& row) { return !(row.flags & ForHost) && row.scale > 0; }
__device__ __forceinline__ bool truncates(const SamplingRow& row) { return draws(row) && (row.top_k > 0 || row.top_p < 1.0f); }

// ---- before: adjustments and the largest ------------------------------------------------------------------------------------------------
// grid rows, 256 threads.
extern "C" __global__ void __launch_bounds__(256) sample_adjust(const __grid_constant__ SampleParameters p) {
    wait_for_previous();
    let_next_start();
    const SamplingRow row = p.rows[blockIdx.x];
    float* logits = p.logits + (size_t)blockIdx.x * Vocabulary;
    if (row.flags & ForHost) return;
    for (int n = threadIdx.x; n < row.adjustment_count; n += 256) {
        Adjustment a = row.adjustments[n];
        float logit = logits[a.token];
        row.adjustments[n].original = logit;
        if (a.count >= 0) {
            logit = logit > 0 ? __fdiv_rn(logit, row.repetition) : __fmul_rn(logit, row.repetition);
            if (a.count > 0) logit = __fsub_rn(logit, __fadd_rn(__fmul_rn((float)a.count, row.frequency), row.presence));
        }
        logits[a.token] = __fadd_rn(logit, a.bias);
    }
}
EMULATE_KERNEL(sample_adjust)

// grid (Slices, rows), 256 threads. Also clears the row's histogram and candidates for the next steps.
extern "C" __global__ void __launch_bounds__(256) sample_scan(const __grid_constant__ SampleParameters p) {
    __shared__ u64 keys[8];
    __shared__ int bad[8];
    wait_for_previous();
    let_next_start();
    int slice = blockIdx.x, row = blockIdx.y;
    RowWorkspace& w = p.work[row];
    const SamplingRow& wanted = p.rows[row];
    if (wanted.flags & ForHost) return;
    const u32* mask = wanted.mask;
    u64 best = ~0ull;
    int not_finite = 0;
    for_slice(p.logits + (size_t)row * Vocabulary, nullptr, slice, [&](float v, int t) {
        not_finite |= !is_finite(v);
        u64 key = rank_key(v, t);
        if (key < best && allowed(mask, t)) best = key;
    });
    best = warp_min(best);
    not_finite = __any_sync(0xffffffffu, not_finite);
    if (threadIdx.x % 32 == 0) {
        keys[threadIdx.x / 32] = best;
        bad[threadIdx.x / 32] = not_finite;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        SliceTop s;
        for (int n = 1; n < 8; n++) {
            if (keys[n] < best) best = keys[n];
            not_finite |= bad[n];
        }
        s.top = best == ~0ull ? minus_infinity() : logit_of(best);
        s.token = best == ~0ull ? -1 : (int)(u32)best;
        s.not_finite = not_finite;
        s.pad = 0;
        w.slices[slice] = s;
        if (slice == 0) w.candidate_count = 0;
    }
    for (int b = threadIdx.x; b < Bins / Slices; b += 256) w.count[slice * (Bins / Slices) + b] = 0;
    for (int b = threadIdx.x; b < Bins / Slices; b += 256) w.mass[slice * (Bins / Slices) + b] = 0;
}
EMULATE_KERNEL(sample_scan)
