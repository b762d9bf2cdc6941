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
// How weights lie in memory, and how a warp turns them into operands of the tensor cores. Packed once at load (pack.cu); one copy serves every kernel.
//
// Dense matrices are strips of 8 rows, each one contiguous stream over k:
//
//     [rows / 8][k / 64] chunks:   bf16  1024 bytes   [8 rows][64 values]; of row r, 16-byte piece p lies at p ^ r: free of conflicts for ldmatrix,
//                                                     and the 128-byte swizzle of wgmma
//                                  int8   512 bytes   [lane][4 steps]; a word has the row's values 2 i, 2 i + 1, 2 i + 8, 2 i + 9 of 16; and a float scale a row
//                                  int4   320 bytes   [lane][2 words of 2 steps]; then [8 rows][2 groups of 32 k] (float16 scale, 16-bit zero)
//
// (lane = 4 g + i: row g of 8, quarter i.) Experts are tiles of 16 rows, each one contiguous stream over k:
//
//     [expert][rows / 16][k / 64]: mxfp4  544 bytes   [16 places][64 values of 4 bits]; then [16 places][2 scales]
//                                  int4   640 bytes   [16 places][64 values of 4 bits]; then [16 places][2 groups] (float16 scale, 16-bit zero)
//                                  bf16  2048 bytes   [4 steps][lane][4 words]: operands as they are
//
// Places 0..7 are rows 0..7 of the tile and 8..15 its rows 8..15 (down), or its 8 gates and its 8 ups (gate_up: rows alternate), so that one thread holds
// both of a pair. The order of k inside 64 is "P64": a thread's 8 bytes of 4-bit values, 16 of one row, are its operands of 4 steps without any shuffle.
// Thread i of 4 holds k = 16 i + 8 w + j + 4 e, used in step 2 w + j / 2, register pair j % 2, half e. Activations for the experts are stored accordingly;
// whoever produces them (RMSNorm, SwiGLU) writes them in that order.
constexpr int RouterShares = 10, RouterSteps = (Hidden / 32 + RouterShares - 1) / RouterShares;

// Where the value at k lies in activations of P64 order.
__device__ __forceinline__ int p64(int k) { return (k & ~63) + ((k >> 3 & 1) << 5) + ((k & 3) << 3) + ((k >> 4 & 3) << 1) + (k >> 2 & 1); }

// ---- 4 bits -> bf16 ---------------------------------------------------------------------------------------------------------------------
// MXFP4 values j and j + 4 of the 8 in a packed word, as bf16x2, times 2^-126. Exact, subnormals included. A packed half word holds its four values with
// their bits (sign, e1, e0, m) where one shift and one mask find them: 0..2 become sign at 15 and e1 e0 m at 8..6; the fourth takes what is left.
template <int J> __device__ __forceinline__ u32 fp4_pair(u32 word) {
    if (J < 3) return (word << 3 * J) & 0x81c081c0u;
    return (word << 1 & 0x80008000u) | (word >> 5 & 0x01000100u) | (word >> 4 & 0x00c000c0u);
}
__device__ __forceinline__ u32 fp4_place(u32 nibble, int j) {
    return j == 0   ? (nibble & 8) << 12 | (nibble & 7) << 6
           : j == 1 ? (nibble & 8) << 9 | (nibble & 7) << 3
           : j == 2 ? (nibble & 8) << 6 | (nibble & 7)
                    : (nibble & 8) << 11 | (nibble & 4) << 11 | (nibble & 3) << 10;
}
// 2^(scale - 127) * 2^126 as bf16x2. Only for scales up to 128 (a factor of 2), which packing checks; real ones are near 120.
__device__ __forceinline__ u32 fp4_scale(u32 scale) { return ((scale + 126) << 7) * 0x10001u; }

// AWQ values in bits n .. n + 3 and n + 4 .. n + 7: (q - zero) * scale is exact in float, then rounded to bf16 once. group: float16 scale, 16-bit zero.
// 0x4b000000 | q is the float 2^23 + q.
__device__ __forceinline__ u32 int4_pair(u32 word, int n, u32 group) {
    float scale = half_to_float((u16)group), zero = __uint_as_float(0x4b000000u | group >> 16);
    float low = __uint_as_float(0x4b000000u | (word >> n & 15)), high = __uint_as_float(0x4b000000u | (word >> (n + 4) & 15));
    return pack_bf16(__fmul_rn(low - zero, scale), __fmul_rn(high - zero, scale));
}
// Two int8 values of each 16-bit half, sign and magnitude (bits 15 and 6..0; 7 and 14..8). As bf16 times 2^-13, exactly; the row's scale has the 2^13.
__device__ __forceinline__ void int8_pair(u32 w, u32& first, u32& second) {
    first = multiply_bf16x2(w & 0x807f807fu, 0x7b807b80u);
    second = multiply_bf16x2((w >> 8 & 0x007f007fu) | (w << 8 & 0x80008000u), 0x7b807b80u);
}

