// Lets clang compile our header-free .cu files to PTX without a CUDA toolkit: a check of the code that g++ never sees (inline PTX), on machines without a GPU.
//
//   clang++ -x cuda --cuda-gpu-arch=sm_80 --cuda-device-only -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx74 -include clang_cuda.h -S kernels.cu
#pragma once
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
#include "__clang_cuda_builtin_vars.h"
typedef unsigned long size_t;
struct __attribute__((aligned(8))) uint2 { unsigned x, y; };
struct __attribute__((aligned(16))) uint4 { unsigned x, y, z, w; };
struct __attribute__((aligned(8))) int2 { int x, y; };
struct __attribute__((aligned(16))) int4 { int x, y, z, w; };
struct __attribute__((aligned(8))) float2 { float x, y; };
struct __attribute__((aligned(16))) float4 { float x, y, z, w; };
#define DEVICE __device__ inline
DEVICE uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
DEVICE uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
DEVICE int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
DEVICE float2 make_float2(float x, float y) { return {x, y}; }
DEVICE float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
DEVICE int min(int a, int b) { return a < b ? a : b; }
DEVICE int max(int a, int b) { return a > b ? a : b; }
DEVICE float min(float a, float b) { return __nvvm_fmin_f(a, b); }
DEVICE float max(float a, float b) { return __nvvm_fmax_f(a, b); }
DEVICE float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float __fadd_rn(float a, float b) { return __nvvm_add_rn_f(a, b); }
DEVICE float __fsub_rn(float a, float b) { return __nvvm_add_rn_f(a, -b); }
DEVICE float __fmul_rn(float a, float b) { return __nvvm_mul_rn_f(a, b); }
DEVICE float __fdiv_rn(float a, float b) { return __nvvm_div_rn_f(a, b); }
DEVICE float rsqrtf(float a) { return __nvvm_rsqrt_approx_f(a); }
DEVICE float __uint_as_float(unsigned v) { return __builtin_bit_cast(float, v); }
DEVICE unsigned __float_as_uint(float v) { return __builtin_bit_cast(unsigned, v); }
DEVICE int __popc(unsigned v) { return __builtin_popcount(v); }
DEVICE int __ffs(int v) { return __builtin_ffs(v); }
DEVICE unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return __nvvm_mulhi_ull(a, b); }
DEVICE float __shfl_xor_sync(unsigned m, float v, int lane) { return __nvvm_shfl_sync_bfly_f32(m, v, lane, 31); }
DEVICE int __shfl_xor_sync(unsigned m, int v, int lane) { return __nvvm_shfl_sync_bfly_i32(m, v, lane, 31); }
DEVICE unsigned __shfl_xor_sync(unsigned m, unsigned v, int lane) { return __nvvm_shfl_sync_bfly_i32(m, v, lane, 31); }
DEVICE float __shfl_sync(unsigned m, float v, int lane) { return __nvvm_shfl_sync_idx_f32(m, v, lane, 31); }
DEVICE int __shfl_sync(unsigned m, int v, int lane) { return __nvvm_shfl_sync_idx_i32(m, v, lane, 31); }
DEVICE int __shfl_up_sync(unsigned m, int v, int delta) { return __nvvm_shfl_sync_up_i32(m, v, delta, 0); }
DEVICE unsigned __shfl_up_sync(unsigned m, unsigned v, int delta) { return __nvvm_shfl_sync_up_i32(m, v, delta, 0); }
DEVICE float __shfl_down_sync(unsigned m, float v, int delta) { return __nvvm_shfl_sync_down_f32(m, v, delta, 31); }
DEVICE unsigned __ballot_sync(unsigned m, bool p) { return __nvvm_vote_ballot_sync(m, p); }
DEVICE bool __any_sync(unsigned m, bool p) { return __nvvm_vote_any_sync(m, p); }
DEVICE void __syncwarp() { __nvvm_bar_warp_sync(0xffffffffu); }
DEVICE unsigned atomicAdd(unsigned* p, unsigned v) { return __nvvm_atom_add_gen_i((int*)p, v); }
DEVICE int atomicAdd(int* p, int v) { return __nvvm_atom_add_gen_i(p, v); }
DEVICE unsigned long long atomicAdd(unsigned long long* p, unsigned long long v) { return __nvvm_atom_add_gen_ll((long long*)p, v); }
DEVICE size_t __cvta_generic_to_shared(const void* p) { return (size_t)(const __attribute__((address_space(3))) void*)p; }
#undef DEVICE
