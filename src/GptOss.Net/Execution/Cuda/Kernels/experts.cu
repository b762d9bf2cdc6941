// The experts' matrices for many tokens: a grouped GEMM over the tiles that sort_pairs made. Needs weights.cu.
//
// Orientation and order of the sum as in dense.cu. A block has (Wr * Mt * 16) rows of one expert and
// one tile of at most (Wt * Nt * 8) of its tokens.
//
//     stage: [Rows / 16 tiles][Kc chunks], as they are in memory;  then [Kc][Tokens][64 values, 16-byte pieces xor-swizzled by token]
//     after the stages: [Tokens] where each token's activations begin, or -1
//
// gate_up gathers x by token and writes SwiGLU at the pair's sorted position;
// down reads that and writes (sum + bias) * routing weight at the pair's own place.
struct ExpertParameters {
    void* out;           // gate_up: bf16 [pairs][Intermediate], P64 order, by sorted position; down: float [pairs][rows], by pair
    const u8* weights;   // tiles [Experts][rows / 16][k / 64]
    const bf16* bias;    // [Experts][rows]; gate_up: gates and ups alternate
    const bf16* x;       // gate_up: [tokens][Hidden], down: gate_up's out; P64 order
    const int* pair_at;  // sort_pairs
    const int4* tiles;
    const int* tile_count;
    const float* weight_of_pair; // down
    long long shift;             // gate_up: bytes from out to where another card wants the same; 0: nobody does
    int rows;                    // of an expert: all, or this card's
};
template <bool GateUp> struct ExpertShape {
    static constexpr int K = GateUp ? Hidden : Intermediate, Chunks = K / 64;
};

// sum[m][n]: mma tile of places row_of(m) .. + 15 and tokens token0 + 8 n .. + 7 of the block. `shared` may be overwritten.
template <bool GateUp, int Rows, int Tokens, int Threads, int Nt, int Mt, class RowOf>
__device__ __forceinline__ void expert_store(
    u8* shared, const ExpertParameters& p, int4 tile, int row0, int live_rows, int token0, RowOf row_of, float (&sum)[Mt][Nt][4]) {
    int lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3;
    const bf16* bias = p.bias + (size_t)tile.x * p.rows + row0;
    if constexpr (GateUp) {
        constexpr int Features = Rows / 2, Stride = Features + 8;
        constexpr bool Whole = Rows % 128 == 0; // else less than a P64 chunk: straight to memory (small tiles for one or two tokens)
        bf16* tile_out = (bf16*)shared;         // [token][Features]
        __syncthreads();
#pragma unroll
        for (int m = 0; m < Mt; m++) {
            int feature = row_of(m) / 2 + g;
            bool live = feature * 2 < live_rows;
            float gate_bias = live ? bf16_to_float(bias[feature * 2]) : 0, up_bias = live ? bf16_to_float(bias[feature * 2 + 1]) : 0;
#pragma unroll
            for (int n = 0; n < Nt; n++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    int token = token0 + n * 8 + i * 2 + c;
                    bf16 value = (bf16)pack_bf16(swiglu(__fadd_rn(sum[m][n][c], gate_bias), __fadd_rn(sum[m][n][c + 2], up_bias)), 0.0f);
                    if (Whole) tile_out[token * Stride + p64(feature)] = value;
                    else if (live && token < tile.z) {
                        bf16* to = (bf16*)p.out + (size_t)(tile.y + token) * Intermediate + p64(row0 / 2 + feature);
                        *to = value;
                        if (p.shift) *(bf16*)((u8*)to + p.shift) = value;
                    }
                }
        }
        if (!Whole) return;
        __syncthreads();
        for (int c = threadIdx.x; c < Tokens * Features / 8; c += Threads) {
            int token = c / (Features / 8), piece = c % (Features / 8);
            if (token >= tile.z || piece * 16 >= live_rows) continue;
            bf16* to = (bf16*)p.out + (size_t)(tile.y + token) * Intermediate + row0 / 2 + piece * 8;
            uint4 v = *(const uint4*)(tile_out + token * Stride + piece * 8);
            *(uint4*)to = v;
            if (p.shift) *(uint4*)((u8*)to + p.shift) = v;
        }
    } else {
        float row_bias[Mt][2];
#pragma unroll
        for (int m = 0; m < Mt; m++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int row = row_of(m) + g + 8 * h;
                row_bias[m][h] = row < live_rows ? bf16_to_float(bias[row]) : 0;
            }
#pragma unroll
        for (int n = 0; n < Nt; n++)
#pragma unroll
            for (int c = 0; c < 2; c++) {
                int token = token0 + n * 8 + i * 2 + c;
                if (token >= tile.z) continue;
                int pair = p.pair_at[tile.y + token];
                float weight = p.weight_of_pair[pair];
                float* to = (float*)p.out + (size_t)pair * p.rows + row0;
#pragma unroll
                for (int m = 0; m < Mt; m++)
#pragma unroll
                    for (int h = 0; h < 2; h++) {
                        int row = row_of(m) + g + 8 * h;
                        if (row < live_rows) to[row] = __fmul_rn(__fadd_rn(sum[m][n][c + 2 * h], row_bias[m][h]), weight);
                    }
            }
    }
}