// ---- a chunk of a strip: 8 rows x 64 k --------------------------------------------------------------------------------------------------
// values(b, s): row g's values 16 s + 2 i, + 1 in b[0] and + 8, + 9 in b[1]: mma's B operand of step s, or half of its A operand.
struct Bf16Strip {
    static constexpr int Bytes = 1024;
    static constexpr bool Scaled = false;
    u32 low[4], high[4];
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
        const u8* row = chunk + (lane & 7) * 128;
        int at = ((lane >> 3) ^ (lane & 7)) * 16;
        load_matrix_x4(low, row + at);
        load_matrix_x4(high, row + (at ^ 64));
    }
    __device__ __forceinline__ void values(u32 (&b)[2], int s) const {
        b[0] = s < 2 ? low[2 * s] : high[2 * s - 4];
        b[1] = s < 2 ? low[2 * s + 1] : high[2 * s - 3];
    }
};
struct Int8Strip {
    static constexpr int Bytes = 512;
    static constexpr bool Scaled = true;
    u32 words[4];
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
        uint4 v = *(const uint4*)(chunk + lane * 16);
        words[0] = v.x;
        words[1] = v.y;
        words[2] = v.z;
        words[3] = v.w;
    }
    __device__ __forceinline__ void values(u32 (&b)[2], int s) const { int8_pair(words[s], b[0], b[1]); }
};
struct Int4Strip {
    static constexpr int Bytes = 320;
    static constexpr bool Scaled = false;
    u32 words[2], groups[2];
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
        uint2 v = *(const uint2*)(chunk + lane * 8), g = *(const uint2*)(chunk + 256 + (lane >> 2) * 8);
        words[0] = v.x;
        words[1] = v.y;
        groups[0] = g.x;
        groups[1] = g.y;
    }
    __device__ __forceinline__ void values(u32 (&b)[2], int s) const {
        b[0] = int4_pair(words[s >> 1], (s & 1) * 16, groups[s >> 1]);
        b[1] = int4_pair(words[s >> 1], (s & 1) * 16 + 8, groups[s >> 1]);
    }
};

// ---- a chunk of an expert's tile: 16 places x 64 k ---------------------------------------------------------------------------------------
// values(a, s): mma's A operand of step s.
struct Mxfp4Tile {
    static constexpr int Bytes = 544;
    uint2 low, high;
    u32 scale_low, scale_high;
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
        low = *(const uint2*)(chunk + lane * 8);
        high = *(const uint2*)(chunk + 256 + lane * 8);
        scale_low = chunk[512 + (lane >> 2) * 2 + (lane >> 1 & 1)];
        scale_high = chunk[528 + (lane >> 2) * 2 + (lane >> 1 & 1)];
    }
    __device__ __forceinline__ void values(u32 (&a)[4], int s) const {
        u32 l = s < 2 ? low.x : low.y, h = s < 2 ? high.x : high.y, by_low = fp4_scale(scale_low), by_high = fp4_scale(scale_high);
        a[0] = multiply_bf16x2(s & 1 ? fp4_pair<2>(l) : fp4_pair<0>(l), by_low);
        a[1] = multiply_bf16x2(s & 1 ? fp4_pair<2>(h) : fp4_pair<0>(h), by_high);
        a[2] = multiply_bf16x2(s & 1 ? fp4_pair<3>(l) : fp4_pair<1>(l), by_low);
        a[3] = multiply_bf16x2(s & 1 ? fp4_pair<3>(h) : fp4_pair<1>(h), by_high);
    }
};
struct Int4Tile { // nibbles of 8 values in the order 0 4 1 5 2 6 3 7
    static constexpr int Bytes = 640;
    uint2 low, high;
    u32 group_low, group_high;
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
        low = *(const uint2*)(chunk + lane * 8);
        high = *(const uint2*)(chunk + 256 + lane * 8);
        group_low = *(const u32*)(chunk + 512 + (lane >> 2) * 8 + (lane >> 1 & 1) * 4);
        group_high = *(const u32*)(chunk + 576 + (lane >> 2) * 8 + (lane >> 1 & 1) * 4);
    }
    __device__ __forceinline__ void values(u32 (&a)[4], int s) const {
        u32 l = s < 2 ? low.x : low.y, h = s < 2 ? high.x : high.y;
        int n = (s & 1) * 16;
        a[0] = int4_pair(l, n, group_low);
        a[1] = int4_pair(h, n, group_high);
        a[2] = int4_pair(l, n + 8, group_low);
        a[3] = int4_pair(h, n + 8, group_high);
    }
};
struct Bf16Tile {
    static constexpr int Bytes = 2048;
    uint4 steps[4];
    __device__ __forceinline__ void load(const u8* chunk, int lane) {
#pragma unroll
        for (int s = 0; s < 4; s++) steps[s] = *(const uint4*)(chunk + s * 512 + lane * 16);
    }
    __device__ __forceinline__ void values(u32 (&a)[4], int s) const {
        a[0] = steps[s].x;
        a[1] = steps[s].y;
        a[2] = steps[s].z;
        a[3] = steps[s].w;
    }
};
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
// One or two tokens at a time: what the layered kernels share. Needs common.cu and weights.cu.
//
// A warp owns a piece of work (a strip of 8 dense rows, a tile of 16 expert rows) with all of k and streams its weights through a ring of its own in shared memory;
// no other warp is involved, so there is no barrier in a loop. Weights and sums as in dense.cu and experts.cu, in the same order: the same bits.
//
//     ring of a warp: [Slots][SlotBytes]; put and get run around. A slot holds the chunks that fit.
//
// Every ask is one cp.async group, an empty one where nothing is left, so that the slot that is due always has Slots - 1 groups behind it.
constexpr int SlotBytes = 3072;
template <class Chunk> struct Slot {
    static constexpr int Chunks = SlotBytes / Chunk::Bytes, Bytes = Chunks * Chunk::Bytes;
};
struct Source { // a contiguous stream
    const u8* at;
    int slots;       // still to ask for
    u32 bytes, last; // of each, and of the last
};
__device__ __forceinline__ Source nothing() {
    Source s;
    s.at = nullptr;
    s.slots = 0;
    s.bytes = s.last = 0;
    return s;
}
template <class Chunk> __device__ __forceinline__ Source source_of(const u8* at, int chunks) {
    constexpr int Each = Slot<Chunk>::Chunks;
    Source s;
    s.at = at;
    s.slots = (chunks + Each - 1) / Each;
    s.bytes = Slot<Chunk>::Bytes;
    s.last = (chunks - (s.slots - 1) * Each) * Chunk::Bytes;
    return s;
}
// Strip `strip` of a dense matrix; nothing beyond its last.
template <class Strip> __device__ __forceinline__ Source dense_source(const u8* weights, int strip, int strips, int chunks) {
    return strip < strips ? source_of<Strip>(weights + (size_t)strip * chunks * Strip::Bytes, chunks) : nothing();
}
template <class Tile> __device__ __forceinline__ Source expert_source(const u8* weights, int expert, int tile, int tiles, int chunks) {
    return source_of<Tile>(weights + ((size_t)expert * tiles + tile) * chunks * Tile::Bytes, chunks);
}

