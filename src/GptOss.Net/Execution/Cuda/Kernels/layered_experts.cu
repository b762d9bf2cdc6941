// One or two tokens through a layer: router and experts. Needs stream.cu and route.cu.
//
//     shared memory: [Warps] rings, then columns of x in the experts' order, then what each kernel says
constexpr int MaxDistinct = 2 * TopK;
// The distinct experts of the step's tokens. Row b * TopK + slot is token b's slot.
struct Routing {
    int count;
    int expert[MaxDistinct];
    int row[MaxDistinct][2]; // [q][b]: the row of token b with expert q, or -1
    float weight[MaxDistinct]; // of a row
};
struct RouterChunk {
    static constexpr int Bytes = 1024; // a step of 32 k for 16 experts
};
struct LayeredRouteParameters {
    bf16* x;          // [B][Hidden], normalized, for the experts
    Routing* routing;
    const float* residual;
    const bf16* gain;
    const u8* router; // packed
    const bf16* bias;
};
constexpr int RouteWarps = 2 * RouterShares, RouteTiles = Experts / 16, RouteTasks = RouterShares * RouteTiles;
__device__ __forceinline__ Source route_source(const u8* router, int task) {
    return task < RouteTasks ? source_of<RouterChunk>(router + (size_t)task * (RouterSteps * RouterChunk::Bytes), RouterSteps) : nothing();
}
struct RouterBias { // of the experts lane + 32 n
    float v[Experts / 32];
    __device__ __forceinline__ RouterBias(const bf16* bias) {
#pragma unroll
        for (int n = 0; n < Experts / 32; n++) v[n] = bf16_to_float(bias[threadIdx.x % 32 + 32 * n]);
    }
};
// Each warp some shares of k of some experts. partial: [RouterShares][B][Experts]
template <int B, class S> __device__ __forceinline__ void router_products(float* partial, S& stream, const u8* router, const u8* columns) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3;
    const u8* x = columns + (B == 1 ? 0 : g % B * ExpertHiddenStride) + i * 4;
    for (int task = warp; task < RouteTasks; task += RouteWarps) {
        stream.follow(route_source(router, task + RouteWarps));
        float sum[4] = {0, 0, 0, 0};
        int share = task / RouteTiles;
        for (int step = 0; step < RouterSteps; step += 3) {
            const u8* of_slot = stream.wait() + lane * 16;
#pragma unroll
            for (int s = 0; s < 3; s++) {
                int at = share * RouterSteps + step + s;
                if (step + s >= RouterSteps || at >= Hidden / 32) break;
                const u8* of = x + (at >> 1) * 128 + (at & 1) * 16;
                router_step(sum, *(const uint4*)(of_slot + s * 1024), *(const uint4*)(of_slot + s * 1024 + 512), *(const u32*)of,
                    *(const u32*)(of + 32), *(const u32*)(of + 64), *(const u32*)(of + 96));
            }
            stream.release(lane);
        }
#pragma unroll
        for (int b = 0; b < B; b++)
            if (i == 0) {
                float* to = partial + (share * B + b) * Experts + task % RouteTiles * 16 + g;
                to[0] = sum[b];
                to[8] = sum[b + 2];
            }
    }
}
// One warp. chosen: in shared memory.
template <int B> __device__ __forceinline__ void choose_experts(Routing& chosen, const float* partial, const RouterBias& bias) {
    int lane = threadIdx.x % 32, count = 0;
    for (int n = lane; n < MaxDistinct; n += 32) chosen.row[n][0] = chosen.row[n][1] = -1;
    __syncwarp();
#pragma unroll
    for (int b = 0; b < B; b++) {
        float logit[Experts / 32];
#pragma unroll
        for (int n = 0; n < Experts / 32; n++) {
            logit[n] = bias.v[n];
            for (int w = 0; w < RouterShares; w++) logit[n] = __fadd_rn(logit[n], partial[(w * B + b) * Experts + lane + 32 * n]);
        }
        Chosen c = choose(logit);
        if (lane == 0) {
#pragma unroll
            for (int s = 0; s < TopK; s++) {
                int found = count;
                for (int q = 0; q < count; q++)
                    if (chosen.expert[q] == c.index[s]) found = q;
                count += found == count;
                chosen.expert[found] = c.index[s];
                chosen.row[found][b] = b * TopK + s;
                chosen.weight[b * TopK + s] = c.weight[s];
            }
            chosen.count = count;
        }
        __syncwarp();
    }
}
// One block of 20 warps. Shared memory: 20 rings, B columns, scratch of 32 floats, [RouterShares][B][Experts] floats.
template <int B, int Slots> __device__ __forceinline__ void layered_route(const LayeredRouteParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    __shared__ Routing chosen;
    u8* columns = shared + RouteWarps * Slots * SlotBytes;
    float *scratch = (float*)(columns + B * ExpertHiddenStride), *partial = scratch + 32;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    Stream<Slots> stream(shared);
    stream.follow(route_source(p.router, warp));
    Gain<RouteWarps> gains(p.gain);
    RouterBias bias(p.bias);
    wait_for_previous();
    let_next_start();
#pragma unroll
    for (int b = 0; b < B; b++) {
        norm<RouteWarps, true>(columns + b * ExpertHiddenStride, PlainRow{p.residual + b * Hidden, nullptr, nullptr}, gains, scratch);
        __syncthreads();
    }
    router_products<B>(partial, stream, p.router, columns);
    for (int c = threadIdx.x; c < B * (Hidden / 8); c += RouteWarps * 32)
        *(uint4*)((u8*)p.x + (size_t)c * 16) = *(const uint4*)(columns + c / (Hidden / 8) * ExpertHiddenStride + c % (Hidden / 8) * 16);
    __syncthreads();
    if (warp) return;
    choose_experts<B>(chosen, partial, bias);
    for (int n = lane; n < (int)(sizeof(Routing) / 4); n += 32) ((u32*)p.routing)[n] = ((const u32*)&chosen)[n];
}
#define LAYERED_ROUTE(NAME, B, SLOTS) \
    extern "C" __global__ void __launch_bounds__(RouterShares * 64, 1) NAME(const __grid_constant__ LayeredRouteParameters p) { \
        layered_route<B, SLOTS>(p); \
    } \
    EMULATE_KERNEL(NAME)