template <class Tile, bool GateUp, int Mt, int Nt, int Wr, int Wt, int Kc, int Stages>
__device__ __forceinline__ void expert_gemm(const ExpertParameters& p) {
    constexpr int Rows = Wr * Mt * 16, Tokens = Wt * Nt * 8, Threads = Wr * Wt * 32, WeightBytes = Rows / 16 * Tile::Bytes,
                  TokenBytes = Tokens * 128;
    constexpr int StageBytes = Kc * (WeightBytes + TokenBytes), ChunkPieces = Tile::Bytes / 16, Pieces = Rows / 16 * Kc * ChunkPieces,
                  TokenPieces = Tokens * 8 * Kc;
    constexpr int K = ExpertShape<GateUp>::K, Chunks = K / 64, Steps = (Chunks + Kc - 1) / Kc;
    if (GateUp) { // down: its tile list is older than the kernel before
        wait_for_previous();
        let_next_start();
    }
    if ((int)blockIdx.x >= p.tile_count[0]) return;
    int4 tile = p.tiles[blockIdx.x];
    int row0 = blockIdx.y * Rows, thread = threadIdx.x, lane = thread % 32, warp = thread / 32, wr = warp % Wr, wt = warp / Wr;
    int live_rows = min(Rows, p.rows - row0);
    DYNAMIC_SHARED(u8, shared);
    int* source = (int*)(shared + Stages * StageBytes);
    const u8* weights_from = p.weights + ((size_t)tile.x * (p.rows / 16) + row0 / 16) * Chunks * Tile::Bytes;
    for (int t = thread; t < Tokens; t += Threads) source[t] = t >= tile.z ? -1 : (GateUp ? p.pair_at[tile.y + t] / TopK : tile.y + t) * K;
    __syncthreads();

    auto load_weights = [&](int step) {
        u8* stage = shared + step % Stages * StageBytes;
        int left = min(Kc, Chunks - step * Kc);
#pragma unroll
        for (int n = 0; n < (Pieces + Threads - 1) / Threads; n++) {
            int c = n * Threads + thread, tile16 = c / (Kc * ChunkPieces), piece = c % (Kc * ChunkPieces);
            if ((Pieces % Threads == 0 || c < Pieces) && piece < left * ChunkPieces && tile16 * 16 < live_rows)
                copy_async_16(stage + c * 16, weights_from + ((size_t)tile16 * Chunks + step * Kc) * Tile::Bytes + piece * 16, true);
        }
    };
    auto load_tokens = [&](int step) {
        u8* stage = shared + step % Stages * StageBytes + Kc * WeightBytes;
        int left = min(Kc, Chunks - step * Kc);
#pragma unroll
        for (int n = 0; n < (TokenPieces + Threads - 1) / Threads; n++) {
            int c = n * Threads + thread, token = c / (8 * Kc), piece = c % (8 * Kc);
            if ((TokenPieces % Threads && c >= TokenPieces) || piece >= left * 8) continue;
            int from = source[token];
            copy_async_16(stage + piece / 8 * TokenBytes + token * 128 + ((piece & 7) ^ (token & 7)) * 16,
                p.x + (from >= 0 ? from + step * Kc * 64 + piece * 8 : 0), from >= 0);
        }
    };

    float sum[Mt][Nt][4];
#pragma unroll
    for (int m = 0; m < Mt; m++)
#pragma unroll
        for (int n = 0; n < Nt; n++) sum[m][n][0] = sum[m][n][1] = sum[m][n][2] = sum[m][n][3] = 0;
#pragma unroll
    for (int s = 0; s < Stages - 1; s++)
        if (s < Steps) load_weights(s);
    if (!GateUp) {
        wait_for_previous();
        let_next_start();
    }
#pragma unroll
    for (int s = 0; s < Stages - 1; s++) {
        if (s < Steps) load_tokens(s);
        copy_async_commit();
    }
    for (int step = 0; step < Steps; step++) {
        copy_async_wait<Stages - 2>();
        __syncthreads();
        if (step + Stages - 1 < Steps) {
            load_weights(step + Stages - 1);
            load_tokens(step + Stages - 1);
        }
        copy_async_commit();
        const u8* stage = shared + step % Stages * StageBytes;
#pragma unroll
        for (int kc = 0; kc < Kc; kc++) {
            if (Kc > 1 && step * Kc + kc >= Chunks) break;
            const u8 *weights = stage + (wr * Mt * Kc + kc) * Tile::Bytes,
                     *tokens = stage + Kc * WeightBytes + kc * TokenBytes + wt * Nt * 8 * 128;
            Tile tiles[Mt];
#pragma unroll
            for (int m = 0; m < Mt; m++) tiles[m].load(weights + m * Kc * Tile::Bytes, lane);
#pragma unroll
            for (int w = 0; w < 2; w++) {
                u32 one[4]; // Nt == 1: one load covers two steps
                if constexpr (Nt == 1) load_matrix_x4(one, tokens + (lane & 7) * 128 + ((4 * w + (lane >> 3)) ^ (lane & 7)) * 16);
#pragma unroll
                for (int h = 0; h < 2; h++) {
                    u32 a[Mt][4];
#pragma unroll
                    for (int m = 0; m < Mt; m++) tiles[m].values(a[m], 2 * w + h);
                    if constexpr (Nt == 1) {
#pragma unroll
                        for (int m = 0; m < Mt; m++) mma(sum[m][0], a[m], one[2 * h], one[2 * h + 1]);
                    } else {
#pragma unroll
                        for (int n = 0; n < Nt; n += 2) {
                            u32 b[4];
                            load_matrix_x4(b, tokens + (n * 8 + (lane >> 4) * 8 + (lane & 7)) * 128
                                + ((2 * (2 * w + h) + (lane >> 3 & 1)) ^ (lane & 7)) * 16);
#pragma unroll
                            for (int m = 0; m < Mt; m++) {
                                mma(sum[m][n], a[m], b[0], b[1]);
                                mma(sum[m][n + 1], a[m], b[2], b[3]);
                            }
                        }
                    }
                }
            }
        }
    }
    expert_store<GateUp, Rows, Tokens, Threads, Nt>(
        shared, p, tile, row0, live_rows, wt * Nt * 8, [&](int m) { return (wr * Mt + m) * 16; }, sum);
}
// grid (the largest number of tiles, rows / Rows rounded up).
#define EXPERTS(NAME, TILE, GATE_UP, MT, NT, WR, WT, KC, STAGES, RESIDENT) \
    extern "C" __global__ void __launch_bounds__((WR) * (WT) * 32, RESIDENT) NAME(const __grid_constant__ ExpertParameters p) { \
        expert_gemm<TILE, GATE_UP, MT, NT, WR, WT, KC, STAGES>(p); \
    } \
    EMULATE_KERNEL(NAME)
