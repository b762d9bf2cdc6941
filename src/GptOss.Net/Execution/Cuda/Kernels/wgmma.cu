// Hopper's tensor core instructions (sm_90a): d[64 x N] += a[64 x 16] * b[16 x N], asynchronous, for one warpgroup of 4 warps.
// Needs common.cu.
//
// a comes from registers (operands as mma's, 16 rows a warp) or, like b, from shared memory through a descriptor.
// d: [N / 8] tiles as mma's.
#ifndef CUDA_EMULATION
#define WGMMA_D4(n) "+f"(d[n][0]), "+f"(d[n][1]), "+f"(d[n][2]), "+f"(d[n][3])
#define WGMMA_D16(n) WGMMA_D4(n), WGMMA_D4(n + 1), WGMMA_D4(n + 2), WGMMA_D4(n + 3)
#define WGMMA_D32(n) WGMMA_D16(n), WGMMA_D16(n + 4)
#define WGMMA_D64(n) WGMMA_D32(n), WGMMA_D32(n + 8)
#define WGMMA_D128(n) WGMMA_D64(n), WGMMA_D64(n + 16)
#define WGMMA_R0 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WGMMA_R1 \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define WGMMA_R2 \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define WGMMA_R3 \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define WGMMA_R16 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define WGMMA_R32 WGMMA_R0
#define WGMMA_R64 WGMMA_R0 ", " WGMMA_R1
#define WGMMA_R128 WGMMA_R64 ", " WGMMA_R2 ", " WGMMA_R3
// width: N; count: registers of d; the others are the numbers of the operands after them.
#define WGMMA(width, count, a0, a1, a2, a3, b0) \
    __device__ __forceinline__ void wgmma_m64k16(float (&d)[width / 8][4], const u32 (&a)[4], u64 b) { \
        asm volatile("{ .reg .pred p; setp.eq.u32 p, 1, 1; wgmma.mma_async.sync.aligned.m64n" #width "k16.f32.bf16.bf16 {" WGMMA_R##count \
                     "}, {%" #a0 ", %" #a1 ", %" #a2 ", %" #a3 "}, %" #b0 ", p, 1, 1, 0; }" \
                     : WGMMA_D##count(0) \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)); \
    } \
    __device__ __forceinline__ void wgmma_m64k16(float (&d)[width / 8][4], u64 a, u64 b) { \
        asm volatile("{ .reg .pred p; setp.eq.u32 p, 1, 1; wgmma.mma_async.sync.aligned.m64n" #width "k16.f32.bf16.bf16 {" WGMMA_R##count \
                     "}, %" #a0 ", %" #a1 ", p, 1, 1, 0, 0; }" \
                     : WGMMA_D##count(0) \
                     : "l"(a), "l"(b)); \
    }
WGMMA(32, 16, 16, 17, 18, 19, 20)
WGMMA(64, 32, 32, 33, 34, 35, 36)
WGMMA(128, 64, 64, 65, 66, 67, 68)
WGMMA(256, 128, 128, 129, 130, 131, 132)

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Pending> __device__ __forceinline__ void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}
// Ordinary writes to shared memory, cp.async's too, before the tensor cores read them.
__device__ __forceinline__ void fence_async_proxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
// A tile of [row][128 bytes] at a multiple of 1024 bytes, 16-byte pieces xor-swizzled by row % 8 (the 128-byte swizzle),
// groups of 8 rows 1024 bytes apart.
// One step of 16 k further: + 2.
__device__ __forceinline__ u64 wgmma_descriptor(const void* tile) {
    return (u64)((shared_address(tile) & 0x3ffff) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
#endif