template <int Slots> struct Stream {
    u8* ring;
    u32 put, get; // byte offsets in the ring
    int flying;
    Source now, next;
    __device__ __forceinline__ Stream(u8* rings) {
        ring = rings + threadIdx.x / 32 * (Slots * SlotBytes);
        put = get = 0;
        flying = 0;
        now = next = nothing();
    }
    __device__ __forceinline__ void ask(int lane) {
        if (now.slots == 0) {
            now = next;
            next.slots = 0;
        }
        if (now.slots > 0) {
            u32 own = lane * 16, bytes = now.slots == 1 ? now.last : now.bytes;
            const u8* from = now.at + own;
            u8* to = ring + put + own;
#pragma unroll
            for (int j = 0; j < SlotBytes / 512; j++)
                if (own + j * 512 < bytes) copy_async_16(to + j * 512, from + j * 512, true);
            now.at += now.bytes;
            now.slots--;
            put = put == (Slots - 1) * SlotBytes ? 0 : put + SlotBytes;
            flying++;
        }
        copy_async_commit();
    }
    // What comes after the stream that runs now.
    __device__ __forceinline__ void follow(Source s) {
        next = s;
        if (flying < Slots && now.slots + next.slots > 0) {
            int lane = threadIdx.x % 32;
            for (int n = Slots - flying; n > 0; n--) ask(lane);
        }
    }
    __device__ __forceinline__ const u8* wait() {
        copy_async_wait<Slots - 1>();
        __syncwarp();
        return ring + get;
    }
    __device__ __forceinline__ void release(int lane) {
        __syncwarp();
        get = get == (Slots - 1) * SlotBytes ? 0 : get + SlotBytes;
        flying--;
        ask(lane);
    }
};

// ---- a strip of 8 dense rows times the columns in shared memory ---------------------------------------------------------------------------
// Here the weights are mma's B operand (8 rows an instruction) and x its A operand, of whose 16 rows one or two count: the same sums to the bit, seen on every card
// that the self-test has passed on. x: 64 bytes for 16 values, lane i's four words (2 i, 2 i + 1), 0, (2 i + 8, 2 i + 9), 0: one load is an A operand.
constexpr int HiddenStride = Hidden * 4 + 64, AttendedStride = AttendedWidth * 4 + 64; // bytes of a column; + 64: free of conflicts for two columns
// Where an even k lies in a column of that order.
__device__ __forceinline__ int dense_place(int k) { return (k & ~15) * 4 + (k >> 1 & 3) * 16 + (k >> 3 & 1) * 8; }

template <class Strip> struct DensePart {
    static constexpr int Each = Slot<Strip>::Chunks;
    Strip chunks[Each];
    __device__ __forceinline__ void load(const u8* slot, int lane) { // a whole slot, also where the last is short
#pragma unroll
        for (int c = 0; c < Each; c++) chunks[c].load(slot + c * Strip::Bytes, lane);
    }
    template <bool Whole> __device__ __forceinline__ void multiply(float (&sum)[4], const u8* x, int count) const {
        uint4 a[Each][4];
#pragma unroll
        for (int c = 0; c < Each; c++)
            if (Whole || c < count) {
#pragma unroll
                for (int s = 0; s < 4; s++) a[c][s] = *(const uint4*)(x + (c * 4 + s) * 64);
            }
#pragma unroll
        for (int c = 0; c < Each; c++)
            if (Whole || c < count) {
#pragma unroll
                for (int s = 0; s < 4; s++) {
                    u32 b[2];
                    chunks[c].values(b, s);
                    mma(sum, a[c][s].x, a[c][s].y, a[c][s].z, a[c][s].w, b[0], b[1]);
                }
            }
    }
};
// Rows 2 i and 2 i + 1 of the strip for sequence g.
template <class Strip, int B, class S> __device__ __forceinline__ float2 dense_strip(S& stream, int chunks, const u8* x, int stride) {
    constexpr int Each = Slot<Strip>::Chunks;
    float sum[4] = {0, 0, 0, 0};
    DensePart<Strip> even, odd;
    int lane = threadIdx.x % 32, left = chunks;
    x += (B == 1 ? 0 : (lane >> 2) % B * stride) + (lane & 3) * 16;
    even.load(stream.wait(), lane);
    stream.release(lane);
    for (; left >= 2 * Each; left -= 2 * Each, x += 2 * Each * 256) {
        odd.load(stream.wait(), lane);
        stream.release(lane);
        even.template multiply<true>(sum, x, Each);
        if (left > 2 * Each) {
            even.load(stream.wait(), lane);
            stream.release(lane);
        }
        odd.template multiply<true>(sum, x + Each * 256, Each);
    }
    if (left > Each) {
        odd.load(stream.wait(), lane);
        stream.release(lane);
    }
    if (left > 0) even.template multiply<false>(sum, x, min(left, Each));
    if (left > Each) odd.template multiply<false>(sum, x + Each * 256, left - Each);
    return make_float2(sum[0], sum[1]);
}

