// One or two tokens through a layer on two cards, the bits of one: the dense matrices. Needs wire.cu, stream.cu and dense.cu's `finish`.
//
// Every card has some of the rows of every matrix and all of k, and tells both cards its results, a word (wire.cu) for 4 bytes;
// residual, RMSNorm and router are on both.
// What crosses has an array for each layer:
//
//     hidden [B][Hidden]             into the layer         float
//     att    [B][AttendedWidth / 2]  attention's output     bf16 pairs, in the order of dense_place
//     mid    [B][Hidden]             after attention        float
//     h      [B * TopK][Inter / 2]   SwiGLU's output        bf16 pairs, in the order of expert_place
//
// Crew: all warps of a block. The first `Warps` stream weights; all gather and normalize, which is what the time hangs on at half the
// weights a card.
// Flow: words alone say what is there, not the end of the kernel before; the next kernel may start when they are there, not before, since
// blocks that only wait take room and ask too much; and the wait comes last, so that the end of a kernel still means the end of all before
// it: attention, which reads plain memory, relies on that.
// Without flow (two tokens) kernels wait for each other as on one card.
template <bool Flow> __device__ __forceinline__ void at_start() {
    if (Flow) return;
    wait_for_previous();
    let_next_start();
}
template <bool Flow> __device__ __forceinline__ void when_there() {
    if (Flow) let_next_start();
}
template <bool Flow> __device__ __forceinline__ void at_end() {
    if (Flow) wait_for_previous();
}
// Where a row comes from: words; or the embedding table, and then it goes to `keep` as well.
struct WordRow {
    const u64* words;
    const bf16* embedded;
    u64* keep;
    const Wire& wire;
    u32 number;
    template <int Warps, int Rounds> __device__ __forceinline__ void fetch(float4 (&v)[Rounds]) const {
        int own = threadIdx.x * 4;
        if (embedded) {
#pragma unroll
            for (int r = 0; r < Rounds; r++) {
                int c = own + r * Warps * 128;
                v[r] = make_float4(0, 0, 0, 0);
                if (c >= Hidden) continue;
                v[r] = embedding_at(embedded, c);
                if (keep) {
                    store_words(keep + c, __float_as_uint(v[r].x), __float_as_uint(v[r].y), number);
                    store_words(keep + c + 2, __float_as_uint(v[r].z), __float_as_uint(v[r].w), number);
                }
            }
            return;
        }
        uint4 w[2 * Rounds];
        collect(w, wire, number, [&](int n) -> const void* {
            int c = own + n / 2 * Warps * 128;
            return c < Hidden ? words + c + n % 2 * 2 : nullptr;
        });
#pragma unroll
        for (int r = 0; r < Rounds; r++) {
            v[r] = make_float4(0, 0, 0, 0);
            if (own + r * Warps * 128 < Hidden)
                v[r] = make_float4(__uint_as_float(w[2 * r].x), __uint_as_float(w[2 * r].z), __uint_as_float(w[2 * r + 1].x),
                    __uint_as_float(w[2 * r + 1].z));
        }
    }
};

struct PairQkvParameters {
    bf16* qkv;             // [B][QkvWidth], this card's heads
    u64* hidden;           // written here, for this card alone, if there is an embedding
    const bf16* embedding; // [vocabulary][TrueHidden], or null
    const int* tokens;     // [B]; ~r: chosen[r]
    const int* chosen;
    const u8* weights;
    const float* scales;
    const bf16* bias;
    const bf16* gain;
    Wire wire;
    int vocabulary;
};
// grid QkvWidth / 8 / Warps, rounded up.
template <class Strip, int B, int Warps, int Slots, int Crew, bool Flow>
__device__ __forceinline__ void pair_qkv(const PairQkvParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* scratch = (float*)(x + B * HiddenStride);
    int strip = blockIdx.x * Warps + threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, row = strip * 8 + 2 * (lane & 3);
    bool live = (int)threadIdx.x < Warps * 32 && strip < QkvWidth / 8;
    Stream<Slots> stream(shared);
    if (live) stream.follow(dense_source<Strip>(p.weights, strip, QkvWidth / 8, Hidden / 64));
    Gain<Crew> gains(p.gain);
    u32 number = *p.wire.number, bias = live ? *(const u32*)(p.bias + row) : 0;
    float2 scale = Strip::Scaled && live ? *(const float2*)(p.scales + row) : make_float2(1, 1);
    at_start<Flow>();
#pragma unroll
    for (int b = 0; b < B; b++) {
        const bf16* embedded = nullptr;
        if (p.embedding) {
            int token = p.tokens[b];
            if (token < 0) token = p.chosen[~token];
            // a row that the host samples has no token yet
            embedded = p.embedding + (size_t)min(max(token, 0), p.vocabulary - 1) * TrueHidden;
        }
        norm<Crew, false>(x + b * HiddenStride,
            WordRow{p.hidden + b * Hidden, embedded, blockIdx.x == 0 ? p.hidden + b * Hidden : nullptr, p.wire, number}, gains, scratch);
        __syncthreads();
    }
    when_there<Flow>();
    if (live) {
        float2 y = dense_strip<Strip, B>(stream, Hidden / 64, x, HiddenStride);
        if (g < B)
            *(u32*)(p.qkv + (size_t)g * QkvWidth + row) =
                pack_bf16(finish(y.x, scale.x, Strip::Scaled, low_bf16(bias)), finish(y.y, scale.y, Strip::Scaled, high_bf16(bias)));
    }
    at_end<Flow>();
}
#define PAIR_QKV(NAME, STRIP, B, WARPS, SLOTS, CREW, FLOW) \
    extern "C" __global__ void __launch_bounds__((CREW) * 32, 1) NAME(const __grid_constant__ PairQkvParameters p) { \
        pair_qkv<STRIP, B, WARPS, SLOTS, CREW, FLOW>(p); \
    } \
    EMULATE_KERNEL(NAME)

