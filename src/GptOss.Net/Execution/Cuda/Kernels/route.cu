// The experts of each token, and the pairs (token, expert) sorted by expert. Needs weights.cu (the router's packed form).
//
//     pair = token * TopK + slot: slot 0 has the largest logit
struct RouteParameters {
    int* expert_of_pair;   // [tokens * TopK]; -1 for tokens that do not live
    float* weight_of_pair; // [tokens * TopK] softmax over the chosen
    const bf16* x;         // [tokens][Hidden], P64 order
    const u8* router;      // packed, [RouterShares][Experts / 16][RouterSteps][1 KB]
    const bf16* bias;      // [Experts], -inf where there is no expert
    const int* live;       // how many of the tokens count, or null: all (a graph runs for the batch it was captured for)
    int tokens;
};
// Adds one share of k to the logits of 16 experts for 8 tokens. x: the lane's column, for the share's first step of 32 k.
__device__ __forceinline__ void router_step(float (&sum)[4], uint4 low, uint4 high, u32 b0, u32 b1, u32 b2, u32 b3) {
    mma(sum, low.x, high.x, low.y, high.y, b0, b1);
    mma(sum, low.z, high.z, low.w, high.w, b2, b3);
}
// One warp: the TopK largest of Experts logits, ties to the lower index, and the softmax over them.
// Lane l has the logits of experts l + 32 n.
struct Chosen {
    int index[TopK];
    float weight[TopK];
};
__device__ __forceinline__ Chosen choose(float (&logit)[Experts / 32]) {
    Chosen c;
    float value[TopK], total = 0;
    int lane = threadIdx.x % 32;
#pragma unroll
    // what is not a number still chooses TopK experts that exist: the sequence fails, not the device
    for (int n = 0; n < Experts / 32; n++) {
        if (lane + 32 * n >= TrueExperts) logit[n] = minus_infinity();
        else if (logit[n] != logit[n]) logit[n] = -3e38f;
    }
#pragma unroll
    for (int s = 0; s < TopK; s++) {
        float best = logit[0];
        int at = lane;
#pragma unroll
        for (int n = 1; n < Experts / 32; n++)
            if (logit[n] > best) {
                best = logit[n];
                at = lane + 32 * n;
            }
        for (int o = 16; o; o /= 2) {
            float v = __shfl_xor_sync(0xffffffffu, best, o);
            int a = __shfl_xor_sync(0xffffffffu, at, o);
            if (v > best || (v == best && a < at)) {
                best = v;
                at = a;
            }
        }
        value[s] = best;
        c.index[s] = at;
#pragma unroll
        for (int n = 0; n < Experts / 32; n++)
            if (at == lane + 32 * n) logit[n] = minus_infinity();
    }
#pragma unroll
    for (int s = 0; s < TopK; s++) total = __fadd_rn(total, c.weight[s] = exp2_approx(__fmul_rn(__fsub_rn(value[s], value[0]), Log2e)));
#pragma unroll
    for (int s = 0; s < TopK; s++) c.weight[s] = __fdiv_rn(c.weight[s], total);
    return c;
}

// 8 tokens a block, RouterShares warps: each a share of k for all experts, added in the order of the shares; then a warp a token.
extern "C" __global__ void __launch_bounds__(RouterShares * 32) route(const __grid_constant__ RouteParameters p) {
    __shared__ float partial[RouterShares][8][Experts];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3, token0 = blockIdx.x * 8;
    wait_for_previous();
    let_next_start();
    const bf16* from = p.x + (size_t)min(token0 + g, p.tokens - 1) * Hidden + warp * RouterSteps * 32 + 8 * i;
    const u8* rows = p.router + (size_t)warp * (Experts / 16 * RouterSteps * 1024) + lane * 16;
    int steps = min(RouterSteps, Hidden / 32 - warp * RouterSteps);
    float sum[Experts / 16][4];
#pragma unroll
    for (int m = 0; m < Experts / 16; m++) sum[m][0] = sum[m][1] = sum[m][2] = sum[m][3] = 0;
#pragma unroll 3
    for (int s = 0; s < steps; s++) {
        uint4 b = *(const uint4*)(from + s * 32);
#pragma unroll
        for (int m = 0; m < Experts / 16; m++) {
            const u8* of = rows + (m * RouterSteps + s) * 1024;
            router_step(sum[m], *(const uint4*)of, *(const uint4*)(of + 512), b.x, b.y, b.z, b.w);
        }
    }
#pragma unroll
    for (int m = 0; m < Experts / 16; m++)
#pragma unroll
        for (int c = 0; c < 4; c++) partial[warp][2 * i + (c & 1)][m * 16 + g + 8 * (c >> 1)] = sum[m][c];
    __syncthreads();
    int token = token0 + warp;
    if (warp >= 8 || token >= p.tokens) return;
    float logit[Experts / 32];
#pragma unroll
    for (int n = 0; n < Experts / 32; n++) {
        logit[n] = bf16_to_float(p.bias[lane + 32 * n]);
        for (int w = 0; w < RouterShares; w++) logit[n] = __fadd_rn(logit[n], partial[w][warp][lane + 32 * n]);
    }
    bool live = !p.live || token < *p.live;
    Chosen c = choose(logit);
#pragma unroll
    for (int s = 0; s < TopK; s++)
        if (lane == s) {
            p.expert_of_pair[token * TopK + s] = live ? c.index[s] : -1;
            p.weight_of_pair[token * TopK + s] = c.weight[s];
        }
}
EMULATE_KERNEL(route)

