constexpr int Hidden = 2880, TrueHidden = 2880, Intermediate = 2880;
constexpr int KvHeads = 4, Group = 8, Heads = KvHeads * Group, Dim = 64, TrueDim = 64;
constexpr int QueryWidth = Heads * Dim, QkvWidth = QueryWidth + 2 * KvHeads * Dim, AttendedWidth = 4096;
constexpr int Experts = 32, TrueExperts = 32, TopK = 4;
constexpr int Vocabulary = 201088, TrueVocabulary = 201088;
constexpr float NormEpsilon = 1e-5f, SwiGluLimit = 7.0f;
// What every kernel shares: number formats, tensor core and copy instructions, dependent launch, and the arithmetic whose order is part of the result.
//
// A kernel file includes nothing and is compiled as
//     constants of the model (CudaShape) + common.cu + the files it needs + one line for each variant,
// by NVRTC for a GPU and by g++ for the tests (cuda_emulation.h). Each inline-PTX function has a second body for the emulation.
//
// All widths are padded so that no kernel has a remainder to care for; padding is zero and adds exact zeros:
//     Hidden, Intermediate   multiples of 64 (the model's own: TrueHidden)
//     Dim                    64; a narrower head (TrueDim) has its halves at 0 and 32, so that rotation still pairs d with d + 32
//     Experts                rows of the router, a multiple of 32; those without an expert have a bias of -inf
//     Vocabulary             a multiple of 8 (the model's own: TrueVocabulary)
typedef unsigned short bf16; // raw bits
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#ifndef CUDA_EMULATION
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(1024) type name[]
#define EMULATE_KERNEL(name)
#endif

constexpr int Page = 16;      // tokens of a block of the cache
constexpr int NormWarps = 24; // RMSNorm: 24 warps x 32 lanes x 4 values
constexpr float Log2e = 1.4426950408889634f;
constexpr float AttentionScale = TrueDim == 64 ? 0.125f : TrueDim == 32 ? 0.17677669529663688f : TrueDim == 16 ? 0.25f : 0.35355339059327376f;
static_assert(Hidden % 64 == 0 && Hidden <= NormWarps * 128 && Intermediate % 64 == 0 && Experts % 32 == 0 && Vocabulary % 8 == 0, "see CudaShape");
static_assert(Dim == 64 && (TrueDim == 64 || TrueDim == 32 || TrueDim == 16 || TrueDim == 8), "see CudaShape");
static_assert(Heads == KvHeads * Group && 8 % Group == 0 && TopK >= 1 && TopK <= 8, "see CudaShape");

