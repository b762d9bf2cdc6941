// dense.cu's contract with Hopper's wgmma: both operands from shared memory, for bf16 strips,
// which lie as its 128-byte swizzle wants them. Needs dense.cu, wgmma.cu.
//
//     block: Groups warpgroups x Mt x 64 rows, Nt * 8 tokens;   stage: [Rows / 8] chunks of strips, then [Tokens][128 bytes, swizzled]
template <bool Float, int Mt, int Nt, int Groups, int Stages> __device__ __forceinline__ void dense_gemm_sm90(const DenseParameters& p) {
    constexpr int Rows = Groups * Mt * 64, Tokens = Nt * 8, Threads = Groups * 128, WeightBytes = Rows * 128,
                  StageBytes = WeightBytes + Tokens * 128;
    wait_for_previous();
    let_next_start();
    int row0 = blockIdx.y * Rows, token0 = blockIdx.x * Tokens, chunks = p.k / 64, thread = threadIdx.x, warp = thread / 32 % 4,
        group = thread / 128;
    DYNAMIC_SHARED(u8, shared);
    int live_rows = min(Rows, p.rows - row0), live_tokens = min(Tokens, p.tokens - token0);
    const u8* strips = p.weights + (size_t)(row0 / 8) * chunks * Bf16Strip::Bytes + thread % 64 * 16;
    const bf16* from_token = p.x + (size_t)(token0 + thread / 8) * p.k + thread % 8 * 8;
    int swizzled = thread / 8 * 128 + (thread % 8 ^ (thread / 8 & 7)) * 16;
    auto load = [&](int chunk) {
        u8* stage = shared + chunk % Stages * StageBytes;
#pragma unroll
        for (int n = 0; n < Rows * 8 / Threads; n++) {
            int strip = thread / 64 + n * (Threads / 64);
            bool valid = strip * 8 < live_rows;
            copy_async_16(
                stage + (n * Threads + thread) * 16, strips + (valid ? ((size_t)strip * chunks + chunk) * Bf16Strip::Bytes : 0), valid);
        }
#pragma unroll
        for (int n = 0; n < (Tokens * 8 + Threads - 1) / Threads; n++) {
            if (Tokens * 8 % Threads && n * Threads + thread >= Tokens * 8) break;
            bool valid = thread / 8 + n * (Threads / 8) < live_tokens;
            copy_async_16(stage + WeightBytes + swizzled + n * (Threads * 16),
                valid ? from_token + (size_t)n * (Threads / 8) * p.k + chunk * 64 : p.x, valid);
        }
    };
    float sum[Mt][Nt][4];
#pragma unroll
    for (int m = 0; m < Mt; m++)
#pragma unroll
        for (int n = 0; n < Nt; n++) sum[m][n][0] = sum[m][n][1] = sum[m][n][2] = sum[m][n][3] = 0;
#pragma unroll
    for (int s = 0; s < Stages - 1; s++) {
        if (s < chunks) load(s);
        copy_async_commit();
    }
    for (int chunk = 0; chunk < chunks; chunk++) {
        copy_async_wait<Stages - 2>();
        fence_async_proxy();
        __syncthreads(); // all have waited for the product of chunk - 2
        const u8* stage = shared + chunk % Stages * StageBytes;
        u64 tokens_at = wgmma_descriptor(stage + WeightBytes), rows_at = wgmma_descriptor(stage + group * Mt * 8192);
        wgmma_fence();
#pragma unroll
        for (int s = 0; s < 4; s++)
#pragma unroll
            for (int m = 0; m < Mt; m++) wgmma_m64k16(sum[m], rows_at + m * 512 + 2 * s, tokens_at + 2 * s);
        wgmma_commit();
        wgmma_wait<1>(); // chunk - 1 is done in this warpgroup
        __syncthreads(); // ... and in all: its stage is free
        if (chunk + Stages - 1 < chunks) load(chunk + Stages - 1);
        copy_async_commit();
    }
    wgmma_wait<0>();
    dense_store<Float, false, Rows, Tokens, Threads, Nt>(
        shared, p, row0, token0, live_rows, live_tokens, 0, [&](int m) { return (group * Mt + m) * 64 + warp * 16; }, sum);
}
#define DENSE_SM90(NAME, FLOAT, MT, NT, GROUPS, STAGES, RESIDENT) \
    extern "C" __global__ void __launch_bounds__((GROUPS) * 128, RESIDENT) NAME(const __grid_constant__ DenseParameters p) { \
        dense_gemm_sm90<FLOAT, MT, NT, GROUPS, STAGES>(p); \
    } \
    EMULATE_KERNEL(NAME)
