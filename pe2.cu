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
// Dense matrix times many tokens: out[token][row] = sum over k of weight[row][k] * x[token][k], times the row's scale (int8), plus its bias. Needs weights.cu.
//
// Weights are mma's A operand (16 rows an instruction) and tokens its B operand (8): a token's column depends on that token alone, and every output is one fp32
// sum over k ascending in steps of 16, whatever the tile. So the bits of a token's results depend neither on the batch nor on the variant.
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

__device__ __forceinline__ float finish(float sum, float scale, bool scaled, float bias) { return __fadd_rn(scaled ? __fmul_rn(sum, scale) : sum, bias); }

// sum[m][n]: mma tile of rows row_of(m) .. + 15 and tokens column0 + 8 n .. + 7 of the block. `shared` may be overwritten.
template <bool Float, bool Scaled, int Rows, int Tokens, int Threads, int Nt, int Mt, class RowOf>
__device__ __forceinline__ void dense_store(
    u8* shared, const DenseParameters& p, int row0, int token0, int live_rows, int live_tokens, int column0, RowOf row_of, float (&sum)[Mt][Nt][4]) {
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
                    u32 both = pack_bf16(finish(sum[m][n][c], scale[m][0], Scaled, bias[m][0]), finish(sum[m][n][c + 2], scale[m][1], Scaled, bias[m][1]));
                    to[0] = (bf16)both;
                    to[8] = (bf16)(both >> 16);
                }
        __syncthreads();
        for (int c = thread; c < Tokens * Rows / 8; c += Threads) {
            int token = c / (Rows / 8), piece = c % (Rows / 8);
            if (token < live_tokens && piece * 8 < live_rows)
                *(uint4*)((bf16*)p.out + (size_t)(token0 + token) * p.stride + row0 + piece * 8) = *(const uint4*)(tile_out + token * Stride + piece * 8);
        }
    }
}

// A operands of one step of a 16-row tile whose two strips lie `apart` bytes from each other; bf16 comes by ldmatrix step by step, to save registers.
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