__device__ __forceinline__ float bf16_to_float(bf16 v) { return __uint_as_float((u32)v << 16); }
__device__ __forceinline__ float low_bf16(u32 pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float high_bf16(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }
__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// Programmatic dependent launch (sm_90): a kernel may start while the one before it drains. Every kernel waits first and then lets the next one start;
// before the wait it may read only what is at least two kernels old, such as weights. Without the launch attribute, and below sm_90, both do nothing.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
__device__ __forceinline__ void wait_for_previous() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
__device__ __forceinline__ void let_next_start() { asm volatile("griddepcontrol.launch_dependents;" ::: "memory"); }
#else
__device__ __forceinline__ void wait_for_previous() {}
__device__ __forceinline__ void let_next_start() {}
#endif

#ifndef CUDA_EMULATION
__device__ __forceinline__ u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }
__device__ __forceinline__ u32 pack_bf16(float low, float high) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
__device__ __forceinline__ float half_to_float(u16 v) {
    float r;
    asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(v));
    return r;
}
__device__ __forceinline__ float exp2_approx(float x) {
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
}
__device__ __forceinline__ float log2_approx(float x) {
    float r;
    asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
}
// x * y for two bf16 each; sm_80 has no mul.bf16x2, so fma with -0. Subnormals count (the MXFP4 decode needs them).
__device__ __forceinline__ u32 multiply_bf16x2(u32 x, u32 y) {
    u32 r;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(y), "r"(0x80008000u));
    return r;
}
// d[16 x 8] += a[16 x 16] * b[16 x 8]
__device__ __forceinline__ void mma(float (&d)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
// Four 8x8 matrices of 16-bit values; lane l gives the address of row l % 8 of matrix l / 8.
__device__ __forceinline__ void load_matrix_x4(u32 (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row)));
}
__device__ __forceinline__ void load_matrix_x4_transposed(u32 (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row)));
}
// 16 bytes from global to shared memory in the background; !valid fills with zeros without reading.
__device__ __forceinline__ void copy_async_16(void* shared, const void* global, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(valid ? 16 : 0));
}
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;"); }
template <int Pending> __device__ __forceinline__ void copy_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(Pending)); }
// Loads that see what another kernel wrote while this one already ran (.cg: not from this multiprocessor's cache).
__device__ __forceinline__ uint4 load_cg16(const void* p) {
    uint4 v;
    asm volatile("ld.global.cg.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p) : "memory");
    return v;
}
__device__ __forceinline__ uint2 load_cg8(const void* p) {
    uint2 v;
    asm volatile("ld.global.cg.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p) : "memory");
    return v;
}
__device__ __forceinline__ u32 load_cg4(const void* p) {
    u32 v;
    asm volatile("ld.global.cg.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
    return v;
}
__device__ __forceinline__ u32 add_acq_rel(u32* p) {
    u32 r;
    asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;" : "=r"(r) : "l"(p) : "memory");
    return r;
}
#endif

__device__ __forceinline__ void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) { mma(d, a[0], a[1], a[2], a[3], b0, b1); }
__device__ __forceinline__ float load_cg_float(const float* p) { return __uint_as_float(load_cg4(p)); }
__device__ __forceinline__ float4 load_cg_float4(const float* p) {
    uint4 v = load_cg16(p);
    return make_float4(__uint_as_float(v.x), __uint_as_float(v.y), __uint_as_float(v.z), __uint_as_float(v.w));
}
__device__ __forceinline__ float2 load_cg_float2(const float* p) {
    uint2 v = load_cg8(p);
    return make_float2(__uint_as_float(v.x), __uint_as_float(v.y));
}

// ---- arithmetic that several kernels must do alike --------------------------------------------------------------------------------------
// Every product and sum is written out: left to itself a compiler contracts a * b + c * d in either way, and two kernels would differ in the last bit.
__device__ __forceinline__ float sum_of_squares(float4 v) { return fmaf(v.w, v.w, fmaf(v.z, v.z, fmaf(v.y, v.y, __fmul_rn(v.x, v.x)))); }
__device__ __forceinline__ float warp_sum(float v) {
    for (int o = 16; o; o /= 2) v = __fadd_rn(v, __shfl_xor_sync(0xffffffffu, v, o));
    return v;
}
// partial: the sum of squares of each of NormWarps warps.
__device__ __forceinline__ float norm_scale(const float* partial) {
    float square = 0;
#pragma unroll
    for (int w = 0; w < NormWarps; w++) square = __fadd_rn(square, partial[w]);
    return rsqrtf(__fadd_rn(__fdiv_rn(square, (float)TrueHidden), NormEpsilon));
}
__device__ __forceinline__ float normed(float v, float scale, float gain) { return __fmul_rn(__fmul_rn(v, scale), gain); }
// Rotates the pair (x, y) of dimensions d and d + 32 by the angle whose (cos, sin) is given.
__device__ __forceinline__ float2 rotated(float x, float y, float2 angle) {
    return make_float2(fmaf(x, angle.x, -__fmul_rn(y, angle.y)), fmaf(y, angle.x, __fmul_rn(x, angle.y)));
}
// openai/gpt-oss, torch/model.py, swiglu: the gate has no lower bound.
__device__ __forceinline__ float swiglu(float gate, float up) {
    gate = min(gate, SwiGluLimit);
    up = max(-SwiGluLimit, min(up, SwiGluLimit));
    return __fmul_rn(__fdiv_rn(gate, __fadd_rn(1.0f, exp2_approx(__fmul_rn(gate, -1.702f * Log2e)))), __fadd_rn(up, 1.0f));
}
// What two cards say to each other. Needs common.cu.
//
// Numbers only grow: what was said in an earlier step can never pass for news, and nothing has to be cleared. Two ways:
//
//     words   8 bytes: 4 bytes of data and the number, stored and loaded as one; data and flag cannot come apart, and no fence is needed. They lie at the same
//             offset in both cards' arenas: a store goes to the own one and `shift` bytes further. A card reads its own arena alone.
//     flags   plain stores of any size, then the number, with release and acquire: for more than some 100 KB
//
// A card that has waited longer than its patience says so in `error`, and then nobody waits any more. The step ends with garbage, and the host looks at the word.
struct Wire {
    const u32* number; // of the step
    u32* error;        // not 0: somebody has waited too long
    u64 patience;      // nanoseconds
    long long shift;   // words: from a place of the own arena to the same place of the other card's, or of the inbox from which the other card takes it
};
#ifndef CUDA_EMULATION
__device__ __forceinline__ u64 nanoseconds() {
    u64 t;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t)::"memory");
    return t;
}
__device__ __forceinline__ u32 load_relaxed(const u32* at) {
    u32 v;
    asm volatile("ld.relaxed.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(at) : "memory");
    return v;
}
__device__ __forceinline__ u32 load_acquire(const u32* at) {
    u32 v;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(at) : "memory");
    return v;
}
__device__ __forceinline__ void store_release(u32* at, u32 v) { asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(at), "r"(v) : "memory"); }
__device__ __forceinline__ void store_relaxed(u32* at, u32 v) { asm volatile("st.relaxed.sys.global.u32 [%0], %1;" ::"l"(at), "r"(v) : "memory"); }
__device__ __forceinline__ void store_word(void* at, u32 value, u32 number) {
    asm volatile("st.relaxed.sys.global.u64 [%0], %1;" ::"l"(at), "l"((u64)number << 32 | value) : "memory");
}
__device__ __forceinline__ void store_words(void* at, u32 a, u32 b, u32 number) {
    asm volatile("st.relaxed.sys.global.v2.u64 [%0], {%1, %2};" ::"l"(at), "l"((u64)number << 32 | a), "l"((u64)number << 32 | b) : "memory");
}
__device__ __forceinline__ uint4 load_words(const void* at) {
    u64 a, b;
    asm volatile("ld.relaxed.sys.global.v2.u64 {%0, %1}, [%2];" : "=l"(a), "=l"(b) : "l"(at) : "memory");
    return make_uint4((u32)a, (u32)(a >> 32), (u32)b, (u32)(b >> 32));
}
__device__ __forceinline__ uint2 load_word(const void* at) {
    u64 a;
    asm volatile("ld.relaxed.sys.global.u64 %0, [%1];" : "=l"(a) : "l"(at) : "memory");
    return make_uint2((u32)a, (u32)(a >> 32));
}
__device__ __forceinline__ void fence_system() { asm volatile("fence.acq_rel.sys;" ::: "memory"); }
__device__ __forceinline__ void let_others_run() {}
#endif
// Whether to stop waiting, asked again and again with a count that begins at 0. Looks at nothing but the count most of the time: most waits are short.
__device__ __forceinline__ bool give_up(const Wire& w, u32 tries, u64& since) {
    let_others_run();
    if (tries % 256 != 255) return false;
    if (load_relaxed(w.error)) return true;
    u64 now = nanoseconds();
    if (!since) since = now;
    if (now - since < w.patience) return false;
    store_relaxed(w.error, 1);
    return true;
}
// Until the flag has this number, or a later one.
__device__ __forceinline__ void wait_for_flag(const Wire& w, const u32* flag, u32 number) {
    u64 since = 0;
    for (u32 tries = 0; (int)(load_acquire(flag) - number) < 0; tries++)
        if (give_up(w, tries, since)) return;
}

