// Attention of sequences with several new tokens, which read the cache only (rope_and_store has put their own keys there).
// Needs attention.cu.
//
// A block has 128 rows = PrefillTokens tokens x Group heads of one KV head, 16 rows a warp,
// so that keys and values are read once for all of them:
//
//     row 16 warp + m: token (16 warp + m) / Group, head (16 warp + m) % Group
//
// The running total over chunks lies in shared memory, [36][256] words that belong to one thread each,
// which leaves registers for two blocks.
constexpr int PrefillTokens = 128 / Group;
struct PrefillParameters {
    bf16* out;        // [tokens][AttendedWidth]
    const bf16* qkv;  // [tokens][QkvWidth], q rotated
    const bf16 *keys, *values;
    BlockTables tables;
    const bf16* sinks; // [Heads]
    const int4* tiles; // (sequence, first token in the batch, its position, how many tokens: at most PrefillTokens); the longest last
    int window;        // larger than any position: none
};
// grid (tiles, KvHeads), 256 threads. Shared memory: Stages * 16 KB + 36 KB.
template <int Stages> __device__ __forceinline__ void prefill(const PrefillParameters& p) {
    wait_for_previous();
    let_next_start();
    DYNAMIC_SHARED(u8, shared);
    float* total = (float*)(shared + Stages * 2 * KeyTileBytes);
    int4 tile = p.tiles[gridDim.x - 1 - blockIdx.x]; // long ones first
    int head = blockIdx.y, thread = threadIdx.x, lane = thread % 32, warp = thread / 32, g = lane >> 2, i = lane & 3;
    const int* blocks = p.tables.blocks + p.tables.starts[tile.x];
    int last = tile.z + tile.w - 1, begin = max(0, tile.z - p.window + 1) / TileKeys * TileKeys, count = (last - begin) / TileKeys + 1;
    u32 fragments[4][4];
    int position[2], token[2], own_head[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        int row = warp * 16 + r * 8 + g;
        token[r] = row / Group;
        own_head[r] = head * Group + row % Group;
        position[r] = tile.z + token[r];
        const bf16* q = p.qkv + (size_t)(tile.y + token[r]) * QkvWidth + own_head[r] * Dim;
        bool live = token[r] < tile.w;
#pragma unroll
        for (int k = 0; k < 4; k++) {
            fragments[k][r] = live ? *(const u32*)(q + k * 16 + 2 * i) : 0;
            fragments[k][r + 2] = live ? *(const u32*)(q + k * 16 + 8 + 2 * i) : 0;
        }
    }
    // A thread copies 16 bytes of keys thread / 8 and thread / 8 + 32, of K and of V;
    // the blocks of the next tile are looked up a step ahead.
    int own = thread / 8, piece = thread % 8, next_block[2];
    bool next_valid[2];
    auto look_up = [&](int step) {
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int key = begin + step * TileKeys + own + h * 32;
            next_valid[h] = key <= last && key > tile.z - p.window;
            next_block[h] = next_valid[h] ? blocks[key / Page] : 0;
        }
    };
    auto load = [&](int step) {
        u8* stage = shared + step % Stages * 2 * KeyTileBytes;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int in_tile = own + h * 32, key = begin + step * TileKeys + in_tile;
            size_t from = (((size_t)next_block[h] * KvHeads + head) * Page + key % Page) * Dim + piece * 8;
            copy_async_16(stage + in_tile * 128 + (piece ^ (in_tile & 7)) * 16, p.keys + from, next_valid[h]);
            copy_async_16(stage + KeyTileBytes + in_tile * 128 + (piece ^ (in_tile & 7)) * 16, p.values + from, next_valid[h]);
        }
        look_up(step + 1);
    };
    Softmax s;
    clear(s);
    for (int n = 0; n < 36; n++) total[n * 256 + thread] = n < 2 ? Masked : 0;
    look_up(0);
#pragma unroll
    for (int n = 0; n < Stages - 1; n++) {
        if (n < count) load(n);
        copy_async_commit();
    }
    for (int step = 0; step < count; step++) {
        copy_async_wait<Stages - 2>();
        __syncthreads();
        if (step + Stages - 1 < count) load(step + Stages - 1);
        copy_async_commit();
        const u8* stage = shared + step % Stages * 2 * KeyTileBytes;
        int first_key = begin + step * TileKeys;
        attend(s, fragments, stage, stage + KeyTileBytes, first_key, position, p.window,
            first_key + TileKeys > tile.z || first_key <= last - p.window);
        if ((first_key + TileKeys) % ChunkKeys && step < count - 1) continue;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            Merge m = merge(total[r * 256 + thread], s.top[r]);
            total[r * 256 + thread] = m.top;
            total[(2 + r) * 256 + thread] = merged(m, total[(2 + r) * 256 + thread], quad_sum(s.sum[r]));
#pragma unroll
            for (int n = 0; n < 8; n++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    float* t = total + (4 + n * 4 + 2 * r + c) * 256 + thread;
                    *t = merged(m, *t, s.out[n][2 * r + c]);
                }
        }
        clear(s);
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
        if (token[r] >= tile.w) continue;
        float factor = sink_factor(total[r * 256 + thread], total[(2 + r) * 256 + thread], bf16_to_float(p.sinks[own_head[r]]));
        bf16* row = p.out + (size_t)(tile.y + token[r]) * AttendedWidth + own_head[r] * Dim;
#pragma unroll
        for (int n = 0; n < 8; n++) {
            float a = total[(4 + n * 4 + 2 * r) * 256 + thread], b = total[(4 + n * 4 + 2 * r + 1) * 256 + thread];
            *(u32*)(row + n * 8 + 2 * i) = pack_bf16(__fmul_rn(a, factor), __fmul_rn(b, factor));
        }
    }
}
extern "C" __global__ void __launch_bounds__(256, 2) attention_prefill(const __grid_constant__ PrefillParameters p) { prefill<2>(p); }
EMULATE_KERNEL(attention_prefill)
