// One or two tokens through a layer on two cards: router and experts. Needs layered_experts.cu and pair_dense.cu (flow, crew, words).
//
// The router runs on both cards alike; what it says to the kernels behind it are words, too, in an array of the card's own for each layer.
constexpr int RoutingWords = sizeof(Routing) / 4, ExpertWord = 1, RowWord = 1 + MaxDistinct, WeightWord = 1 + 3 * MaxDistinct;
struct PairRouteParameters {
    u64* x;       // [B][Hidden / 2], normalized, for the experts
    u64* routing; // [RoutingWords]
    const u64* mid;
    const bf16* gain;
    const u8* router;
    const bf16* bias;
    Wire wire;
};
// One block of 20 warps; shared memory as layered_route.
template <int B, int Slots, bool Flow> __device__ __forceinline__ void pair_route(const PairRouteParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    __shared__ Routing chosen;
    u8* columns = shared + RouteWarps * Slots * SlotBytes;
    float *scratch = (float*)(columns + B * ExpertHiddenStride), *partial = scratch + 32;
    int warp = threadIdx.x / 32;
    Stream<Slots> stream(shared);
    stream.follow(route_source(p.router, warp));
    Gain<RouteWarps> gains(p.gain);
    RouterBias bias(p.bias);
    u32 number = *p.wire.number;
    at_start<Flow>();
#pragma unroll
    for (int b = 0; b < B; b++) {
        norm<RouteWarps, true>(
            columns + b * ExpertHiddenStride, WordRow{p.mid + b * Hidden, nullptr, nullptr, p.wire, number}, gains, scratch);
        __syncthreads();
    }
    when_there<Flow>();
    router_products<B>(partial, stream, p.router, columns);
    for (int c = threadIdx.x; c < B * (Hidden / 4); c += RouteWarps * 32) {
        uint2 v = *(const uint2*)(columns + c / (Hidden / 4) * ExpertHiddenStride + c % (Hidden / 4) * 8);
        store_words(p.x + c * 2, v.x, v.y, number);
    }
    __syncthreads();
    if (warp == 0) {
        choose_experts<B>(chosen, partial, bias);
        __syncwarp();
        for (int n = threadIdx.x; n < RoutingWords; n += 32) store_word(p.routing + n, ((const u32*)&chosen)[n], number);
    }
    at_end<Flow>();
}
#define PAIR_ROUTE(NAME, B, SLOTS, FLOW) \
    extern "C" __global__ void __launch_bounds__(RouterShares * 64, 1) NAME(const __grid_constant__ PairRouteParameters p) { \
        pair_route<B, SLOTS, FLOW>(p); \
    } \
    EMULATE_KERNEL(NAME)

struct PairExpertParameters {
    u64* h;             // up: from this card's first column on; down: of both cards
    u64* out;           // down: hidden of the next layer, from this card's first row on
    const u64* mid;     // down: likewise
    const u64* x;       // up
    const u64* routing;
    const u8* weights;
    const bf16* bias;
    Wire wire;
    int rows; // of an expert, this card's
};
// An expert of the step, for one warp.
template <int B> struct PairWork {
    bool live;
    int expert, row[B]; // row: of each token, or -1
    // q: which of the step's distinct experts
    __device__ __forceinline__ PairWork(const u64* routing, int q, const Wire& wire, u32 number) {
        u32 fields[B == 1 ? 1 : 4];
        int at = min(q, B * TopK - 1);
        collect_words(fields, wire, number, [&](int n) {
            return routing + (n == 0 ? ExpertWord + at : n == 1 ? 0 : RowWord + at * 2 + n - 2);
        });
        live = B == 1 ? q < TopK : q < (int)fields[B == 1 ? 0 : 1];
        expert = live ? (int)fields[0] : 0;
#pragma unroll
        for (int b = 0; b < B; b++) row[b] = !live ? -1 : B == 1 ? q : (int)fields[B == 1 ? 0 : 2 + b];
    }
};
// gate_up and SwiGLU. x is brought before the routing is there: a load behind 50 KB of asked-for weights takes microseconds.
// grid rows / 16 * TopK * B / Warps, rounded up.
template <class Tile, int B, int Warps, int Slots, bool Flow> __device__ __forceinline__ void pair_up(const PairExpertParameters& p) {
    constexpr int Threads = Warps * 32, Pairs = Hidden / 4, All = B * Pairs, Rounds = (All + Threads - 1) / Threads,
                  Each = Rounds > 16 ? 16 : Rounds;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    Stream<Slots> stream(shared);
    int tiles = p.rows / 16, t = blockIdx.x * Warps + threadIdx.x / 32, tile = t % tiles, lane = threadIdx.x % 32, g = lane >> 2,
        i = lane & 3, feature = tile * 8 + g;
    u32 number = *p.wire.number;
    at_start<Flow>();
    auto bring = [&]() {
        for (int c0 = 0; c0 < All; c0 += Each * Threads) {
            uint4 v[Each];
            auto place = [&](int n) { return c0 + n * Threads + (int)threadIdx.x; };
            collect(v, p.wire, number, [&](int n) -> const void* { return place(n) < All ? p.x + (size_t)place(n) * 2 : nullptr; });
#pragma unroll
            for (int n = 0; n < Each; n++)
                if (place(n) < All)
                    *(uint2*)(x + place(n) / Pairs * ExpertHiddenStride + place(n) % Pairs * 8) = make_uint2(v[n].x, v[n].z);
        }
    };
    if (Flow) bring();
    PairWork<B> work(p.routing, t / tiles, p.wire, number);
    if (work.live) stream.follow(expert_source<Tile>(p.weights, work.expert, tile, tiles, Hidden / 64));
    if (!Flow) bring();
    when_there<Flow>();
    u32 both = work.live ? *(const u32*)(p.bias + (size_t)work.expert * p.rows + feature * 2) : 0;
    __syncthreads();
    if (work.live) {
        float4 sums = expert_tile<Tile, Hidden / 64>(stream, x + (B == 1 ? 0 : g % B * ExpertHiddenStride));
        const float y[4] = {sums.x, sums.y, sums.z, sums.w};
#pragma unroll
        for (int b = 0; b < B; b++) {
            float value = swiglu(__fadd_rn(y[b], low_bf16(both)), __fadd_rn(y[b + 2], high_bf16(both))),
                  other = __shfl_down_sync(0xffffffffu, value, 16);
            if (i == 0 && g < 4 && work.row[b] >= 0) // expert_place: features g and g + 4 beside each other
                tell(p.wire, p.h + (size_t)work.row[b] * (Intermediate / 2) + tile * 4 + g, pack_bf16(value, other), number);
        }
    }
    at_end<Flow>();
}
#define PAIR_UP(NAME, TILE, B, WARPS, SLOTS, FLOW) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ PairExpertParameters p) { \
        pair_up<TILE, B, WARPS, SLOTS, FLOW>(p); \
    } \
    EMULATE_KERNEL(NAME)