// ---- words ------------------------------------------------------------------------------------------------------------------------------------
// To both cards.
__device__ __forceinline__ void tell(const Wire& w, void* at, u32 value, u32 number) {
    store_word((u8*)at + w.shift, value, number);
    store_word(at, value, number);
}
__device__ __forceinline__ void tell_pair(const Wire& w, void* at, u32 a, u32 b, u32 number) {
    store_words((u8*)at + w.shift, a, b, number);
    store_words(at, a, b, number);
}
__device__ __forceinline__ u32 is_old(uint4 v, u32 number) { return (v.y ^ number) | (v.w ^ number); }
// N pairs of words at at(n) (null: none), all asked for together, until all are of this step. All 32 lanes come along. While something is missing only one lane of
// a warp asks, for one word: a card full of blocks that all ask for everything slows down the work they wait for.
template <int N, class At> __device__ __forceinline__ void collect(uint4 (&v)[N], const Wire& w, u32 number, At at) {
#pragma unroll
    for (int n = 0; n < N; n++)
        if (const void* p = at(n)) v[n] = load_words(p);
    for (;;) {
        const void* missing = nullptr;
#pragma unroll
        for (int n = 0; n < N; n++)
            if (at(n) && is_old(v[n], number)) missing = at(n);
        u32 lanes = __ballot_sync(0xffffffffu, missing != nullptr);
        if (!lanes) return;
        int up = 0;
        if ((int)(threadIdx.x & 31) == __ffs(lanes) - 1) {
            u64 since = 0;
            for (u32 tries = 0; is_old(load_words(missing), number); tries++)
                if (give_up(w, tries, since)) {
                    up = 1;
                    break;
                }
        }
        if (__any_sync(0xffffffffu, up)) return;
#pragma unroll
        for (int n = 0; n < N; n++)
            if (const void* p = at(n)) v[n] = load_words(p);
    }
}
// The same for any lanes.
template <int N, class At> __device__ __forceinline__ void collect_alone(uint4 (&v)[N], const Wire& w, u32 number, At at) {
    u64 since = 0;
    u32 old = 1;
    for (u32 tries = 0; old; tries++) {
        old = 0;
#pragma unroll
        for (int n = 0; n < N; n++)
            if (const void* p = at(n)) v[n] = load_words(p);
#pragma unroll
        for (int n = 0; n < N; n++)
            if (at(n)) old |= is_old(v[n], number);
        if (old && give_up(w, tries, since)) return;
    }
}
// Single words, any lanes.
template <int N, class At> __device__ __forceinline__ void collect_words(u32 (&v)[N], const Wire& w, u32 number, At at) {
    u64 since = 0;
    u32 old = 1;
    for (u32 tries = 0; old; tries++) {
        uint2 one[N];
        old = 0;
#pragma unroll
        for (int n = 0; n < N; n++) one[n] = load_word(at(n));
#pragma unroll
        for (int n = 0; n < N; n++) {
            old |= one[n].y ^ number;
            v[n] = one[n].x;
        }
        if (old && give_up(w, tries, since)) return;
    }
}
// Between the kernels of a layer: every card has some columns of the result and gets the others from the other card. Needs wire.cu.
//
//     rows [count][stride bytes]:   | own columns of card 0 | own columns of card 1 |      the same place on both
//
// A block has some segments of rows, the same on both cards: it sends its card's, raises its flag there, and waits for the other card's flag. So a block waits only
// for the block of its own number, and blocks begin in the order of their numbers: nobody waits for ever. Cards that cannot see each other's memory send into an
// inbox in main memory, from which the other card takes it; a second inbox is used in turn, since the next exchange may begin before the last one is read.
struct ExchangeParameters {
    u8* rows;              // this card's
    u8* there;             // where the other card's lie, or the inbox into which this card sends
    const u8* inbox;       // null: the other card stores straight into `rows`
    const float* add;      // float [count][parts][own columns], summed in order and added to the own columns first; null: nothing
    u32* flag_there;       // [blocks]
    const u32* flag_here;
    Wire wire;
    int count, stride;     // bytes; a multiple of 16 like all of these:
    int first, own;        // this card's columns
    int other_first, other;
    int parts;
    int number;            // of this exchange in its step
    int segments, bytes;   // of a row: how many, and of how many bytes
};
// A warp has a segment of a row: at (row, column) of each of its pieces of 16 bytes, a few at once. get: what is there; put: what to do with it.
template <class Get, class Put> __device__ __forceinline__ void for_pieces(int count, int columns, int segments, int bytes, Get get, Put put) {
    constexpr int Each = 4, Step = 32 * 16;
    int warps = gridDim.x * (blockDim.x / 32), lane = threadIdx.x % 32;
    for (int unit = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; unit < count * segments; unit += warps) {
        int row = unit / segments, first = (unit - row * segments) * bytes, end = min(columns, first + bytes);
        for (int column = first + lane * 16; column < end; column += Each * Step) {
            uint4 v[Each];
#pragma unroll
            for (int n = 0; n < Each; n++)
                if (column + n * Step < end) v[n] = get(row, column + n * Step);
#pragma unroll
            for (int n = 0; n < Each; n++)
                if (column + n * Step < end) put(row, column + n * Step, v[n]);
        }
    }
}
__device__ __forceinline__ float4 plus(float4 a, float4 b) { return make_float4(__fadd_rn(a.x, b.x), __fadd_rn(a.y, b.y), __fadd_rn(a.z, b.z), __fadd_rn(a.w, b.w)); }
extern "C" __global__ void __launch_bounds__(512) exchange(const __grid_constant__ ExchangeParameters p) {
    wait_for_previous();
    let_next_start();
    u32 number = *p.wire.number + p.number;
    auto place = [&](int row, int column) { return (size_t)row * p.stride + p.first + column; };
    for_pieces(p.count, p.own, p.segments, p.bytes, [&](int row, int column) {
        uint4 v = *(const uint4*)(p.rows + place(row, column));
        if (!p.add) return v;
        const float4* more = (const float4*)((const u8*)p.add + (size_t)row * p.parts * p.own + column);
        float4 sum = more[0], old = make_float4(__uint_as_float(v.x), __uint_as_float(v.y), __uint_as_float(v.z), __uint_as_float(v.w));
        for (int e = 1; e < p.parts; e++) sum = plus(sum, more[(size_t)e * (p.own / 16)]);
        sum = plus(old, sum);
        return make_uint4(__float_as_uint(sum.x), __float_as_uint(sum.y), __float_as_uint(sum.z), __float_as_uint(sum.w));
    }, [&](int row, int column, uint4 v) {
        *(uint4*)(p.there + (p.inbox ? (size_t)row * p.own + column : place(row, column))) = v;
        if (p.add) *(uint4*)(p.rows + place(row, column)) = v;
    });
    __syncthreads();
    if (threadIdx.x == 0) { // its release covers what the barrier has ordered before it: the whole block's stores
        store_release(p.flag_there + blockIdx.x, number);
        wait_for_flag(p.wire, p.flag_here + blockIdx.x, number);
    }
    __syncthreads();
    if (p.inbox)
        for_pieces(p.count, p.other, p.segments, p.bytes, [&](int row, int column) { return load_words(p.inbox + (size_t)row * p.other + column); },
            [&](int row, int column, uint4 v) { *(uint4*)(p.rows + (size_t)row * p.stride + p.other_first + column) = v; });
}
EMULATE_KERNEL(exchange)

