// Dense matrix times many tokens: out[token][row] = sum over k of weight[row][k] * x[token][k], times the row's scale (int8),
// plus its bias. Needs weights.cu.
//
// Weights are mma's A operand (16 rows an instruction) and tokens its B operand (8): a token's column depends on that token alone, and
// every output is one fp32 sum over k ascending in steps of 16, whatever the tile.
// So the bits of a token's results depend neither on the batch nor on the variant.
//
//     block: Wr x Wt warps, each Mt x Nt mma tiles:       stage (Kc chunks of 64 k):
//
//                 Wt * Nt * 8 tokens                      [Kc][Rows / 8] chunks of strips, as they are in memory
//            +------+------+                              [Kc][Tokens][64 values, 16-byte pieces xor-swizzled by token]
//     Wr *   | warp | warp |
//     Mt *16 +------+------+
//     rows   | warp | warp |
//            +------+------+
struct DenseParameters {
    void* out;           // [tokens][stride] bf16, or float
    const u8* weights;   // strips, rows x k
    const float* scales; // [rows], int8 only
    const bf16* bias;    // [rows], or null
    const bf16* x;       // [tokens][k]
    int tokens, rows, k; // rows: a multiple of 8, k: of 64
    int stride;          // rows, or more where other cards have the rest
};

__device__ __forceinline__ float finish(float sum, float scale, bool scaled, float bias) {
    return __fadd_rn(scaled ? __fmul_rn(sum, scale) : sum, bias);
}

// sum[m][n]: mma tile of rows row_of(m) .. + 15 and tokens column0 + 8 n .. + 7 of the block. `shared` may be overwritten.
template <bool Float, bool Scaled, int Rows, int Tokens, int Threads, int Nt, int Mt, class RowOf>
__device__ __forceinline__ void dense_store(u8* shared, const DenseParameters& p, int row0, int token0, int live_rows, int live_tokens,
    int column0, RowOf row_of, float (&sum)[Mt][Nt][4]) {
    int thread = threadIdx.x, lane = thread % 32, g = lane >> 2, i = lane & 3;
    float bias[Mt][2], scale[Mt][2];
#pragma unroll
    for (int m = 0; m < Mt; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int row = row_of(m) + g + 8 * h;
            bool live = row < live_rows;
            bias[m][h] = p.bias && live ? bf16_to_float(p.bias[row0 + row]) : 0;
            scale[m][h] = Scaled && live ? p.scales[row0 + row] : 1;
        }
    if constexpr (Float) {
#pragma unroll
        for (int n = 0; n < Nt; n++)
#pragma unroll
            for (int c = 0; c < 2; c++) {
                int token = column0 + n * 8 + i * 2 + c;
                if (token >= live_tokens) continue;
                float* to = (float*)p.out + (size_t)(token0 + token) * p.stride + row0;
#pragma unroll
                for (int m = 0; m < Mt; m++)
#pragma unroll
                    for (int h = 0; h < 2; h++) {
                        int row = row_of(m) + g + 8 * h;
                        if (row < live_rows) to[row] = finish(sum[m][n][c + 2 * h], scale[m][h], Scaled, bias[m][h]);
                    }
            }
    } else {
        __syncthreads();
        bf16* tile_out = (bf16*)shared;
        constexpr int Stride = Rows + 8;
#pragma unroll
        for (int n = 0; n < Nt; n++)
#pragma unroll
            for (int c = 0; c < 2; c++)
#pragma unroll
                for (int m = 0; m < Mt; m++) {
                    bf16* to = tile_out + (column0 + n * 8 + i * 2 + c) * Stride + row_of(m) + g;
                    u32 both = pack_bf16(
                        finish(sum[m][n][c], scale[m][0], Scaled, bias[m][0]), finish(sum[m][n][c + 2], scale[m][1], Scaled, bias[m][1]));
                    to[0] = (bf16)both;
                    to[8] = (bf16)(both >> 16);
                }
        __syncthreads();
        for (int c = thread; c < Tokens * Rows / 8; c += Threads) {
            int token = c / (Rows / 8), piece = c % (Rows / 8);
            if (token < live_tokens && piece * 8 < live_rows)
                *(uint4*)((bf16*)p.out + (size_t)(token0 + token) * p.stride + row0 + piece * 8) =
                    *(const uint4*)(tile_out + token * Stride + piece * 8);
        }
    }
}

// A operands of one step of a 16-row tile whose two strips lie `apart` bytes from each other;
// bf16 comes by ldmatrix step by step, to save registers.
template <class Strip> struct DenseRows {
    Strip low, high;
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
        low.load(chunk, lane);
        high.load(chunk + Strip::Bytes, lane);
    }
    __device__ __forceinline__ void values(u32 (&a)[4], const u8*, int s, int) const {
        u32 l[2], h[2];
        low.values(l, s);
        high.values(h, s);
        a[0] = l[0];
        a[1] = h[0];
        a[2] = l[1];
        a[3] = h[1];
    }
};
template <> struct DenseRows<Bf16Strip> {
    __device__ __forceinline__ void load(const u8*, int) {}
    __device__ __forceinline__ void values(u32 (&a)[4], const u8* chunk, int s, int lane) const {
        load_matrix_x4(a, chunk + (lane & 15) * 128 + ((2 * s + (lane >> 4)) ^ (lane & 7)) * 16);
    }
};

