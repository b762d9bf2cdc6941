// One or two tokens through a layer: the dense matrices. Needs stream.cu, and dense.cu's `finish` (the arithmetic after the sum).
//
// Before its wait a kernel asks for the first weights of every warp. All blocks of a kernel must fit on the card at once,
// with room for the next kernel's.
//
//     shared memory: [Warps] rings, then B columns of x, then scratch
struct LayeredQkvParameters {
    bf16* qkv;             // [B][QkvWidth]
    float* residual;       // [B][Hidden]; written here if there is an embedding
    const bf16* embedding; // [vocabulary][TrueHidden], or null: the residual is there
    const int* tokens;     // [B]; ~r: chosen[r]
    const int* chosen;
    const u8* weights;
    const float* scales;
    const bf16* bias;
    const bf16* gain;
    int vocabulary;
};
// grid QkvWidth / 8 / Warps, rounded up.
template <class Strip, int B, int Warps, int Slots> __device__ __forceinline__ void layered_qkv(const LayeredQkvParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* scratch = (float*)(x + B * HiddenStride);
    int strip = blockIdx.x * Warps + threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, row = strip * 8 + 2 * (lane & 3);
    bool live = strip < QkvWidth / 8;
    Stream<Slots> stream(shared);
    stream.follow(dense_source<Strip>(p.weights, strip, QkvWidth / 8, Hidden / 64));
    Gain<Warps> gains(p.gain);
    u32 bias = live ? *(const u32*)(p.bias + row) : 0;
    float2 scale = Strip::Scaled && live ? *(const float2*)(p.scales + row) : make_float2(1, 1);
    wait_for_previous();
    let_next_start();
#pragma unroll
    for (int b = 0; b < B; b++) {
        const bf16* embedded = nullptr;
        if (p.embedding) {
            int token = p.tokens[b];
            if (token < 0) token = p.chosen[~token];
            // a row that the host samples has no token yet
            embedded = p.embedding + (size_t)min(max(token, 0), p.vocabulary - 1) * TrueHidden;
        }
        norm<Warps, false>(x + b * HiddenStride,
            PlainRow{p.residual + b * Hidden, embedded, blockIdx.x == 0 ? p.residual + b * Hidden : nullptr}, gains, scratch);
        __syncthreads();
    }
    if (!live) return;
    float2 y = dense_strip<Strip, B>(stream, Hidden / 64, x, HiddenStride);
    if (g < B)
        *(u32*)(p.qkv + (size_t)g * QkvWidth + row) =
            pack_bf16(finish(y.x, scale.x, Strip::Scaled, low_bf16(bias)), finish(y.y, scale.y, Strip::Scaled, high_bf16(bias)));
}
#define LAYERED_QKV(NAME, STRIP, B, WARPS, SLOTS) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ LayeredQkvParameters p) { \
        layered_qkv<STRIP, B, WARPS, SLOTS>(p); \
    } \
    EMULATE_KERNEL(NAME)

struct LayeredOutputParameters {
    float* residual; // [B][Hidden]: the projection is added
    const u8* att;   // [B][AttendedWidth * 4 bytes], attention's output in the order of dense_place
    const u8* weights;
    const float* scales;
    const bf16* bias;
};
// grid Hidden / 8 / Warps, rounded up.
template <class Strip, int B, int Warps, int Slots> __device__ __forceinline__ void layered_output(const LayeredOutputParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    int strip = blockIdx.x * Warps + threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, row = strip * 8 + 2 * (lane & 3);
    bool live = strip < Hidden / 8;
    Stream<Slots> stream(shared);
    stream.follow(dense_source<Strip>(p.weights, strip, Hidden / 8, AttendedWidth / 64));
    u32 bias = live ? *(const u32*)(p.bias + row) : 0;
    float2 scale = Strip::Scaled && live ? *(const float2*)(p.scales + row) : make_float2(1, 1);
    float2 old = live ? load_cg_float2(p.residual + g % B * Hidden + row) : make_float2(0, 0); // at least two kernels old
    wait_for_previous();
    let_next_start();
    for (int c = threadIdx.x; c < B * (AttendedWidth / 4); c += Warps * 32)
        *(uint4*)(x + c / (AttendedWidth / 4) * AttendedStride + c % (AttendedWidth / 4) * 16) = load_cg16(p.att + (size_t)c * 16);
    __syncthreads();
    if (!live) return;
    float2 y = dense_strip<Strip, B>(stream, AttendedWidth / 64, x, AttendedStride);
    if (g < B)
        *(float2*)(p.residual + g * Hidden + row) = make_float2(__fadd_rn(old.x, finish(y.x, scale.x, Strip::Scaled, low_bf16(bias))),
            __fadd_rn(old.y, finish(y.y, scale.y, Strip::Scaled, high_bf16(bias))));
}
#define LAYERED_OUTPUT(NAME, STRIP, B, WARPS, SLOTS) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ LayeredOutputParameters p) { \
        layered_output<STRIP, B, WARPS, SLOTS>(p); \
    } \
    EMULATE_KERNEL(NAME)

struct LayeredHeadParameters {
    float* logits;         // [B][Vocabulary]
    const float* residual; // [B][Hidden]
    const bf16* gain;
    const u8* weights;
    const float* scales;
};
// grid: as many blocks as fit; each warp takes strip after strip.
template <class Strip, int B, int Warps, int Slots> __device__ __forceinline__ void layered_head(const LayeredHeadParameters& p) {
    constexpr int Strips = Vocabulary / 8;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* scratch = (float*)(x + B * HiddenStride);
    Stream<Slots> stream(shared);
    int lane = threadIdx.x % 32, g = lane >> 2, step = gridDim.x * Warps, strip = threadIdx.x / 32 * gridDim.x + blockIdx.x;
    Gain<Warps> gains(p.gain);
    stream.follow(dense_source<Strip>(p.weights, strip, Strips, Hidden / 64));
    wait_for_previous();
    let_next_start();
#pragma unroll
    for (int b = 0; b < B; b++) {
        norm<Warps, false>(x + b * HiddenStride, PlainRow{p.residual + b * Hidden, nullptr, nullptr}, gains, scratch);
        __syncthreads();
    }
    for (; strip < Strips; strip += step) {
        stream.follow(dense_source<Strip>(p.weights, strip + step, Strips, Hidden / 64));
        int row = strip * 8 + 2 * (lane & 3);
        float2 scale = Strip::Scaled ? *(const float2*)(p.scales + row) : make_float2(1, 1);
        float2 y = dense_strip<Strip, B>(stream, Hidden / 64, x, HiddenStride);
        if (g < B)
            *(float2*)(p.logits + (size_t)g * Vocabulary + row) =
                make_float2(finish(y.x, scale.x, Strip::Scaled, 0), finish(y.y, scale.y, Strip::Scaled, 0));
    }
}
#define LAYERED_HEAD(NAME, STRIP, B, WARPS, SLOTS) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ LayeredHeadParameters p) { \
        layered_head<STRIP, B, WARPS, SLOTS>(p); \
    } \
    EMULATE_KERNEL(NAME)