template <class Strip, bool Float, int Mt, int Nt, int Wr, int Wt, int Kc, int Stages> __device__ __forceinline__ void dense_gemm(const DenseParameters& p) {
    constexpr int Rows = Wr * Mt * 16, Tokens = Wt * Nt * 8, Threads = Wr * Wt * 32, WeightBytes = Rows / 8 * Strip::Bytes, TokenBytes = Tokens * 128;
    constexpr int StageBytes = Kc * (WeightBytes + TokenBytes), ChunkPieces = Strip::Bytes / 16, WeightPieces = Rows / 8 * Kc * ChunkPieces, TokenPieces = Tokens * 8 * Kc;
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
            const u8 *weights = stage + kc * WeightBytes + wr * Mt * 2 * Strip::Bytes, *columns = stage + Kc * WeightBytes + kc * TokenBytes + wt * Nt * 8 * 128;
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
                        load_matrix_x4(b, columns + (n * 8 + (lane >> 4) * 8 + (lane & 7)) * 128 + ((2 * s + (lane >> 3 & 1)) ^ (lane & 7)) * 16);
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
    extern "C" __global__ void __launch_bounds__((WR) * (WT) * 32, RESIDENT) NAME(const __grid_constant__ DenseParameters p) { dense_gemm<STRIP, FLOAT, MT, NT, WR, WT, KC, STAGES>(p); } \
    EMULATE_KERNEL(NAME)
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
// One warp: the TopK largest of Experts logits, ties to the lower index, and the softmax over them. Lane l has the logits of experts l + 32 n.
struct Chosen {
    int index[TopK];
    float weight[TopK];
};
__device__ __forceinline__ Chosen choose(float (&logit)[Experts / 32]) {
    Chosen c;
    float value[TopK], total = 0;
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < Experts / 32; n++) { // what is not a number still chooses TopK experts that exist: the sequence fails, not the device
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

// Stable counting sort of the pairs by expert, and the list of tiles of at most tile_tokens pairs of one expert. No round trip to the host: the expert kernels
// are launched with the largest possible grid, and blocks without a tile leave.
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
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, run = (p.pairs + 1023) / 1024 * 32, first = warp * run, last = min(first + run, p.pairs);
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
                router_step(sum, *(const uint4*)(of_slot + s * 1024), *(const uint4*)(of_slot + s * 1024 + 512), *(const u32*)of, *(const u32*)(of + 32),
                    *(const u32*)(of + 64), *(const u32*)(of + 96));
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
    extern "C" __global__ void __launch_bounds__(RouterShares * 64, 1) NAME(const __grid_constant__ LayeredRouteParameters p) { layered_route<B, SLOTS>(p); } \
    EMULATE_KERNEL(NAME)

struct LayeredExpertParameters {
    bf16* h;         // [B * TopK][Intermediate], in the order of expert_place
    float* residual; // down: [B][Hidden], the experts' sum is added
    const bf16* x;   // up: [B][Hidden]
    const Routing* routing;
    const u8* weights;
    const bf16* bias;
};
// gate_up and SwiGLU; it cannot ask before its wait, since the router decides. grid 2 Intermediate / 16 * TopK * B / Warps, rounded up; B columns.
template <class Tile, int B, int Warps, int Slots> __device__ __forceinline__ void layered_up(const LayeredExpertParameters& p) {
    constexpr int Tiles = 2 * Intermediate / 16;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    Stream<Slots> stream(shared);
    int t = blockIdx.x * Warps + threadIdx.x / 32, q = t / Tiles, tile = t % Tiles, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3, feature = tile * 8 + g;
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
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, RESIDENT) NAME(const __grid_constant__ LayeredExpertParameters p) { layered_up<TILE, B, WARPS, SLOTS>(p); } \
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
        *(uint4*)(x + c / (Intermediate / 8) * ExpertInterStride + c % (Intermediate / 8) * 16) = load_cg16((const u8*)p.h + (size_t)c * 16);
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
    extern "C" __global__ void __launch_bounds__((B) * TopK * 32, RESIDENT) NAME(const __grid_constant__ LayeredExpertParameters p) { layered_down<TILE, B, SLOTS>(p); } \
    EMULATE_KERNEL(NAME)
// One or two tokens through a layer on two cards, the bits of one: the dense matrices. Needs wire.cu, stream.cu and dense.cu's `finish`.
//
// Every card has some of the rows of every matrix and all of k, and tells both cards its results, a word (wire.cu) for 4 bytes; residual, RMSNorm and router are on both.
// What crosses has an array for each layer:
//
//     hidden [B][Hidden]             into the layer         float
//     att    [B][AttendedWidth / 2]  attention's output     bf16 pairs, in the order of dense_place
//     mid    [B][Hidden]             after attention        float
//     h      [B * TopK][Inter / 2]   SwiGLU's output        bf16 pairs, in the order of expert_place
//
// Crew: all warps of a block. The first `Warps` stream weights; all gather and normalize, which is what the time hangs on at half the weights a card.
// Flow: words alone say what is there, not the end of the kernel before; the next kernel may start when they are there, not before, since blocks that only wait take
// room and ask too much; and the wait comes last, so that the end of a kernel still means the end of all before it: attention, which reads plain memory, relies on that.
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
                v[r] = make_float4(__uint_as_float(w[2 * r].x), __uint_as_float(w[2 * r].z), __uint_as_float(w[2 * r + 1].x), __uint_as_float(w[2 * r + 1].z));
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
template <class Strip, int B, int Warps, int Slots, int Crew, bool Flow> __device__ __forceinline__ void pair_qkv(const PairQkvParameters& p) {
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
            embedded = p.embedding + (size_t)min(max(token, 0), p.vocabulary - 1) * TrueHidden; // a row that the host samples has no token yet
        }
        norm<Crew, false>(
            x + b * HiddenStride, WordRow{p.hidden + b * Hidden, embedded, blockIdx.x == 0 ? p.hidden + b * Hidden : nullptr, p.wire, number}, gains, scratch);
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
    extern "C" __global__ void __launch_bounds__((CREW) * 32, 1) NAME(const __grid_constant__ PairQkvParameters p) { pair_qkv<STRIP, B, WARPS, SLOTS, CREW, FLOW>(p); } \
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
template <class Strip, int B, int Warps, int Slots, int Crew, bool Flow> __device__ __forceinline__ void pair_output(const PairOutputParameters& p) {
    constexpr int Threads = Crew * 32, Pairs = AttendedWidth / 4, All = B * Pairs, Rounds = (All + Threads - 1) / Threads, Each = Rounds > 16 ? 16 : Rounds;
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
            tell_pair(p.wire, p.mid + g * Hidden + row, __float_as_uint(__fadd_rn(__uint_as_float(old[0].x), finish(y.x, scale.x, Strip::Scaled, low_bf16(bias)))),
                __float_as_uint(__fadd_rn(__uint_as_float(old[0].z), finish(y.y, scale.y, Strip::Scaled, high_bf16(bias)))), number);
    }
    at_end<Flow>();
}
#define PAIR_OUTPUT(NAME, STRIP, B, WARPS, SLOTS, CREW, FLOW) \
    extern "C" __global__ void __launch_bounds__((CREW) * 32, 1) NAME(const __grid_constant__ PairOutputParameters p) { pair_output<STRIP, B, WARPS, SLOTS, CREW, FLOW>(p); } \
    EMULATE_KERNEL(NAME)

struct PairHeadParameters {
    float* logits;     // [B][Vocabulary], from this card's first row on
    const u64* hidden; // after the last layer
    const bf16* gain;
    const u8* weights;
    const float* scales;
    Wire wire;
    int rows;
};
// grid: as many blocks as fit; each warp takes strip after strip.
template <class Strip, int B, int Warps, int Slots, bool Flow> __device__ __forceinline__ void pair_head(const PairHeadParameters& p) {
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    float* scratch = (float*)(x + B * HiddenStride);
    Stream<Slots> stream(shared);
    int lane = threadIdx.x % 32, g = lane >> 2, step = gridDim.x * Warps, strip = threadIdx.x / 32 * gridDim.x + blockIdx.x, strips = p.rows / 8;
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
            *(float2*)(p.logits + (size_t)g * Vocabulary + row) =
                make_float2(finish(y.x, scale.x, Strip::Scaled, 0), finish(y.y, scale.y, Strip::Scaled, 0));
    }
    at_end<Flow>();
}
#define PAIR_HEAD(NAME, STRIP, B, WARPS, SLOTS, FLOW) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ PairHeadParameters p) { pair_head<STRIP, B, WARPS, SLOTS, FLOW>(p); } \
    EMULATE_KERNEL(NAME)
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
        norm<RouteWarps, true>(columns + b * ExpertHiddenStride, WordRow{p.mid + b * Hidden, nullptr, nullptr, p.wire, number}, gains, scratch);
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
    extern "C" __global__ void __launch_bounds__(RouterShares * 64, 1) NAME(const __grid_constant__ PairRouteParameters p) { pair_route<B, SLOTS, FLOW>(p); } \
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
        collect_words(fields, wire, number, [&](int n) { return routing + (n == 0 ? ExpertWord + at : n == 1 ? 0 : RowWord + at * 2 + n - 2); });
        live = B == 1 ? q < TopK : q < (int)fields[B == 1 ? 0 : 1];
        expert = live ? (int)fields[0] : 0;