// Stable counting sort of the pairs by expert, and the list of tiles of at most tile_tokens pairs of one expert. No round trip to the host:
// the expert kernels are launched with the largest possible grid, and blocks without a tile leave.
struct SortParameters {
    int* pair_at;     // [pairs] the pair at each sorted position
    int4* tiles;      // [pairs / tile_tokens + Experts] (expert, first position, count, 0)
    int* tile_count;  // [1]
    const int* expert_of_pair;
    int pairs, tile_tokens;
};
// Who of the warp has my expert (`same`), and who has expert `lane` + 32 n (`match`), by ballots of the bits of the expert.
struct Ballots {
    u32 same, match[Experts / 32];
    __device__ __forceinline__ Ballots(int expert, bool live) {
        int lane = threadIdx.x % 32;
        same = __ballot_sync(0xffffffffu, live);
#pragma unroll
        for (int n = 0; n < Experts / 32; n++) match[n] = same;
        for (int b = 0; (1 << b) < Experts; b++) {
            u32 v = __ballot_sync(0xffffffffu, expert >> b & 1);
            same &= expert >> b & 1 ? v : ~v;
#pragma unroll
            for (int n = 0; n < Experts / 32; n++) match[n] &= (lane + 32 * n) >> b & 1 ? v : ~v;
        }
    }
};
// One block of 1024: each warp a run of pairs.
extern "C" __global__ void __launch_bounds__(1024) sort_pairs(const __grid_constant__ SortParameters p) {
    constexpr int Groups = Experts / 32;
    __shared__ int counts[32][Experts];
    wait_for_previous();
    let_next_start();
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, run = (p.pairs + 1023) / 1024 * 32, first = warp * run,
        last = min(first + run, p.pairs);
    int mine[Groups];
#pragma unroll
    for (int n = 0; n < Groups; n++) mine[n] = 0;
    for (int at = first; at < last; at += 32) {
        int expert = at + lane < last ? p.expert_of_pair[at + lane] : -1;
        Ballots b(expert, expert >= 0);
#pragma unroll
        for (int n = 0; n < Groups; n++) mine[n] += __popc(b.match[n]);
    }
#pragma unroll
    for (int n = 0; n < Groups; n++) counts[warp][lane + 32 * n] = mine[n];
    __syncthreads();
    if (warp == 0) {
        int before = 0, tiles_before = 0;
#pragma unroll
        for (int n = 0; n < Groups; n++) {
            int expert = lane + 32 * n, total = 0;
            for (int w = 0; w < 32; w++) {
                int c = counts[w][expert];
                counts[w][expert] = total;
                total += c;
            }
            int begin = total, tiles_here = (total + p.tile_tokens - 1) / p.tile_tokens, tile = tiles_here;
            for (int o = 1; o < 32; o *= 2) {
                int a = __shfl_up_sync(0xffffffffu, begin, o), t = __shfl_up_sync(0xffffffffu, tile, o);
                if (lane >= o) {
                    begin += a;
                    tile += t;
                }
            }
            int all = __shfl_sync(0xffffffffu, begin, 31), all_tiles = __shfl_sync(0xffffffffu, tile, 31);
            begin += before - total;
            tile += tiles_before - tiles_here;
            for (int t = 0; t < tiles_here; t++) {
                int4 v;
                v.x = expert;
                v.y = begin + t * p.tile_tokens;
                v.z = min(p.tile_tokens, total - t * p.tile_tokens);
                v.w = 0;
                p.tiles[tile + t] = v;
            }
            for (int w = 0; w < 32; w++) counts[w][expert] += begin;
            before += all;
            tiles_before += all_tiles;
        }
        if (lane == 0) p.tile_count[0] = tiles_before;
    }
    __syncthreads();
    for (int at = first; at < last; at += 32) {
        int expert = at + lane < last ? p.expert_of_pair[at + lane] : -1;
        Ballots b(expert, expert >= 0);
        if (expert >= 0) p.pair_at[counts[warp][expert] + __popc(b.same & ((1u << lane) - 1))] = at + lane;
        __syncwarp();
#pragma unroll
        for (int n = 0; n < Groups; n++) counts[warp][lane + 32 * n] += __popc(b.match[n]);
        __syncwarp();
    }
}
EMULATE_KERNEL(sort_pairs)
