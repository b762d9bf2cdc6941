// experts.cu's contract with Hopper's wgmma: the weights, decoded into registers, as A and the tokens, in shared memory, as B.
// Needs experts.cu, wgmma.cu.
//
//     block:         Groups warpgroups x Mt x 64 rows, Nt * 8 tokens
//     shared memory: [Stages][Tokens][128 bytes, swizzled], then [Stages][Rows / 16] chunks of tiles
//
// While the tensor cores work on one chunk of k, the warps decode the next one's weights.
template <class Tile, bool GateUp, int Mt, int Nt, int Groups, int Stages>
__device__ __forceinline__ void expert_gemm_sm90(const ExpertParameters& p) {
    constexpr int Rows = Groups * Mt * 64, Tokens = Nt * 8, Threads = Groups * 128, WeightBytes = Rows / 16 * Tile::Bytes,
                  TokenBytes = Tokens * 128;
    constexpr int ChunkPieces = Tile::Bytes / 16, Pieces = WeightBytes / 16, K = ExpertShape<GateUp>::K, Chunks = K / 64;
    wait_for_previous();
    let_next_start();
    if ((int)blockIdx.x >= p.tile_count[0]) return;
    int4 tile = p.tiles[blockIdx.x];
    int row0 = blockIdx.y * Rows, thread = threadIdx.x, lane = thread % 32, warp = thread / 32 % 4, group = thread / 128,
        live_rows = min(Rows, p.rows - row0);
    DYNAMIC_SHARED(u8, shared);
    u8* weight_stages = shared + Stages * TokenBytes;
    const u8* weights_from = p.weights + ((size_t)tile.x * (p.rows / 16) + row0 / 16) * Chunks * Tile::Bytes;
    int from[Tokens * 8 / Threads]; // where this thread's pieces of the token tile begin, -1: no token
#pragma unroll
    for (int n = 0; n < Tokens * 8 / Threads; n++) {
        int token = (n * Threads + thread) / 8;
        from[n] = token >= tile.z ? -1 : (GateUp ? p.pair_at[tile.y + token] / TopK : tile.y + token) * K + thread % 8 * 8;
    }
    auto load = [&](int chunk) {
        int stage = chunk % Stages;
#pragma unroll
        for (int n = 0; n < (Pieces + Threads - 1) / Threads; n++) {
            int c = n * Threads + thread, tile16 = c / ChunkPieces, piece = c % ChunkPieces;
            if ((Pieces % Threads == 0 || c < Pieces) && tile16 * 16 < live_rows)
                copy_async_16(weight_stages + stage * WeightBytes + c * 16,
                    weights_from + (tile16 * Chunks + chunk) * Tile::Bytes + piece * 16, true);
        }
#pragma unroll
        for (int n = 0; n < Tokens * 8 / Threads; n++) {
            int token = (n * Threads + thread) / 8;
            copy_async_16(shared + stage * TokenBytes + token * 128 + (thread % 8 ^ (token & 7)) * 16,
                p.x + (from[n] >= 0 ? from[n] + chunk * 64 : 0), from[n] >= 0);
        }
    };
    float sum[Mt][Nt][4];
#pragma unroll
    for (int m = 0; m < Mt; m++)
#pragma unroll
        for (int n = 0; n < Nt; n++) sum[m][n][0] = sum[m][n][1] = sum[m][n][2] = sum[m][n][3] = 0;
    auto decode = [&](u32 (&a)[4][Mt][4], int chunk) {
#pragma unroll
        for (int m = 0; m < Mt; m++) {
            Tile weights;
            weights.load(weight_stages + chunk % Stages * WeightBytes + ((group * Mt + m) * 4 + warp) * Tile::Bytes, lane);
#pragma unroll
            for (int s = 0; s < 4; s++) weights.values(a[s][m], s);
        }
    };
    auto step = [&](u32 (&now)[4][Mt][4], u32 (&next)[4][Mt][4], int chunk) {
        u64 tokens = wgmma_descriptor(shared + chunk % Stages * TokenBytes);
        wgmma_fence();
#pragma unroll
        for (int s = 0; s < 4; s++)
#pragma unroll
            for (int m = 0; m < Mt; m++) wgmma_m64k16(sum[m], now[s][m], tokens + 2 * s);
        wgmma_commit();
        if (chunk + 1 < Chunks) {
            copy_async_wait<Stages - 3>();
            fence_async_proxy();
            __syncthreads(); // the next chunk is here for all; everyone is done with the one before this
            if (chunk + Stages - 1 < Chunks) load(chunk + Stages - 1);
            copy_async_commit();
            decode(next, chunk + 1);
        }
        wgmma_wait<0>();
    };
#pragma unroll
    for (int s = 0; s < Stages - 1; s++) {
        if (s < Chunks) load(s);
        copy_async_commit();
    }
    u32 even[4][Mt][4], odd[4][Mt][4]; // one is decoded into while the other is read
    copy_async_wait<Stages - 2>();
    fence_async_proxy();
    __syncthreads();
    decode(even, 0);
    for (int chunk = 0; chunk < Chunks; chunk += 2) {
        step(even, odd, chunk);
        if (chunk + 1 < Chunks) step(odd, even, chunk + 1);
    }
    expert_store<GateUp, Rows, Tokens, Threads, Nt>(
        shared, p, tile, row0, live_rows, 0, [&](int m) { return ((group * Mt + m) * 4 + warp) * 16; }, sum);
}
#define EXPERTS_SM90(NAME, TILE, GATE_UP, MT, NT, GROUPS, STAGES, RESIDENT) \
    extern "C" __global__ void __launch_bounds__((GROUPS) * 128, RESIDENT) NAME(const __grid_constant__ ExpertParameters p) { \
        expert_gemm_sm90<TILE, GATE_UP, MT, NT, GROUPS, STAGES>(p); \
    } \
    EMULATE_KERNEL(NAME)