// ---- a tile of 16 expert rows ---------------------------------------------------------------------------------------------------------------
// x: this lane's column, each 64 values as [lane i][16 values], in each 8 in the order 0 4 1 5 2 6 3 7: operands of mma's B, 32 bytes together.
constexpr int ExpertHiddenStride = Hidden * 2 + 16, ExpertInterStride = Intermediate * 2 + 16; // bytes of a column
__device__ __forceinline__ int expert_place(int k) { return (k & ~7) + (k & 3) * 2 + (k >> 2 & 1); }
template <class Tile> struct ExpertPart {
    static constexpr int Each = Slot<Tile>::Chunks;
    Tile chunks[Each];
    __device__ __forceinline__ void load(const u8* slot, int lane) {
#pragma unroll
        for (int c = 0; c < Each; c++) chunks[c].load(slot + c * Tile::Bytes, lane);
    }
    template <bool Whole> __device__ __forceinline__ void multiply(float (&sum)[4], const u8* x, int count) const {
#pragma unroll
        for (int c = 0; c < Each; c++)
            if (Whole || c < count) {
                uint4 b0 = *(const uint4*)(x + c * 128), b1 = *(const uint4*)(x + c * 128 + 16);
#pragma unroll
                for (int s = 0; s < 4; s++) {
                    u32 a[4];
                    chunks[c].values(a, s);
                    uint4 b = s < 2 ? b0 : b1;
                    mma(sum, a, s & 1 ? b.z : b.x, s & 1 ? b.w : b.y);
                }
            }
    }
};
// Places g and g + 8 of the tile for columns 2 i and 2 i + 1.
template <class Tile, int Chunks, class S> __device__ __forceinline__ float4 expert_tile(S& stream, const u8* x) {
    constexpr int Each = Slot<Tile>::Chunks, Whole = Chunks / Each, Rest = Chunks % Each;
    float sum[4] = {0, 0, 0, 0};
    ExpertPart<Tile> part;
    int lane = threadIdx.x % 32;
    x += (lane & 3) * 32;
#pragma unroll 1
    for (int slot = 0; slot < Whole; slot++, x += Each * 128) {
        part.load(stream.wait(), lane);
        stream.release(lane);
        part.template multiply<true>(sum, x, Each);
    }
    if (Rest) {
        part.load(stream.wait(), lane);
        stream.release(lane);
        part.template multiply<false>(sum, x, Rest);
    }
    return make_float4(sum[0], sum[1], sum[2], sum[3]);
}