// down: a block has one tile of 16 rows of all experts, adds them in slot order, and the residual. grid rows / 16.
// Shared memory: B * TopK rings, B * TopK columns, [B * TopK][16] floats.
template <class Tile, int B, int Slots, int Crew, bool Flow> __device__ __forceinline__ void pair_down(const PairExpertParameters& p) {
    constexpr int Warps = B * TopK, Threads = Crew * 32, Pairs = Intermediate / 4, All = Warps * Pairs,
                  Rounds = (All + Threads - 1) / Threads, Each = Rounds > 12 ? 12 : Rounds;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* result = (float*)(x + Warps * ExpertInterStride);
    Stream<Slots> stream(shared);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3, tile = blockIdx.x;
    u32 number = *p.wire.number;
    PairWork<B> work(p.routing, warp, p.wire, number); // routed two kernels ago
    bool live = warp < Warps && work.live;
    if (live) stream.follow(expert_source<Tile>(p.weights, work.expert, tile, p.rows / 16, Intermediate / 64));
    const bf16* bias = p.bias + (size_t)work.expert * p.rows + tile * 16 + g;
    float low = bf16_to_float(bias[0]), high = bf16_to_float(bias[8]), weight[B], old = 0;
    u32 weights_of[B];
    collect_words(weights_of, p.wire, number, [&](int n) { return p.routing + WeightWord + (live ? max(work.row[n], 0) : 0); });
#pragma unroll
    for (int b = 0; b < B; b++) weight[b] = live && work.row[b] >= 0 ? __uint_as_float(weights_of[b]) : 0;
    size_t own = threadIdx.x / 16 % B * Hidden + tile * 16 + threadIdx.x % 16;
    if (threadIdx.x < 16 * B) {
        u32 v[1];
        collect_words(v, p.wire, number, [&](int) { return p.mid + own; });
        old = __uint_as_float(v[0]);
    }
    at_start<Flow>();
    for (int c0 = 0; c0 < All; c0 += Each * Threads) {
        uint4 v[Each];
        auto place = [&](int n) { return c0 + n * Threads + (int)threadIdx.x; };
        collect(v, p.wire, number, [&](int n) -> const void* { return place(n) < All ? p.h + (size_t)place(n) * 2 : nullptr; });
#pragma unroll
        for (int n = 0; n < Each; n++)
            if (place(n) < All) *(uint2*)(x + place(n) / Pairs * ExpertInterStride + place(n) % Pairs * 8) = make_uint2(v[n].x, v[n].z);
    }
    when_there<Flow>();
    __syncthreads();
    if (live) {
        int mine = work.row[B == 1 ? 0 : g % B];
        if (B > 1 && mine < 0) mine = work.row[(g + 1) % B];
        float4 sums = expert_tile<Tile, Intermediate / 64>(stream, x + mine * ExpertInterStride);
        const float y[4] = {sums.x, sums.y, sums.z, sums.w};
#pragma unroll
        for (int b = 0; b < B; b++)
            if (i == 0 && work.row[b] >= 0) {
                result[work.row[b] * 16 + g] = __fmul_rn(__fadd_rn(y[b], low), weight[b]);
                result[work.row[b] * 16 + g + 8] = __fmul_rn(__fadd_rn(y[b + 2], high), weight[b]);
            }
    }
    __syncthreads();
    if (threadIdx.x < 16 * B) {
        const float* from = result + threadIdx.x / 16 * (TopK * 16) + threadIdx.x % 16;
        float sum = from[0];
#pragma unroll
        for (int e = 1; e < TopK; e++) sum = __fadd_rn(sum, from[e * 16]);
        tell(p.wire, p.out + own, __float_as_uint(__fadd_rn(old, sum)), number);
    }
    at_end<Flow>();
}
#define PAIR_DOWN(NAME, TILE, B, SLOTS, CREW, FLOW) \
    extern "C" __global__ void __launch_bounds__((CREW) * 32, 1) NAME(const __grid_constant__ PairExpertParameters p) { \
        pair_down<TILE, B, SLOTS, CREW, FLOW>(p); \
    } \
    EMULATE_KERNEL(NAME)
