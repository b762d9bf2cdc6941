// Packing at load: from the checkpoint's layouts to those of weights.cu, padding with zeros. Needs common.cu and weights.cu.
//
// A source is a matrix [rows][k] of the checkpoint; its row r becomes row first_row + r * row_step of the packed matrix (gates: 0 and 2,
// ups: 1 and 2), whose other rows a launch leaves alone, but for padding: rows at and after `pad_from` become zero. Where a side of the
// matrix runs over heads narrower than 64, head_rows or head_k tells their width: the halves of such a head go to 0 and 32 of 64.
// Grids cover the packed matrix; one launch a source. `refused` counts what cannot be packed exactly (MXFP4 scales above 128).
struct PackParameters {
    u8* to;
    float* scales_to;   // int8 strips: [packed rows]
    const void* from;   // bf16, float16, float32: [rows][k] by strides; MXFP4: [rows][k / 32][16]; AWQ: int32 [k][rows / 8]
    const void* scales; // MXFP4: [rows][k / 32]; AWQ: float16 [k / group][rows]
    const void* zeros;  // AWQ: int32 [k / group][rows / 8]
    u32* refused;
    int rows, k;               // of the source
    int packed_rows, packed_k; // rows: multiple of 8 (strips) or 16 (tiles), k: of 64
    int first_row, row_step, pad_from;
    int head_rows, head_k; // 0: no heads
    int row_stride, k_stride;
    int group; // AWQ
    int alternate; // tiles: places 0..7 are even rows (gates) and 8..15 odd ones (ups)
};

// The index in the checkpoint of index `at` of a packed side, or -1 where there is only padding.
__device__ __forceinline__ int unpadded(int at, int head) {
    if (!head || head == Dim) return at;
    int half = head / 2, d = at % 32;
    return d < half ? at / 64 * head + at % 64 / 32 * half + d : -1;
}
// The source's row of a packed row; -1: padding, to be zeroed; -2: not this launch's.
__device__ __forceinline__ int source_row(const PackParameters& p, int packed) {
    if (packed >= p.pad_from) return -1;
    int own = packed - p.first_row;
    if (own < 0 || own % p.row_step) return -2;
    own = unpadded(own / p.row_step, p.head_rows);
    return own < 0 ? -1 : own < p.rows ? own : -2;
}
__device__ __forceinline__ int source_k(const PackParameters& p, int packed) {
    int own = unpadded(packed, p.head_k);
    return own < p.k ? own : -1;
}

// ---- sources: one value of the checkpoint as float --------------------------------------------------------------------------------------
struct Bf16Source {
    static __device__ __forceinline__ float at(const PackParameters& p, int row, int k) {
        return bf16_to_float(((const bf16*)p.from)[(size_t)row * p.row_stride + (size_t)k * p.k_stride]);
    }
};
struct HalfSource {
    static __device__ __forceinline__ float at(const PackParameters& p, int row, int k) {
        return half_to_float(((const u16*)p.from)[(size_t)row * p.row_stride + (size_t)k * p.k_stride]);
    }
};
struct FloatSource {
    static __device__ __forceinline__ float at(const PackParameters& p, int row, int k) {
        return ((const float*)p.from)[(size_t)row * p.row_stride + (size_t)k * p.k_stride];
    }
};
struct Mxfp4Source {
    static __device__ __forceinline__ u32 nibble(const PackParameters& p, int row, int k) {
        return ((const u8*)p.from)[((size_t)row * p.k + k) / 2] >> 4 * (k & 1) & 15;
    }
    static __device__ __forceinline__ u32 scale(const PackParameters& p, int row, int k) {
        return ((const u8*)p.scales)[(size_t)row * (p.k / 32) + k / 32];
    }
    static __device__ __forceinline__ float at(const PackParameters& p, int row, int k) {
        u32 v = nibble(p, row, k), e = v >> 1 & 3, s = scale(p, row, k);
        float magnitude = e ? (1.0f + 0.5f * (v & 1)) * (float)(1 << (e - 1)) : 0.5f * (v & 1);
        float by = s ? __uint_as_float(s << 23) : __uint_as_float(0x00400000u); // 2^(scale - 127), 2^-127 is subnormal
        return v & 8 ? -magnitude * by : magnitude * by;
    }
};
struct AwqSource { // nibble of an output in its word of eight: 0 4 1 5 2 6 3 7
    static __device__ __forceinline__ u32 nibble(const void* words, int rows, int row, int line) {
        return ((const u32*)words)[(size_t)line * (rows / 8) + row / 8] >> 4 * (row % 8 / 2 + row % 2 * 4) & 15;
    }
    static __device__ __forceinline__ u32 group(const PackParameters& p, int row, int k) {
        return ((const u16*)p.scales)[(size_t)(k / p.group) * p.rows + row] | nibble(p.zeros, p.rows, row, k / p.group) << 16;
    }
    static __device__ __forceinline__ float at(const PackParameters& p, int row, int k) {
        u32 g = group(p, row, k);
        return ((float)nibble(p.from, p.rows, row, k) - (float)(g >> 16)) * half_to_float((u16)g);
    }
};
template <class Source> __device__ __forceinline__ float value_at(const PackParameters& p, int row, int packed_k) {
    int k = source_k(p, packed_k);
    return row < 0 || k < 0 ? 0.0f : Source::at(p, row, k);
}
// For a block of 4-bit values whose first lies at packed_k: the AWQ group, or zeros.
__device__ __forceinline__ u32 group_at(const PackParameters& p, int row, int packed_k) {
    int k = source_k(p, packed_k);
    return row < 0 || k < 0 ? 0 : AwqSource::group(p, row, k);
}