#pragma unroll
        for (int b = 0; b < B; b++) row[b] = !live ? -1 : B == 1 ? q : (int)fields[B == 1 ? 0 : 2 + b];
    }
};
// gate_up and SwiGLU. x is brought before the routing is there: a load behind 50 KB of asked-for weights takes microseconds. grid rows / 16 * TopK * B / Warps, rounded up.
template <class Tile, int B, int Warps, int Slots, bool Flow> __device__ __forceinline__ void pair_up(const PairExpertParameters& p) {
    constexpr int Threads = Warps * 32, Pairs = Hidden / 4, All = B * Pairs, Rounds = (All + Threads - 1) / Threads, Each = Rounds > 16 ? 16 : Rounds;
    DYNAMIC_SHARED(u8, shared);
    u8* x = shared + Warps * Slots * SlotBytes;
    Stream<Slots> stream(shared);
    int tiles = p.rows / 16, t = blockIdx.x * Warps + threadIdx.x / 32, tile = t % tiles, lane = threadIdx.x % 32, g = lane >> 2, i = lane & 3, feature = tile * 8 + g;
    u32 number = *p.wire.number;
    at_start<Flow>();
    auto bring = [&]() {
        for (int c0 = 0; c0 < All; c0 += Each * Threads) {
            uint4 v[Each];
            auto place = [&](int n) { return c0 + n * Threads + (int)threadIdx.x; };
            collect(v, p.wire, number, [&](int n) -> const void* { return place(n) < All ? p.x + (size_t)place(n) * 2 : nullptr; });
#pragma unroll
            for (int n = 0; n < Each; n++)
                if (place(n) < All) *(uint2*)(x + place(n) / Pairs * ExpertHiddenStride + place(n) % Pairs * 8) = make_uint2(v[n].x, v[n].z);
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
            float value = swiglu(__fadd_rn(y[b], low_bf16(both)), __fadd_rn(y[b + 2], high_bf16(both))), other = __shfl_down_sync(0xffffffffu, value, 16);
            if (i == 0 && g < 4 && work.row[b] >= 0) // expert_place: features g and g + 4 beside each other
                tell(p.wire, p.h + (size_t)work.row[b] * (Intermediate / 2) + tile * 4 + g, pack_bf16(value, other), number);
        }
    }
    at_end<Flow>();
}
#define PAIR_UP(NAME, TILE, B, WARPS, SLOTS, FLOW) \
    extern "C" __global__ void __launch_bounds__((WARPS) * 32, 1) NAME(const __grid_constant__ PairExpertParameters p) { pair_up<TILE, B, WARPS, SLOTS, FLOW>(p); } \
    EMULATE_KERNEL(NAME)

// down: a block has one tile of 16 rows of all experts, adds them in slot order, and the residual. grid rows / 16.
// Shared memory: B * TopK rings, B * TopK columns, [B * TopK][16] floats.
template <class Tile, int B, int Slots, int Crew, bool Flow> __device__ __forceinline__ void pair_down(const PairExpertParameters& p) {
    constexpr int Warps = B * TopK, Threads = Crew * 32, Pairs = Intermediate / 4, All = Warps * Pairs, Rounds = (All + Threads - 1) / Threads, Each = Rounds > 12 ? 12 : Rounds;
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
    extern "C" __global__ void __launch_bounds__((CREW) * 32, 1) NAME(const __grid_constant__ PairExpertParameters p) { pair_down<TILE, B, SLOTS, CREW, FLOW>(p); } \
    EMULATE_KERNEL(NAME)
PAIR_ROUTE(r2, 2, 3, false)
PAIR_UP(u2, Mxfp4Tile, 2, 3, 2, false)
PAIR_DOWN(d2, Mxfp4Tile, 2, 4, 24, false)