struct LayeredExpertParameters {
    bf16* h;         // [B * TopK][Intermediate], in the order of expert_place
    float* residual; // down: [B][Hidden], the experts' sum is added
    const bf16* x;   // up: [B][Hidden]
    const Routing* routing;
    const u8* weights;
    const bf16* bias;
};
// gate_up and SwiGLU; it cannot ask before its wait, since the router decides.
// grid 2 Intermediate / 16 * TopK * B / Warps, rounded up; B columns.
template <class Tile, int B, int Warps, int Slots> __device__ __forceinline__ void layered_up(const LayeredExpertParameters& p) {
    constexpr int Tiles = 2 * Intermediate / 16;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    Stream<Slots> stream(shared);
    int t = blockIdx.x * Warps + threadIdx.x / 32, q = t / Tiles, tile = t % Tiles, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3,
        feature = tile * 8 + g;
    wait_for_previous();
    let_next_start();
    int count = B == 1 ? TopK : (int)load_cg4(&p.routing->count);
    if ((int)(blockIdx.x * Warps / Tiles) >= count) return;
    bool live = q < count;
    int expert = live ? (int)load_cg4(p.routing->expert + q) : 0;
    if (live) stream.follow(expert_source<Tile>(p.weights, expert, tile, Tiles, Hidden / 64));
    for (int c = threadIdx.x; c < B * (Hidden / 8); c += Warps * 32)
        *(uint4*)(x + c / (Hidden / 8) * ExpertHiddenStride + c % (Hidden / 8) * 16) = load_cg16((const u8*)p.x + (size_t)c * 16);
    u32 both = live ? *(const u32*)(p.bias + (size_t)expert * (2 * Intermediate) + feature * 2) : 0;
    __syncthreads();
    if (!live) return;
    float4 sums = expert_tile<Tile, Hidden / 64>(stream, x + (B == 1 ? 0 : g % B * ExpertHiddenStride));
    const float y[4] = {sums.x, sums.y, sums.z, sums.w};
#pragma unroll
    for (int b = 0; b < B; b++) {
        int row = load_cg4(&p.routing->row[q][b]);
        float value = swiglu(__fadd_rn(y[b], low_bf16(both)), __fadd_rn(y[b + 2], high_bf16(both)));
        if (i == 0 && row >= 0) p.h[(size_t)row * Intermediate + expert_place(feature)] = (bf16)pack_bf16(value, 0);
    }
}
#define LAYERED_UP(NAME, TILE, B, WARPS, SLOTS, RESIDENT) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, RESIDENT) NAME(const __grid_constant__ LayeredExpertParameters p) { \
        layered_up<TILE, B, WARPS, SLOTS>(p); \
    } \
    EMULATE_KERNEL(NAME)