// ---- strips -----------------------------------------------------------------------------------------------------------------------------
// One thread a 16-byte piece. grid: packed_rows * packed_k / 8 / 256, rounded up.
template <class Source> __device__ __forceinline__ void pack_strip(const PackParameters& p) {
    size_t at = (size_t)blockIdx.x * 256 + threadIdx.x;
    if (at >= (size_t)p.packed_rows * p.packed_k / 8) return;
    int chunks = p.packed_k / 64, strip = at / 64 / chunks, chunk = at / 64 % chunks, r = at / 8 % 8, piece = (int)(at % 8) ^ r,
        row = source_row(p, strip * 8 + r);
    if (row == -2) return;
    u32 words[4];
    for (int w = 0; w < 4; w++) {
        int k = chunk * 64 + piece * 8 + w * 2;
        words[w] = pack_bf16(value_at<Source>(p, row, k), value_at<Source>(p, row, k + 1));
    }
    ((uint4*)p.to)[at] = make_uint4(words[0], words[1], words[2], words[3]);
}
// One block of 256 a packed row: the largest magnitude becomes 127.
template <class Source> __device__ __forceinline__ void pack_strip_int8(const PackParameters& p) {
    __shared__ float top[256];
    int packed = blockIdx.x, row = source_row(p, packed), thread = threadIdx.x;
    if (row == -2) return;
    float largest = 0;
    for (int k = thread; k < p.packed_k; k += 256) {
        float v = value_at<Source>(p, row, k);
        largest = max(largest, v < 0 ? -v : v);
    }
    top[thread] = largest;
    __syncthreads();
    for (int o = 128; o; o /= 2) {
        if (thread < o) top[thread] = max(top[thread], top[thread + o]);
        __syncthreads();
    }
    float scale = top[0] / 127, inverse = scale > 0 ? 1 / scale : 0;
    if (thread == 0) p.scales_to[packed] = scale * 8192; // see int8_pair
    for (int w = thread; w < p.packed_k / 4; w += 256) {
        int chunk = w / 16, i = w / 4 % 4, s = w % 4;
        u32 word = 0;
        for (int e = 0; e < 4; e++) {
            float f = value_at<Source>(p, row, chunk * 64 + 16 * s + 2 * i + (e & 1) + (e >> 1) * 8) * inverse;
            int q = min((int)(f < 0 ? -f + 0.5f : f + 0.5f), 127), sign = f < 0;
            word |= e < 2 ? (u32)(q | sign << 15) << 16 * e : (u32)(q << 8 | sign << 7) << 16 * (e - 2);
        }
        *(u32*)(p.to + ((size_t)(packed / 8) * (p.packed_k / 64) + chunk) * Int8Strip::Bytes + (packed % 8 * 4 + i) * 16 + s * 4) = word;
    }
}
// One thread a word of 8 values, or a group. grid: packed_rows * packed_k / 64 * 10 / 256,
// rounded up (8 words and 2 groups a row and chunk).
__device__ __forceinline__ void pack_strip_int4(const PackParameters& p) {
    size_t at = (size_t)blockIdx.x * 256 + threadIdx.x;
    if (at >= (size_t)p.packed_rows * (p.packed_k / 64) * 10) return;
    int what = at % 10, chunk = at / 10 % (p.packed_k / 64), packed = at / 10 / (p.packed_k / 64), row = source_row(p, packed);
    if (row == -2) return;
    u8* to = p.to + ((size_t)(packed / 8) * (p.packed_k / 64) + chunk) * Int4Strip::Bytes;
    if (what >= 8) {
        *(u32*)(to + 256 + packed % 8 * 8 + (what - 8) * 4) = group_at(p, row, chunk * 64 + (what - 8) * 32);
        return;
    }
    int i = what / 2, word = what % 2;
    u32 v = 0;
    for (int n = 0; n < 8; n++) { // two steps of 2 i, 2 i + 1, 2 i + 8, 2 i + 9
        int k = source_k(p, chunk * 64 + (word * 2 + n / 4) * 16 + 2 * i + (n & 1) + (n >> 1 & 1) * 8);
        if (row >= 0) v |= (k < 0 ? group_at(p, row, chunk * 64 + word * 32) >> 16 : AwqSource::nibble(p.from, p.rows, row, k)) << 4 * n;
    }
    *(u32*)(to + (packed % 8 * 4 + i) * 8 + word * 4) = v;
}