template <class Strip, bool Float, int Mt, int Nt, int Wr, int Wt, int Kc, int Stages>
__device__ __forceinline__ void dense_gemm(const DenseParameters& p) {
    constexpr int Rows = Wr * Mt * 16, Tokens = Wt * Nt * 8, Threads = Wr * Wt * 32, WeightBytes = Rows / 8 * Strip::Bytes,
                  TokenBytes = Tokens * 128;
    constexpr int StageBytes = Kc * (WeightBytes + TokenBytes), ChunkPieces = Strip::Bytes / 16, WeightPieces = Rows / 8 * Kc * ChunkPieces,
                  TokenPieces = Tokens * 8 * Kc;
    int row0 = blockIdx.y * Rows, token0 = blockIdx.x * Tokens, chunks = p.k / 64, steps = (chunks + Kc - 1) / Kc;
    int thread = threadIdx.x, lane = thread % 32, warp = thread / 32, wr = warp % Wr, wt = warp / Wr;
    DYNAMIC_SHARED(u8, shared);
    int live_rows = min(Rows, p.rows - row0), live_tokens = min(Tokens, p.tokens - token0);
    const u8* strips = p.weights + (size_t)(row0 / 8) * chunks * Strip::Bytes;

    auto load_weights = [&](int step) {
        u8* stage = shared + step % Stages * StageBytes;
#pragma unroll
        for (int n = 0; n < (WeightPieces + Threads - 1) / Threads; n++) {
            int c = n * Threads + thread;
            if (WeightPieces % Threads && c >= WeightPieces) break;
            int strip = c / (Kc * ChunkPieces), kc = c / ChunkPieces % Kc, piece = c % ChunkPieces;
            bool valid = strip * 8 < live_rows && step * Kc + kc < chunks;
            copy_async_16(stage + kc * WeightBytes + strip * Strip::Bytes + piece * 16,
                strips + (valid ? ((size_t)strip * chunks + step * Kc + kc) * Strip::Bytes + piece * 16 : 0), valid);
        }
    };
    auto load_tokens = [&](int step) {
        u8* stage = shared + step % Stages * StageBytes + Kc * WeightBytes;
#pragma unroll
        for (int n = 0; n < (TokenPieces + Threads - 1) / Threads; n++) {
            int c = n * Threads + thread;
            if (TokenPieces % Threads && c >= TokenPieces) break;
            int token = c / (8 * Kc), piece = c % (8 * Kc), chunk = step * Kc + piece / 8;
            bool valid = token < live_tokens && chunk < chunks;
            copy_async_16(stage + piece / 8 * TokenBytes + token * 128 + ((piece & 7) ^ (token & 7)) * 16,
                p.x + (valid ? (size_t)(token0 + token) * p.k + chunk * 64 + (piece & 7) * 8 : 0), valid);
        }
    };

    float sum[Mt][Nt][4];
#pragma unroll
    for (int m = 0; m < Mt; m++)
#pragma unroll
        for (int n = 0; n < Nt; n++) sum[m][n][0] = sum[m][n][1] = sum[m][n][2] = sum[m][n][3] = 0;
#pragma unroll
    for (int s = 0; s < Stages - 1; s++)
        if (s < steps) load_weights(s);
    wait_for_previous();
    let_next_start();
#pragma unroll
    for (int s = 0; s < Stages - 1; s++) {
        if (s < steps) load_tokens(s);
        copy_async_commit();
    }
    for (int step = 0; step < steps; step++) {
        copy_async_wait<Stages - 2>();
        __syncthreads();
        if (step + Stages - 1 < steps) {
            load_weights(step + Stages - 1);
            load_tokens(step + Stages - 1);
        }
        copy_async_commit();
        const u8* stage = shared + step % Stages * StageBytes;
#pragma unroll
        for (int kc = 0; kc < Kc; kc++) {
            if (Kc > 1 && step * Kc + kc >= chunks) break;
            const u8 *weights = stage + kc * WeightBytes + wr * Mt * 2 * Strip::Bytes,
                     *columns = stage + Kc * WeightBytes + kc * TokenBytes + wt * Nt * 8 * 128;
            DenseRows<Strip> tiles[Mt];
#pragma unroll
            for (int m = 0; m < Mt; m++) tiles[m].load(weights + m * 2 * Strip::Bytes, lane);
#pragma unroll
            for (int s = 0; s < 4; s++) {
                u32 a[Mt][4], b[4];
#pragma unroll
                for (int m = 0; m < Mt; m++) tiles[m].values(a[m], weights + m * 2 * Strip::Bytes, s, lane);
                if constexpr (Nt == 1) { // the upper two matrices belong to the next step and are not used
                    load_matrix_x4(b, columns + (lane & 7) * 128 + ((2 * s + (lane >> 3 & 1)) ^ (lane & 7)) * 16);
#pragma unroll
                    for (int m = 0; m < Mt; m++) mma(sum[m][0], a[m], b[0], b[1]);
                } else {
#pragma unroll
                    for (int n = 0; n < Nt; n += 2) {
                        load_matrix_x4(
                            b, columns + (n * 8 + (lane >> 4) * 8 + (lane & 7)) * 128 + ((2 * s + (lane >> 3 & 1)) ^ (lane & 7)) * 16);
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
    dense_store<Float, Strip::Scaled, Rows, Tokens, Threads, Nt>(
        shared, p, row0, token0, live_rows, live_tokens, wt * Nt * 8, [&](int m) { return (wr * Mt + m) * 16; }, sum);
}
// grid (tokens / Tokens, rows / Rows), rounded up.
#define DENSE(NAME, STRIP, FLOAT, MT, NT, WR, WT, KC, STAGES, RESIDENT) \
    extern "C" __global__ void __launch_bounds__((WR) * (WT) * 32, RESIDENT) NAME(const __grid_constant__ DenseParameters p) { \
        dense_gemm<STRIP, FLOAT, MT, NT, WR, WT, KC, STAGES>(p); \
    } \
    EMULATE_KERNEL(NAME)