// ---- RMSNorm into shared memory, the arithmetic of combine_norm -----------------------------------------------------------------------------
template <int Warps> struct Gain { // asked for before a barrier
    static constexpr int Rounds = (NormWarps + Warps - 1) / Warps;
    uint2 v[Rounds];
    __device__ __forceinline__ Gain(const bf16* weight) {
#pragma unroll
        for (int r = 0; r < Rounds; r++) {
            int c = (threadIdx.x + r * Warps * 32) * 4;
            v[r] = c < Hidden ? *(const uint2*)(weight + c) : make_uint2(0, 0);
        }
    }
};
__device__ __forceinline__ float4 embedding_at(const bf16* row, int c) {
    uint2 e = c < TrueHidden ? *(const uint2*)(row + c) : make_uint2(0, 0);
    return make_float4(low_bf16(e.x), high_bf16(e.x), low_bf16(e.y), high_bf16(e.y));
}
// Where a row comes from: the residual; or the embedding table, and then it goes to `keep` as well.
struct PlainRow {
    const float* residual;
    const bf16* embedded;
    float* keep;
    template <int Warps, int Rounds> __device__ __forceinline__ void fetch(float4 (&v)[Rounds]) const {
#pragma unroll
        for (int r = 0; r < Rounds; r++) {
            int c = (threadIdx.x + r * Warps * 32) * 4;
            v[r] = make_float4(0, 0, 0, 0);
            if (c < Hidden && !embedded) v[r] = load_cg_float4(residual + c);
            if (c < Hidden && embedded) {
                v[r] = embedding_at(embedded, c);
                if (keep) *(float4*)(keep + c) = v[r];
            }
        }
    }
};
// scratch: NormWarps floats.
template <int Warps, bool ForExperts, class Row> __device__ __forceinline__ void norm(u8* x, const Row& row, const Gain<Warps>& gains, float* scratch) {
    constexpr int Rounds = Gain<Warps>::Rounds;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float4 v[Rounds];
    row.template fetch<Warps>(v);
#pragma unroll
    for (int r = 0; r < Rounds; r++) {
        int at = warp + r * Warps;
        if (at >= NormWarps) break;
        float square = warp_sum(sum_of_squares(v[r]));
        if (lane == 0) scratch[at] = square;
    }
    __syncthreads();
    float scale = norm_scale(scratch);
#pragma unroll
    for (int r = 0; r < Rounds; r++) {
        int at = warp + r * Warps, c = (at * 32 + lane) * 4;
        if (at >= NormWarps || c >= Hidden) break;
        uint2 gain = gains.v[r];
        u32 a = pack_bf16(normed(v[r].x, scale, low_bf16(gain.x)), normed(v[r].y, scale, high_bf16(gain.x)));
        u32 b = pack_bf16(normed(v[r].z, scale, low_bf16(gain.y)), normed(v[r].w, scale, high_bf16(gain.y)));
        if (ForExperts) {
            bf16* to = (bf16*)x + expert_place(c);
            to[0] = (bf16)a;
            to[2] = (bf16)(a >> 16);
            to[4] = (bf16)b;
            to[6] = (bf16)(b >> 16);
        } else {
            *(uint2*)(x + dense_place(c)) = make_uint2(a, 0);
            *(uint2*)(x + dense_place(c + 2)) = make_uint2(b, 0);
        }
    }
}
// Attention with sinks over a paged cache, grouped queries, causal, optional window. Needs common.cu. What prefill and decode share.
//
// One canonical order of arithmetic: keys in tiles of 64 (aligned to absolute positions), online softmax over the tiles of a chunk of 256 keys, chunks merged in
// ascending order. A decode step that gives each chunk to another block and a prefill that walks them do the same operations on a row: the same bits, whatever
// the batch, the chunking of the prompt, or how many blocks before the window are gone.
constexpr int TileKeys = 64, ChunkKeys = 256, KeyTileBytes = TileKeys * 128;
constexpr float Masked = -1e30f; // not -inf: a tile without any key must be an exact no-op

// The block of key k of a sequence is blocks[starts[sequence] + k / Page]. Of a sliding layer the leading blocks may be gone (a start may be negative): only
// keys that some query sees may be looked up. The others of a tile are zero-filled: a weight of 0 times NaN of an unused block would be NaN.
struct BlockTables {
    const int* starts; // [sequences]
    const int* blocks;
};

// Which keys a query at `position` sees: (position - window, position], in chunks from the first that the window touches.
struct Span {
    int last, begin, first, chunks; // begin: a multiple of TileKeys; first: number of the first chunk
};
__device__ __forceinline__ Span span_of(int position, int window) {
    Span s;
    s.last = position;
    s.begin = max(0, position - window + 1) / TileKeys * TileKeys;
    s.first = s.begin / ChunkKeys;
    s.chunks = position / ChunkKeys - s.first + 1;
    return s;
}

struct Softmax { // rows g and g + 8 of a 16-row tile; `sum` is this thread's share
    float top[2], sum[2], out[8][4];
};
__device__ __forceinline__ void clear(Softmax& s) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
        s.top[r] = Masked;
        s.sum[r] = 0;
    }
#pragma unroll
    for (int n = 0; n < 8; n++) s.out[n][0] = s.out[n][1] = s.out[n][2] = s.out[n][3] = 0;
}