// ---- tiles of experts -------------------------------------------------------------------------------------------------------------------
// The packed row of a place of a tile.
__device__ __forceinline__ int row_of_place(const PackParameters& p, int tile, int place) {
    return tile * 16 + (p.alternate ? place % 8 * 2 + place / 8 : place);
}
// One thread a word of 8 values (with the scales or groups: 10 a place and chunk).
// grid: packed_rows * packed_k / 64 * 10 / 256, rounded up.
template <bool Awq> __device__ __forceinline__ void pack_tile_4bit(const PackParameters& p) {
    constexpr int Bytes = Awq ? Int4Tile::Bytes : Mxfp4Tile::Bytes;
    size_t at = (size_t)blockIdx.x * 256 + threadIdx.x;
    int chunks = p.packed_k / 64;
    if (at >= (size_t)p.packed_rows * chunks * 10) return;
    int what = at % 10, place = at / 10 % 16, chunk = at / 160 % chunks, tile = at / 160 / chunks,
        row = source_row(p, row_of_place(p, tile, place));
    if (row == -2) return;
    u8* to = p.to + ((size_t)tile * chunks + chunk) * Bytes;
    if (what >= 8) {
        int side = what - 8, k = source_k(p, chunk * 64 + side * 32);
        if (Awq) {
            *(u32*)(to + 512 + place * 8 + side * 4) = group_at(p, row, chunk * 64 + side * 32);
        } else {
            u32 scale = row < 0 || k < 0 ? 0 : Mxfp4Source::scale(p, row, k);
            if (scale > 128) atomicAdd(p.refused, 1u);
            to[512 + place * 2 + side] = (u8)scale;
        }
        return;
    }
    u32 v = 0;
    for (int n = 0; n < 8; n++) {
        int k = source_k(p, chunk * 64 + what * 8 + n);
        if (row < 0) continue;
        if (Awq)
            v |= (k < 0 ? group_at(p, row, chunk * 64 + what / 4 * 32) >> 16 : AwqSource::nibble(p.from, p.rows, row, k))
                << 4 * (2 * (n % 4) + n / 4);
        else if (k >= 0) v |= fp4_place(Mxfp4Source::nibble(p, row, k), n & 3) << (n / 4 * 16);
    }
    *(u32*)(to + place * 32 + what * 4) = v;
}
// One thread a word of 2 values. grid: packed_rows * packed_k / 2 / 256, rounded up.
template <class Source> __device__ __forceinline__ void pack_tile_bf16(const PackParameters& p) {
    size_t at = (size_t)blockIdx.x * 256 + threadIdx.x;
    if (at >= (size_t)p.packed_rows * p.packed_k / 2) return;
    int chunks = p.packed_k / 64, a = at % 4, lane = at / 4 % 32, s = at / 128 % 4, chunk = at / 512 % chunks, tile = at / 512 / chunks;
    int row = source_row(p, row_of_place(p, tile, lane / 4 + (a & 1) * 8)),
        k = chunk * 64 + (lane & 3) * 16 + (s >> 1) * 8 + (s & 1) * 2 + (a >> 1);
    if (row != -2) ((u32*)p.to)[at] = pack_bf16(value_at<Source>(p, row, k), value_at<Source>(p, row, k + 4));
}

