// Attention with sinks over a paged cache, grouped queries, causal, optional window. Needs common.cu. What prefill and decode share.
//
// One canonical order of arithmetic: keys in tiles of 64 (aligned to absolute positions), online softmax over the tiles of a chunk of 256
// keys, chunks merged in ascending order. A decode step that gives each chunk to another block and a prefill that walks them do the same
// operations on a row: the same bits, whatever the batch, the chunking of the prompt, or how many blocks before the window are gone.
constexpr int TileKeys = 64, ChunkKeys = 256, KeyTileBytes = TileKeys * 128;
constexpr float Masked = -1e30f; // not -inf: a tile without any key must be an exact no-op

// The block of key k of a sequence is blocks[starts[sequence] + k / Page]. Of a sliding layer the leading blocks may be gone (a start may
// be negative): only keys that some query sees may be looked up. The others of a tile are zero-filled:
// a weight of 0 times NaN of an unused block would be NaN.
struct BlockTables {
    const int* starts; // [sequences]
    const int* blocks;
};

// Which keys a query at `position` sees: (position - window, position], in chunks from the first that the window touches.
struct Span {
    int last, begin, first, chunks; // begin: a multiple of TileKeys; first: number of the first chunk
};
__device__ __forceinline__ Span span_of(int position, int window) {
    Span s;
    s.last = position;
    s.begin = max(0, position - window + 1) / TileKeys * TileKeys;
    s.first = s.begin / ChunkKeys;
    s.chunks = position / ChunkKeys - s.first + 1;
    return s;
}

struct Softmax { // rows g and g + 8 of a 16-row tile; `sum` is this thread's share
    float top[2], sum[2], out[8][4];
};
__device__ __forceinline__ void clear(Softmax& s) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
        s.top[r] = Masked;
        s.sum[r] = 0;
    }
#pragma unroll
    for (int n = 0; n < 8; n++) s.out[n][0] = s.out[n][1] = s.out[n][2] = s.out[n][3] = 0;
}

// ---- a tile of 64 keys in shared memory: [key][64], 16-byte pieces xor-swizzled by key --------------------------------------------------
__device__ __forceinline__ void scores_of(float (&score)[8][4], const u32 (&q)[4][4], const u8* keys) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < 8; n++) score[n][0] = score[n][1] = score[n][2] = score[n][3] = 0;
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int n = 0; n < 8; n += 2) {
            u32 two[4];
            load_matrix_x4(two, keys + (n * 8 + (lane >> 4) * 8 + (lane & 7)) * 128 + ((2 * k + (lane >> 3 & 1)) ^ (lane & 7)) * 16);
            mma(score[n], q[k], two[0], two[1]);
            mma(score[n + 1], q[k], two[2], two[3]);
        }
}
__device__ __forceinline__ float quad_max(float v) {
    v = max(v, __shfl_xor_sync(0xffffffffu, v, 1));
    return max(v, __shfl_xor_sync(0xffffffffu, v, 2));
}
__device__ __forceinline__ float quad_sum(float v) {
    v = __fadd_rn(v, __shfl_xor_sync(0xffffffffu, v, 1));
    return __fadd_rn(v, __shfl_xor_sync(0xffffffffu, v, 2));
}
// Turns scores into weights under `top` (in units of log 2) and adds them up: this thread's share of the row's sum.
__device__ __forceinline__ float weigh(float (&score)[8][4], int r, float top) {
    float sum = 0;
#pragma unroll
    for (int n = 0; n < 8; n++)
#pragma unroll
        for (int c = 0; c < 2; c++) {
            float weight = exp2_approx(fmaf(score[n][2 * r + c], AttentionScale * Log2e, -top));
            score[n][2 * r + c] = weight;
            sum = __fadd_rn(sum, weight);
        }
    return sum;
}
// One 16-row tile of queries against one tile of keys and values. first_key is absolute; position[r]: of the rows g and g + 8.
__device__ __forceinline__ void attend(
    Softmax& s, const u32 (&q)[4][4], const u8* keys, const u8* values, int first_key, const int (&position)[2], int window, bool edge) {
    int lane = threadIdx.x % 32, i = lane & 3;
    float score[8][4];
    scores_of(score, q, keys);
    if (edge) {
#pragma unroll
        for (int n = 0; n < 8; n++)
#pragma unroll
            for (int c = 0; c < 4; c++) {
                int key = first_key + n * 8 + 2 * i + (c & 1), at = position[c >> 1];
                if (key > at || key <= at - window) score[n][c] = minus_infinity();
            }
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float top = score[0][2 * r];
#pragma unroll
        for (int n = 0; n < 8; n++) top = max(top, max(score[n][2 * r], score[n][2 * r + 1]));
        float next = max(s.top[r], __fmul_rn(quad_max(top), AttentionScale * Log2e)), keep = exp2_approx(__fsub_rn(s.top[r], next));
        s.sum[r] = fmaf(s.sum[r], keep, weigh(score, r, next));
        s.top[r] = next;
#pragma unroll
        for (int n = 0; n < 8; n++) {
            s.out[n][2 * r] = __fmul_rn(s.out[n][2 * r], keep);
            s.out[n][2 * r + 1] = __fmul_rn(s.out[n][2 * r + 1], keep);
        }
    }
#pragma unroll
    for (int k = 0; k < 4; k++) {
        u32 weights[4] = {pack_bf16(score[2 * k][0], score[2 * k][1]), pack_bf16(score[2 * k][2], score[2 * k][3]),
            pack_bf16(score[2 * k + 1][0], score[2 * k + 1][1]), pack_bf16(score[2 * k + 1][2], score[2 * k + 1][3])};
#pragma unroll
        for (int n = 0; n < 8; n += 2) {
            u32 two[4];
            load_matrix_x4_transposed(two, values + (k * 16 + (lane & 15)) * 128 + ((n + (lane >> 4)) ^ (lane & 7)) * 16);
            mma(s.out[n], weights, two[0], two[1]);
            mma(s.out[n + 1], weights, two[2], two[3]);
        }
    }
}

// ---- chunks -----------------------------------------------------------------------------------------------------------------------------
// total <- total merged with chunk
struct Merge {
    float top, keep, add;
};
__device__ __forceinline__ Merge merge(float total_top, float chunk_top) {
    Merge m;
    m.top = max(total_top, chunk_top);
    m.keep = exp2_approx(__fsub_rn(total_top, m.top));
    m.add = exp2_approx(__fsub_rn(chunk_top, m.top));
    return m;
}
__device__ __forceinline__ float merged(const Merge& m, float total, float chunk) { return fmaf(total, m.keep, __fmul_rn(chunk, m.add)); }
// The factor that turns the merged output into attention's; the sink takes part in the denominator, once.
__device__ __forceinline__ float sink_factor(float top, float sum, float sink) {
    float sink_log2 = __fmul_rn(sink, Log2e), m = max(top, sink_log2), keep = exp2_approx(__fsub_rn(top, m));
    return __fdiv_rn(keep, fmaf(sum, keep, exp2_approx(__fsub_rn(sink_log2, m))));
}