// ---- a tile of 64 keys in shared memory: [key][64], 16-byte pieces xor-swizzled by key ------------------------------------------------------
__device__ __forceinline__ void scores_of(float (&score)[8][4], const u32 (&q)[4][4], const u8* keys) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < 8; n++) score[n][0] = score[n][1] = score[n][2] = score[n][3] = 0;
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int n = 0; n < 8; n += 2) {
            u32 two[4];
            load_matrix_x4(two, keys + (n * 8 + (lane >> 4) * 8 + (lane & 7)) * 128 + ((2 * k + (lane >> 3 & 1)) ^ (lane & 7)) * 16);
            mma(score[n], q[k], two[0], two[1]);
            mma(score[n + 1], q[k], two[2], two[3]);
        }
}
__device__ __forceinline__ float quad_max(float v) {
    v = max(v, __shfl_xor_sync(0xffffffffu, v, 1));
    return max(v, __shfl_xor_sync(0xffffffffu, v, 2));
}
__device__ __forceinline__ float quad_sum(float v) {
    v = __fadd_rn(v, __shfl_xor_sync(0xffffffffu, v, 1));
    return __fadd_rn(v, __shfl_xor_sync(0xffffffffu, v, 2));
}
// Turns scores into weights under `top` (in units of log 2) and adds them up: this thread's share of the row's sum.
__device__ __forceinline__ float weigh(float (&score)[8][4], int r, float top) {
    float sum = 0;
#pragma unroll
    for (int n = 0; n < 8; n++)
#pragma unroll
        for (int c = 0; c < 2; c++) {
            float weight = exp2_approx(fmaf(score[n][2 * r + c], AttentionScale * Log2e, -top));
            score[n][2 * r + c] = weight;
            sum = __fadd_rn(sum, weight);
        }
    return sum;
}
// One 16-row tile of queries against one tile of keys and values. first_key is absolute; position[r]: of the rows g and g + 8.
__device__ __forceinline__ void attend(
    Softmax& s, const u32 (&q)[4][4], const u8* keys, const u8* values, int first_key, const int (&position)[2], int window, bool edge) {
    int lane = threadIdx.x % 32, i = lane & 3;
    float score[8][4];
    scores_of(score, q, keys);
    if (edge) {
#pragma unroll
        for (int n = 0; n < 8; n++)
#pragma unroll
            for (int c = 0; c < 4; c++) {
                int key = first_key + n * 8 + 2 * i + (c & 1), at = position[c >> 1];
                if (key > at || key <= at - window) score[n][c] = minus_infinity();
            }
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float top = score[0][2 * r];
#pragma unroll
        for (int n = 0; n < 8; n++) top = max(top, max(score[n][2 * r], score[n][2 * r + 1]));
        float next = max(s.top[r], __fmul_rn(quad_max(top), AttentionScale * Log2e)), keep = exp2_approx(__fsub_rn(s.top[r], next));
        s.sum[r] = fmaf(s.sum[r], keep, weigh(score, r, next));
        s.top[r] = next;
#pragma unroll
        for (int n = 0; n < 8; n++) {
            s.out[n][2 * r] = __fmul_rn(s.out[n][2 * r], keep);
            s.out[n][2 * r + 1] = __fmul_rn(s.out[n][2 * r + 1], keep);
        }
    }
#pragma unroll
    for (int k = 0; k < 4; k++) {
        u32 weights[4] = {pack_bf16(score[2 * k][0], score[2 * k][1]), pack_bf16(score[2 * k][2], score[2 * k][3]),
            pack_bf16(score[2 * k + 1][0], score[2 * k + 1][1]), pack_bf16(score[2 * k + 1][2], score[2 * k + 1][3])};
#pragma unroll
        for (int n = 0; n < 8; n += 2) {
            u32 two[4];
            load_matrix_x4_transposed(two, values + (k * 16 + (lane & 15)) * 128 + ((n + (lane >> 4)) ^ (lane & 7)) * 16);
            mma(s.out[n], weights, two[0], two[1]);
            mma(s.out[n + 1], weights, two[2], two[3]);
        }
    }
}