// ---- router and vectors -----------------------------------------------------------------------------------------------------------------
// [RouterShares][Experts / 16][RouterSteps][low, high 8 rows][lane][16 bytes]:
// a share of k of 16 experts is one stream of operands, in P64 order.
// One thread a word. grid: RouterShares * Experts / 16 * RouterSteps, 256 threads each. packed_k: Hidden.
template <class Source> __device__ __forceinline__ void pack_router(const PackParameters& p) {
    int at = blockIdx.x * 256 + threadIdx.x, word = at % 4, lane = at / 4 % 32, high = at / 128 % 2, step = at / 256 % RouterSteps;
    int half = at / 256 / RouterSteps % (Experts / 16), share = at / 256 / RouterSteps / (Experts / 16),
        row = half * 16 + high * 8 + lane / 4;
    int position = (share * RouterSteps + step) * 32 + (lane & 3) * 8 + word * 2, q = position & 63;
    int k = (position & ~63) + 16 * (q >> 1 & 3) + 8 * (q >> 5) + (q >> 3 & 3); // p64(k) == position
    bool live = row < p.rows && position < Hidden;
    ((u32*)p.to)[at] = live ? pack_bf16(value_at<Source>(p, row, k), value_at<Source>(p, row, k + 4)) : 0;
}
// A bias or gain: bf16 [packed_rows]; padding becomes -inf for the router (`alternate`), else 0. grid: packed_rows / 256, rounded up.
template <class Source> __device__ __forceinline__ void pack_vector(const PackParameters& p) {
    int at = blockIdx.x * 256 + threadIdx.x;
    if (at >= p.packed_rows) return;
    int row = source_row(p, at);
    if (row >= 0) ((bf16*)p.to)[at] = (bf16)pack_bf16(Source::at(p, row, 0), 0);
    else if (row == -1) ((bf16*)p.to)[at] = p.alternate ? 0xff80 : 0;
}

#define PACK_KERNEL(name, ...) \
    extern "C" __global__ void __launch_bounds__(256) name(const __grid_constant__ PackParameters p) { __VA_ARGS__(p); } \
    EMULATE_KERNEL(name)
#define PACK_MATRIX_FROM(source, Source) \
    PACK_KERNEL(pack_strip_bf16_from_##source, pack_strip<Source>) \
    PACK_KERNEL(pack_strip_int8_from_##source, pack_strip_int8<Source>) \
    PACK_KERNEL(pack_tile_bf16_from_##source, pack_tile_bf16<Source>)
#define PACK_PLAIN_FROM(source, Source) \
    PACK_MATRIX_FROM(source, Source) \
    PACK_KERNEL(pack_router_from_##source, pack_router<Source>) \
    PACK_KERNEL(pack_vector_from_##source, pack_vector<Source>)
PACK_PLAIN_FROM(bf16, Bf16Source)
PACK_PLAIN_FROM(f16, HalfSource)
PACK_PLAIN_FROM(f32, FloatSource)
PACK_MATRIX_FROM(awq, AwqSource)
PACK_KERNEL(pack_strip_int4_from_awq, pack_strip_int4)
PACK_KERNEL(pack_tile_int4_from_awq, pack_tile_4bit<true>)
PACK_KERNEL(pack_tile_bf16_from_mxfp4, pack_tile_bf16<Mxfp4Source>)
PACK_KERNEL(pack_tile_mxfp4_from_mxfp4, pack_tile_4bit<false>)
