// One or two tokens through a layer: rotation, the cache and attention in one kernel.
// Needs stream.cu (dense_place), attention.cu and wire.cu.
//
// 8 warps, one chunk of 256 keys of one KV head, in the order of attention.cu but shared out: a warp has the scores of one tile of 64 keys,
// the warps exchange the tiles' maxima, and then a warp has 16 dimensions of the output over all tiles.
// The last chunk's block of a KV head merges, a warp a head.
//
//     shared memory: [4 tiles][keys 8 KB, values 8 KB]
//
// The new key and value go straight into the tile and to the cache: all other keys can then be asked for before the wait.
constexpr int TilePairBytes = 2 * KeyTileBytes, LayeredPartialWords = 66;
struct LayeredAttentionParameters {
    // [B][AttendedWidth * 4 bytes], in the order of dense_place: a pair of values, then zeros; between two cards the step's number instead
    u8* att;
    float* partial; // [B][Heads][partial_chunks][66] float: top, sum, out[64]
    u32* counters;  // [B][KvHeads] zeros, left as zeros
    const bf16* qkv;
    bf16 *keys, *values;
    BlockTables tables;
    const int* lengths; // [B] keys, the new one included
    const float2* rotation;
    const bf16* sinks;
    int partial_chunks, window, sequences;
    Wire wire; // between two cards
};
__device__ __forceinline__ void put_attended(const LayeredAttentionParameters& p, u32 number, int sequence, int k, u32 pair) {
    u8* at = p.att + (size_t)sequence * (AttendedWidth * 4) + dense_place(k);
    if (p.wire.number) tell(p.wire, at, pair, number);
    else *(uint2*)at = make_uint2(pair, 0);
}
// What a block has: a chunk of a KV head of a sequence.
struct Unit {
    int sequence, head, chunk, from, to_key, tiles, block, newest_block;
    Span span;
    __device__ __forceinline__ Unit(const LayeredAttentionParameters& p) {
        int u = blockIdx.x, lane = threadIdx.x % 32;
        head = u % KvHeads;
        sequence = u / KvHeads % p.sequences;
        chunk = u / KvHeads / p.sequences;
        span = span_of(p.lengths[sequence] - 1, p.window);
        int c = span.first + chunk;
        from = max(span.begin, c * ChunkKeys);
        to_key = min(span.last, c * ChunkKeys + ChunkKeys - 1);
        tiles = chunk < span.chunks ? (to_key - from) / TileKeys + 1 : 0;
        const int* blocks = p.tables.blocks + p.tables.starts[sequence];
        int key = from + lane * Page;
        bool mine = tiles && lane < ChunkKeys / Page && key <= to_key && key + Page - 1 > span.last - p.window;
        block = mine ? blocks[key / Page] : -1;
        newest_block = blocks[span.last / Page];
    }
    // Half of a tile: keys, or values 8 KB on; all but the new token's.
    __device__ __forceinline__ void load_half(const LayeredAttentionParameters& p, int tile, int half, u8* to) const {
        int lane = threadIdx.x % 32;
        const bf16* cache = half ? p.values : p.keys;
        to += half * KeyTileBytes;
#pragma unroll
        for (int n = 0; n < 16; n++) {
            int in_tile = n * 4 + lane / 8, piece = lane % 8, key = from + tile * TileKeys + in_tile;
            int at = __shfl_sync(0xffffffffu, block, tile * (TileKeys / Page) + n / 4);
            bool valid = at >= 0 && key <= to_key && key != span.last;
            copy_async_16(to + in_tile * 128 + (piece ^ (in_tile & 7)) * 16,
                cache + (valid ? (((size_t)at * KvHeads + head) * Page + key % Page) * Dim + piece * 8 : 0), valid);
        }
    }
};
// Two neighbouring pairs (x of d, y of d + 32), each in a bf16x2.
__device__ __forceinline__ void rotate_pairs(u32 x, u32 y, const float2* angle, u32& low, u32& high) {
    float2 first = rotated(low_bf16(x), low_bf16(y), angle[0]), second = rotated(high_bf16(x), high_bf16(y), angle[1]);
    low = pack_bf16(first.x, second.x);
    high = pack_bf16(first.y, second.y);
}
// One warp, one head: its chunks in ascending order.
__device__ __forceinline__ void merge_head(const LayeredAttentionParameters& p, u32 number, int sequence, int head, int chunks) {
    int lane = threadIdx.x % 32;
    const float* from = p.partial + ((size_t)sequence * Heads + head) * p.partial_chunks * LayeredPartialWords;
    float top = Masked, sum = 0, a = 0, b = 0, sink = bf16_to_float(p.sinks[head]);
    for (int at = 0; at < chunks; at += 16) { // 16 loads at once: their latency is most of the time
        float2 head_of[16], pair[16];
#pragma unroll
        for (int c = 0; c < 16; c++)
            if (at + c < chunks) {
                head_of[c] = load_cg_float2(from + (at + c) * LayeredPartialWords);
                pair[c] = load_cg_float2(from + (at + c) * LayeredPartialWords + 2 + 2 * lane);
            }
#pragma unroll
        for (int c = 0; c < 16; c++)
            if (at + c < chunks) {
                Merge m = merge(top, head_of[c].x);
                top = m.top;
                sum = merged(m, sum, head_of[c].y);
                a = merged(m, a, pair[c].x);
                b = merged(m, b, pair[c].y);
            }
    }
    float factor = sink_factor(top, sum, sink);
    put_attended(p, number, sequence, head * Dim + 2 * lane, pack_bf16(__fmul_rn(a, factor), __fmul_rn(b, factor)));
}
// grid chunks * sequences * KvHeads, 256 threads; blocks without keys leave.
extern "C" __global__ void __launch_bounds__(256) layered_attention(const __grid_constant__ LayeredAttentionParameters p) {
    DYNAMIC_SHARED(u8, shared);
    __shared__ int last;
    __shared__ float tops[4][8], sums[4][32];
    __shared__ uint2 weights[4][4][32];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3;
    Unit u(p);
    for (int t = warp; t < u.tiles * 2; t += 8) u.load_half(p, t / 2, t % 2, shared + t / 2 * TilePairBytes);
    copy_async_commit();
    const float2* angle = p.rotation + (size_t)u.span.last * (Dim / 2);
    int head = u.head * Group + g;
    bool has_head = g < Group;
    float sink = has_head ? bf16_to_float(p.sinks[head]) : 0;
    u32 number = p.wire.number ? *p.wire.number : 0;
    wait_for_previous();
    let_next_start();
    if (!u.tiles) return;
    const bf16* row = p.qkv + (size_t)u.sequence * QkvWidth;
    u8* tile = shared + warp * TilePairBytes;
    float score[8][4];
    bool scores = warp < u.tiles, newest = u.chunk == u.span.chunks - 1 && warp == u.tiles - 1;
    u32 fragments[4][4], value = 0;
    uint2 fresh = make_uint2(0, 0);
    if (scores) {
        const bf16 *q = row + head * Dim, *k_new = row + QueryWidth + u.head * Dim, *v_new = row + QueryWidth + (KvHeads + u.head) * Dim;
#pragma unroll
        for (int k = 0; k < 2; k++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int d = 16 * k + 8 * h + 2 * i;
                fragments[k][2 * h] = fragments[k + 2][2 * h] = fragments[k][2 * h + 1] = fragments[k + 2][2 * h + 1] = 0;
                if (has_head) rotate_pairs(load_cg4(q + d), load_cg4(q + 32 + d), angle + d, fragments[k][2 * h], fragments[k + 2][2 * h]);
            }
        if (newest) {
            if (lane < 16) rotate_pairs(load_cg4(k_new + 2 * lane), load_cg4(k_new + 32 + 2 * lane), angle + 2 * lane, fresh.x, fresh.y);
            value = load_cg4(v_new + 2 * lane);
        }
    }
    copy_async_wait<0>();
    __syncthreads();
    if (newest) {
        int in_tile = u.span.last % TileKeys;
        u8* to = tile + in_tile * 128;
        size_t place = (((size_t)u.newest_block * KvHeads + u.head) * Page + u.span.last % Page) * Dim;
        if (lane < 16) {
            *(u32*)(to + (lane / 4 ^ (in_tile & 7)) * 16 + lane % 4 * 4) = fresh.x;
            *(u32*)(to + ((4 + lane / 4) ^ (in_tile & 7)) * 16 + lane % 4 * 4) = fresh.y;
            *(u32*)(p.keys + place + 2 * lane) = fresh.x;
            *(u32*)(p.keys + place + 32 + 2 * lane) = fresh.y;
        }
        *(u32*)(to + KeyTileBytes + (lane / 4 ^ (in_tile & 7)) * 16 + lane % 4 * 4) = value;
        *(u32*)(p.values + place + 2 * lane) = value;
        __syncwarp();
    }
    if (scores) {
        int first = u.from + warp * TileKeys;
        scores_of(score, fragments, tile);
        if (first + TileKeys > u.span.last || first <= u.span.last - p.window) {
#pragma unroll
            for (int n = 0; n < 8; n++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    int key = first + n * 8 + 2 * i + c;
                    if (key > u.span.last || key <= u.span.last - p.window) score[n][c] = minus_infinity();
                }
        }
        float top = score[0][0];
#pragma unroll
        for (int n = 0; n < 8; n++) top = max(top, max(score[n][0], score[n][1]));
        top = quad_max(top);
        if (i == 0) tops[warp][g] = top;
    }
    __syncthreads();
    float highest[4], keep[4], up_to = Masked; // of each tile, and what it leaves of those before it
#pragma unroll
    for (int t = 0; t < 4; t++)
        if (t < u.tiles) {
            highest[t] = max(up_to, __fmul_rn(tops[t][g], AttentionScale * Log2e));
            keep[t] = exp2_approx(__fsub_rn(up_to, highest[t]));
            up_to = highest[t];
        }
    if (scores) {
        float own = Masked;
#pragma unroll
        for (int t = 0; t < 4; t++)
            if (t == warp) own = highest[t];
        sums[warp][lane] = weigh(score, 0, own);
#pragma unroll
        for (int k = 0; k < 4; k++)
            weights[warp][k][lane] =
                make_uint2(pack_bf16(score[2 * k][0], score[2 * k][1]), pack_bf16(score[2 * k + 1][0], score[2 * k + 1][1]));
    }
    __syncthreads();
    if (warp < 4) {
        float out[2][4], sum = 0;
        int n = warp * 2;
#pragma unroll
        for (int c = 0; c < 4; c++) out[0][c] = out[1][c] = 0;
#pragma unroll
        for (int t = 0; t < 4; t++)
            if (t < u.tiles) {
                const u8* v = shared + t * TilePairBytes + KeyTileBytes;
                sum = fmaf(sum, keep[t], sums[t][lane]);
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    out[0][c] = __fmul_rn(out[0][c], keep[t]);
                    out[1][c] = __fmul_rn(out[1][c], keep[t]);
                }
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    uint2 w = weights[t][k][lane];
                    u32 two[4];
                    load_matrix_x4_transposed(two, v + (k * 16 + (lane & 15)) * 128 + ((n + (lane >> 4)) ^ (lane & 7)) * 16);
                    mma(out[0], w.x, 0, w.y, 0, two[0], two[1]);
                    mma(out[1], w.x, 0, w.y, 0, two[2], two[3]);
                }
            }
        sum = quad_sum(sum);
        if (has_head && u.span.chunks == 1) {
            Merge m = merge(Masked, up_to);
            float factor = sink_factor(m.top, merged(m, 0, sum), sink);
#pragma unroll
            for (int d = 0; d < 2; d++)
                put_attended(p, number, u.sequence, head * Dim + (n + d) * 8 + 2 * i,
                    pack_bf16(__fmul_rn(merged(m, 0, out[d][0]), factor), __fmul_rn(merged(m, 0, out[d][1]), factor)));
        } else if (has_head) {
            float* to = p.partial + (((size_t)u.sequence * Heads + head) * p.partial_chunks + u.chunk) * LayeredPartialWords;
            if (warp == 0 && i == 0) *(float2*)to = make_float2(up_to, sum);
#pragma unroll
            for (int d = 0; d < 2; d++) *(float2*)(to + 2 + (n + d) * 8 + 2 * i) = make_float2(out[d][0], out[d][1]);
        }
    }
    if (u.span.chunks == 1) return;
    __syncthreads();
    if (threadIdx.x == 0) {
        u32* counter = p.counters + u.sequence * KvHeads + u.head;
        last = add_acq_rel(counter) == (u32)u.span.chunks - 1;
        if (last) *counter = 0;
    }
    __syncthreads();
    if (last && warp < Group) merge_head(p, number, u.sequence, u.head * Group + warp, u.span.chunks);
}
EMULATE_KERNEL(layered_attention)