struct PairOutputParameters {
    u64* mid;          // from this card's first row on, like `before`
    const u64* before; // hidden
    const u64* att;    // of both cards
    const u8* weights;
    const float* scales;
    const bf16* bias;
    Wire wire;
    int rows;
};
// grid rows / 8 / Warps, rounded up.
template <class Strip, int B, int Warps, int Slots, int Crew, bool Flow>
__device__ __forceinline__ void pair_output(const PairOutputParameters& p) {
    constexpr int Threads = Crew * 32, Pairs = AttendedWidth / 4, All = B * Pairs, Rounds = (All + Threads - 1) / Threads,
                  Each = Rounds > 16 ? 16 : Rounds;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    int strip = blockIdx.x * Warps + threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, row = strip * 8 + 2 * (lane & 3);
    bool live = (int)threadIdx.x < Warps * 32 && strip < p.rows / 8;
    Stream<Slots> stream(shared);
    if (live) stream.follow(dense_source<Strip>(p.weights, strip, p.rows / 8, AttendedWidth / 64));
    u32 number = *p.wire.number, bias = live ? *(const u32*)(p.bias + row) : 0;
    float2 scale = Strip::Scaled && live ? *(const float2*)(p.scales + row) : make_float2(1, 1);
    uint4 old[1] = {make_uint4(0, 0, 0, 0)};
    if (live) collect_alone(old, p.wire, number, [&](int) -> const void* { return p.before + g % B * Hidden + row; }); // two kernels old
    at_start<Flow>();
    for (int c0 = 0; c0 < All; c0 += Each * Threads) {
        uint4 v[Each];
        auto place = [&](int n) { return c0 + n * Threads + (int)threadIdx.x; };
        collect(v, p.wire, number, [&](int n) -> const void* { return place(n) < All ? p.att + (size_t)place(n) * 2 : nullptr; });
#pragma unroll
        for (int n = 0; n < Each; n++)
            if (place(n) < All) *(uint4*)(x + place(n) / Pairs * AttendedStride + place(n) % Pairs * 16) = make_uint4(v[n].x, 0, v[n].z, 0);
    }
    when_there<Flow>();
    __syncthreads();
    if (live) {
        float2 y = dense_strip<Strip, B>(stream, AttendedWidth / 64, x, AttendedStride);
        if (g < B)
            tell_pair(p.wire, p.mid + g * Hidden + row,
                __float_as_uint(__fadd_rn(__uint_as_float(old[0].x), finish(y.x, scale.x, Strip::Scaled, low_bf16(bias)))),
                __float_as_uint(__fadd_rn(__uint_as_float(old[0].z), finish(y.y, scale.y, Strip::Scaled, high_bf16(bias)))), number);
    }
    at_end<Flow>();
}
#define PAIR_OUTPUT(NAME, STRIP, B, WARPS, SLOTS, CREW, FLOW) \
    extern "C" __global__ void __launch_bounds__((CREW) * 32, 1) NAME(const __grid_constant__ PairOutputParameters p) { \
        pair_output<STRIP, B, WARPS, SLOTS, CREW, FLOW>(p); \
    } \
    EMULATE_KERNEL(NAME)

struct PairHeadParameters {
    float* logits;     // [B][stride], from this card's first row on
    const u64* hidden; // after the last layer
    const bf16* gain;
    const u8* weights;
    const float* scales;
    Wire wire;
    int rows, stride;
};
// grid: as many blocks as fit; each warp takes strip after strip.
template <class Strip, int B, int Warps, int Slots, bool Flow> __device__ __forceinline__ void pair_head(const PairHeadParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* scratch = (float*)(x + B * HiddenStride);
    Stream<Slots> stream(shared);
    int lane = threadIdx.x % 32, g = lane >> 2, step = gridDim.x * Warps, strip = threadIdx.x / 32 * gridDim.x + blockIdx.x,
        strips = p.rows / 8;
    Gain<Warps> gains(p.gain);
    stream.follow(dense_source<Strip>(p.weights, strip, strips, Hidden / 64));
    u32 number = *p.wire.number;
    at_start<Flow>();
#pragma unroll
    for (int b = 0; b < B; b++) {
        norm<Warps, false>(x + b * HiddenStride, WordRow{p.hidden + b * Hidden, nullptr, nullptr, p.wire, number}, gains, scratch);
        __syncthreads();
    }
    when_there<Flow>();
    for (; strip < strips; strip += step) {
        stream.follow(dense_source<Strip>(p.weights, strip + step, strips, Hidden / 64));
        int row = strip * 8 + 2 * (lane & 3);
        float2 scale = Strip::Scaled ? *(const float2*)(p.scales + row) : make_float2(1, 1);
        float2 y = dense_strip<Strip, B>(stream, Hidden / 64, x, HiddenStride);
        if (g < B)
            *(float2*)(p.logits + (size_t)g * p.stride + row) =
                make_float2(finish(y.x, scale.x, Strip::Scaled, 0), finish(y.y, scale.y, Strip::Scaled, 0));
    }
    at_end<Flow>();
}
#define PAIR_HEAD(NAME, STRIP, B, WARPS, SLOTS, FLOW) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ PairHeadParameters p) { \
        pair_head<STRIP, B, WARPS, SLOTS, FLOW>(p); \
    } \
    EMULATE_KERNEL(NAME)