// down: a block has one tile of 16 rows of all experts, adds them in slot order, and the residual. grid Hidden / 16; B * TopK warps.
// Shared memory: rings, B * TopK columns, [B * TopK][16] floats.
template <class Tile, int B, int Slots> __device__ __forceinline__ void layered_down(const LayeredExpertParameters& p) {
    constexpr int Warps = B * TopK;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* result = (float*)(x + Warps * ExpertInterStride);
    Stream<Slots> stream(shared);
    int q = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3, tile = blockIdx.x;
    int count = B == 1 ? TopK : (int)load_cg4(&p.routing->count); // routed two kernels ago
    bool live = q < count;
    int expert = live ? (int)load_cg4(p.routing->expert + q) : 0;
    if (live) stream.follow(expert_source<Tile>(p.weights, expert, tile, Hidden / 16, Intermediate / 64));
    const bf16* bias = p.bias + (size_t)expert * Hidden + tile * 16 + g;
    float low = bf16_to_float(bias[0]), high = bf16_to_float(bias[8]), weight[B], old = 0;
    int row[B];
#pragma unroll
    for (int b = 0; b < B; b++) {
        row[b] = live ? (int)load_cg4(&p.routing->row[q][b]) : -1;
        weight[b] = row[b] >= 0 ? load_cg_float(p.routing->weight + row[b]) : 0;
    }
    float* to = p.residual + threadIdx.x / 16 % B * Hidden + tile * 16 + threadIdx.x % 16;
    if (threadIdx.x < 16 * B) old = load_cg_float(to);
    wait_for_previous();
    let_next_start();
    for (int c = threadIdx.x; c < Warps * (Intermediate / 8); c += Warps * 32)
        *(uint4*)(x + c / (Intermediate / 8) * ExpertInterStride + c % (Intermediate / 8) * 16) =
            load_cg16((const u8*)p.h + (size_t)c * 16);
    __syncthreads();
    if (live) {
        int own = row[B == 1 ? 0 : g % B];
        if (B > 1 && own < 0) own = row[(g + 1) % B];
        float4 sums = expert_tile<Tile, Intermediate / 64>(stream, x + own * ExpertInterStride);
        const float y[4] = {sums.x, sums.y, sums.z, sums.w};
#pragma unroll
        for (int b = 0; b < B; b++)
            if (i == 0 && row[b] >= 0) {
                result[row[b] * 16 + g] = __fmul_rn(__fadd_rn(y[b], low), weight[b]);
                result[row[b] * 16 + g + 8] = __fmul_rn(__fadd_rn(y[b + 2], high), weight[b]);
            }
    }
    __syncthreads();
    if (threadIdx.x < 16 * B) {
        const float* from = result + threadIdx.x / 16 * (TopK * 16) + threadIdx.x % 16;
        float sum = from[0];
#pragma unroll
        for (int e = 1; e < TopK; e++) sum = __fadd_rn(sum, from[e * 16]);
        *to = __fadd_rn(old, sum);
    }
}
#define LAYERED_DOWN(NAME, TILE, B, SLOTS, RESIDENT) \
    extern "C" __global__ void __launch_bounds__((B) * TopK * 32, RESIDENT) NAME(const __grid_constant__ LayeredExpertParameters p) { \
        layered_down<TILE, B, SLOTS>(p); \
    } \
    EMULATE_KERNEL(NAME)