// ---- chunks ---------------------------------------------------------------------------------------------------------------------------------
// total <- total merged with chunk
struct Merge {
    float top, keep, add;
};
__device__ __forceinline__ Merge merge(float total_top, float chunk_top) {
    Merge m;
    m.top = max(total_top, chunk_top);
    m.keep = exp2_approx(__fsub_rn(total_top, m.top));
    m.add = exp2_approx(__fsub_rn(chunk_top, m.top));
    return m;
}
__device__ __forceinline__ float merged(const Merge& m, float total, float chunk) { return fmaf(total, m.keep, __fmul_rn(chunk, m.add)); }
// The factor that turns the merged output into attention's; the sink takes part in the denominator, once.
__device__ __forceinline__ float sink_factor(float top, float sum, float sink) {
    float sink_log2 = __fmul_rn(sink, Log2e), m = max(top, sink_log2), keep = exp2_approx(__fsub_rn(top, m));
    return __fdiv_rn(keep, fmaf(sum, keep, exp2_approx(__fsub_rn(sink_log2, m))));
}
// One or two tokens through a layer: rotation, the cache and attention in one kernel. Needs stream.cu (dense_place), attention.cu and wire.cu.
//
// 8 warps, one chunk of 256 keys of one KV head, in the order of attention.cu but shared out: a warp has the scores of one tile of 64 keys, the warps exchange the
// tiles' maxima, and then a warp has 16 dimensions of the output over all tiles. The last chunk's block of a KV head merges, a warp a head.
//
//     shared memory: [4 tiles][keys 8 KB, values 8 KB]
//
// The new key and value go straight into the tile and to the cache: all other keys can then be asked for before the wait.
constexpr int TilePairBytes = 2 * KeyTileBytes, LayeredPartialWords = 66;
struct LayeredAttentionParameters {
    u8* att;        // [B][AttendedWidth * 4 bytes], in the order of dense_place: a pair of values, then zeros; between two cards the step's number instead
    float* partial; // [B][Heads][partial_chunks][66] float: top, sum, out[64]
    u32* counters;  // [B][KvHeads] zeros, left as zeros
    const bf16* qkv;
    bf16 *keys, *values;
    BlockTables tables;
    const int* lengths; // [B] keys, the new one included
    const float2* rotation;
    const bf16* sinks;
    int partial_chunks, window, sequences;
    Wire wire; // between two cards
};
__device__ __forceinline__ void put_attended(const LayeredAttentionParameters& p, u32 number, int sequence, int k, u32 pair) {
    u8* at = p.att + (size_t)sequence * (AttendedWidth * 4) + dense_place(k);
    if (p.wire.number) tell(p.wire, at, pair, number);
    else *(uint2*)at = make_uint2(pair, 0);
}
// What a block has: a chunk of a KV head of a sequence.
struct Unit {
    int sequence, head, chunk, from, to_key, tiles, block, newest_block;
    Span span;
    __device__ __forceinline__ Unit(const LayeredAttentionParameters& p) {
        int u = blockIdx.x, lane = threadIdx.x % 32;
        head = u % KvHeads;
        sequence = u / KvHeads % p.sequences;
        chunk = u / KvHeads / p.sequences;
        span = span_of(p.lengths[sequence] - 1, p.window);
        int c = span.first + chunk;
        from = max(span.begin, c * ChunkKeys);
        to_key = min(span.last, c * ChunkKeys + ChunkKeys - 1);
        tiles = chunk < span.chunks ? (to_key - from) / TileKeys + 1 : 0;
        const int* blocks = p.tables.blocks + p.tables.starts[sequence];
        int key = from + lane * Page;
        bool mine = tiles && lane < ChunkKeys / Page && key <= to_key && key + Page - 1 > span.last - p.window;
        block = mine ? blocks[key / Page] : -1;
        newest_block = blocks[span.last / Page];
    }
    // Half of a tile: keys, or values 8 KB on; all but the new token's.
    __device__ __forceinline__ void load_half(const LayeredAttentionParameters& p, int tile, int half, u8* to) const {
        int lane = threadIdx.x % 32;
        const bf16* cache = half ? p.values : p.keys;
        to += half * KeyTileBytes;
#pragma unroll
        for (int n = 0; n < 16; n++) {
            int in_tile = n * 4 + lane / 8, piece = lane % 8, key = from + tile * TileKeys + in_tile;
            int at = __shfl_sync(0xffffffffu, block, tile * (TileKeys / Page) + n / 4);
            bool valid = at >= 0 && key <= to_key && key != span.last;
            copy_async_16(to + in_tile * 128 + (piece ^ (in_tile & 7)) * 16,
                cache + (valid ? (((size_t)at * KvHeads + head) * Page + key % Page) * Dim + piece * 8 : 0), valid);
        }
    }
};
// Two neighbouring pairs (x of d, y of d + 32), each in a bf16x2.
__device__ __forceinline__ void rotate_pairs(u32 x, u32 y, const float2* angle, u32& low, u32& high) {
    float2 first = rotated(low_bf16(x), low_bf16(y), angle[0]), second = rotated(high_bf16(x), high_bf16(y), angle[1]);
    low = pack_bf16(first.x, second.x);
    high = pack_bf16(first.y, second.y);
}
// One warp, one head: its chunks in ascending order.
__device__ __forceinline__ void merge_head(const LayeredAttentionParameters& p, u32 number, int sequence, int head, int chunks) {
    int lane = threadIdx.x % 32;
    const float* from = p.partial + ((size_t)sequence * Heads + head) * p.partial_chunks * LayeredPartialWords;
    float top = Masked, sum = 0, a = 0, b = 0, sink = bf16_to_float(p.sinks[head]);
    for (int at = 0; at < chunks; at += 16) { // 16 loads at once: their latency is most of the time
        float2 head_of[16], pair[16];
#pragma unroll
        for (int c = 0; c < 16; c++)
            if (at + c < chunks) {
                head_of[c] = load_cg_float2(from + (at + c) * LayeredPartialWords);
                pair[c] = load_cg_float2(from + (at + c) * LayeredPartialWords + 2 + 2 * lane);
            }
#pragma unroll
        for (int c = 0; c < 16; c++)
            if (at + c < chunks) {
                Merge m = merge(top, head_of[c].x);
                top = m.top;
                sum = merged(m, sum, head_of[c].y);
                a = merged(m, a, pair[c].x);
                b = merged(m, b, pair[c].y);
            }
    }
    float factor = sink_factor(top, sum, sink);
    put_attended(p, number, sequence, head * Dim + 2 * lane, pack_bf16(__fmul_rn(a, factor), __fmul_rn(b, factor)));
}
// grid chunks * sequences * KvHeads, 256 threads; blocks without keys leave.
extern "C" __global__ void __launch_bounds__(256) layered_attention(const __grid_constant__ LayeredAttentionParameters p) {
    DYNAMIC_SHARED(u8, shared);
    __shared__ int last;
    __shared__ float tops[4][8], sums[4][32];
    __shared__ uint2 weights[4][4][32];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3;
    Unit u(p);
    for (int t = warp; t < u.tiles * 2; t += 8) u.load_half(p, t / 2, t % 2, shared + t / 2 * TilePairBytes);
    copy_async_commit();
    const float2* angle = p.rotation + (size_t)u.span.last * (Dim / 2);
    int head = u.head * Group + g;
    bool has_head = g < Group;
    float sink = has_head ? bf16_to_float(p.sinks[head]) : 0;
    u32 number = p.wire.number ? *p.wire.number : 0;
    wait_for_previous();
    let_next_start();
    if (!u.tiles) return;
    const bf16* row = p.qkv + (size_t)u.sequence * QkvWidth;
    u8* tile = shared + warp * TilePairBytes;
    float score[8][4];
    bool scores = warp < u.tiles, newest = u.chunk == u.span.chunks - 1 && warp == u.tiles - 1;
    u32 fragments[4][4], value = 0;
    uint2 fresh = make_uint2(0, 0);
    if (scores) {
        const bf16 *q = row + head * Dim, *k_new = row + QueryWidth + u.head * Dim, *v_new = row + QueryWidth + (KvHeads + u.head) * Dim;
#pragma unroll
        for (int k = 0; k < 2; k++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int d = 16 * k + 8 * h + 2 * i;
                fragments[k][2 * h] = fragments[k + 2][2 * h] = fragments[k][2 * h + 1] = fragments[k + 2][2 * h + 1] = 0;
                if (has_head) rotate_pairs(load_cg4(q + d), load_cg4(q + 32 + d), angle + d, fragments[k][2 * h], fragments[k + 2][2 * h]);
            }
        if (newest) {
            if (lane < 16) rotate_pairs(load_cg4(k_new + 2 * lane), load_cg4(k_new + 32 + 2 * lane), angle + 2 * lane, fresh.x, fresh.y);
            value = load_cg4(v_new + 2 * lane);
        }
    }
    copy_async_wait<0>();
    __syncthreads();
    if (newest) {
        int in_tile = u.span.last % TileKeys;
        u8* to = tile + in_tile * 128;
        size_t place = (((size_t)u.newest_block * KvHeads + u.head) * Page + u.span.last % Page) * Dim;
        if (lane < 16) {
            *(u32*)(to + (lane / 4 ^ (in_tile & 7)) * 16 + lane % 4 * 4) = fresh.x;
            *(u32*)(to + ((4 + lane / 4) ^ (in_tile & 7)) * 16 + lane % 4 * 4) = fresh.y;
            *(u32*)(p.keys + place + 2 * lane) = fresh.x;
            *(u32*)(p.keys + place + 32 + 2 * lane) = fresh.y;
        }
        *(u32*)(to + KeyTileBytes + (lane / 4 ^ (in_tile & 7)) * 16 + lane % 4 * 4) = value;
        *(u32*)(p.values + place + 2 * lane) = value;
        __syncwarp();
    }
    if (scores) {
        int first = u.from + warp * TileKeys;
        scores_of(score, fragments, tile);
        if (first + TileKeys > u.span.last || first <= u.span.last - p.window) {
#pragma unroll
            for (int n = 0; n < 8; n++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    int key = first + n * 8 + 2 * i + c;
                    if (key > u.span.last || key <= u.span.last - p.window) score[n][c] = minus_infinity();
                }
        }
        float top = score[0][0];
#pragma unroll
        for (int n = 0; n < 8; n++) top = max(top, max(score[n][0], score[n][1]));
        top = quad_max(top);
        if (i == 0) tops[warp][g] = top;
    }
    __syncthreads();
    float highest[4], keep[4], up_to = Masked; // of each tile, and what it leaves of those before it
#pragma unroll
    for (int t = 0; t < 4; t++)
        if (t < u.tiles) {
            highest[t] = max(up_to, __fmul_rn(tops[t][g], AttentionScale * Log2e));
            keep[t] = exp2_approx(__fsub_rn(up_to, highest[t]));
            up_to = highest[t];
        }
    if (scores) {
        float own = Masked;
#pragma unroll
        for (int t = 0; t < 4; t++)
            if (t == warp) own = highest[t];
        sums[warp][lane] = weigh(score, 0, own);
#pragma unroll
        for (int k = 0; k < 4; k++)
            weights[warp][k][lane] = make_uint2(pack_bf16(score[2 * k][0], score[2 * k][1]), pack_bf16(score[2 * k + 1][0], score[2 * k + 1][1]));
    }
    __syncthreads();
    if (warp < 4) {
        float out[2][4], sum = 0;
        int n = warp * 2;
#pragma unroll
        for (int c = 0; c < 4; c++) out[0][c] = out[1][c] = 0;
#pragma unroll
        for (int t = 0; t < 4; t++)
            if (t < u.tiles) {
                const u8* v = shared + t * TilePairBytes + KeyTileBytes;
                sum = fmaf(sum, keep[t], sums[t][lane]);
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    out[0][c] = __fmul_rn(out[0][c], keep[t]);
                    out[1][c] = __fmul_rn(out[1][c], keep[t]);
                }
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    uint2 w = weights[t][k][lane];
                    u32 two[4];
                    load_matrix_x4_transposed(two, v + (k * 16 + (lane & 15)) * 128 + ((n + (lane >> 4)) ^ (lane & 7)) * 16);
                    mma(out[0], w.x, 0, w.y, 0, two[0], two[1]);
                    mma(out[1], w.x, 0, w.y, 0, two[2], two[3]);
                }
            }
        sum = quad_sum(sum);
        if (has_head && u.span.chunks == 1) {
            Merge m = merge(Masked, up_to);
            float factor = sink_factor(m.top, merged(m, 0, sum), sink);
#pragma unroll
            for (int d = 0; d < 2; d++)
                put_attended(p, number, u.sequence, head * Dim + (n + d) * 8 + 2 * i,
                    pack_bf16(__fmul_rn(merged(m, 0, out[d][0]), factor), __fmul_rn(merged(m, 0, out[d][1]), factor)));
        } else if (has_head) {
            float* to = p.partial + (((size_t)u.sequence * Heads + head) * p.partial_chunks + u.chunk) * LayeredPartialWords;
            if (warp == 0 && i == 0) *(float2*)to = make_float2(up_to, sum);
#pragma unroll
            for (int d = 0; d < 2; d++) *(float2*)(to + 2 + (n + d) * 8 + 2 * i) = make_float2(out[d][0], out[d][1]);
        }
    }
    if (u.span.chunks == 1) return;
    __syncthreads();
    if (threadIdx.x == 0) {
        u32* counter = p.counters + u.sequence * KvHeads + u.head;
        last = add_acq_rel(counter) == (u32)u.span.chunks - 1;
        if (last) *counter = 0;
    }
    __syncthreads();
    if (last && warp < Group) merge_head(p, number, u.sequence, u.head * Group + warp, u.span.chunks);
}
EMULATE_KERNEL(layered_attention)

