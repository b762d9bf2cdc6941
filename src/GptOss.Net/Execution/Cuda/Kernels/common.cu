// What every kernel shares: number formats, tensor core and copy instructions, dependent launch,
// and the arithmetic whose order is part of the result.
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
constexpr float AttentionScale =
    TrueDim == 64 ? 0.125f : TrueDim == 32 ? 0.17677669529663688f : TrueDim == 16 ? 0.25f : 0.35355339059327376f;
static_assert(
    Hidden % 64 == 0 && Hidden <= NormWarps * 128 && Intermediate % 64 == 0 && Experts % 32 == 0 && Vocabulary % 8 == 0, "see CudaShape");
static_assert(Dim == 64 && (TrueDim == 64 || TrueDim == 32 || TrueDim == 16 || TrueDim == 8), "see CudaShape");
static_assert(Heads == KvHeads * Group && 8 % Group == 0 && TopK >= 1 && TopK <= 8, "see CudaShape");

__device__ __forceinline__ float bf16_to_float(bf16 v) { return __uint_as_float((u32)v << 16); }
__device__ __forceinline__ float low_bf16(u32 pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float high_bf16(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }
__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// Programmatic dependent launch (sm_90): a kernel may start while the one before it drains. Every kernel waits first and then lets the next
// one start; before the wait it may read only what is at least two kernels old, such as weights.
// Without the launch attribute, and below sm_90, both do nothing.
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
// Every product and sum is written out: left to itself a compiler contracts a * b + c * d in either way,
// and two kernels would differ in the last bit.
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
