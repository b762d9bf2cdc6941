// How weights lie in memory, and how a warp turns them into operands of the tensor cores.
// Packed once at load (pack.cu); one copy serves every kernel.
//
// Dense matrices are strips of 8 rows, each one contiguous stream over k:
//
//     [rows / 8][k / 64] chunks:   bf16  1024 bytes   [8 rows][64 values]; of row r, 16-byte piece p lies at p ^ r: free of conflicts
//                                                     for ldmatrix, and the 128-byte swizzle of wgmma
//                                  int8   512 bytes   [lane][4 steps]; a word has the row's values 2 i, 2 i + 1, 2 i + 8, 2 i + 9 of 16;
//                                                     and a float scale a row
//                                  int4   320 bytes   [lane][2 words of 2 steps]; then [8 rows][2 groups of 32 k]
//                                                     (float16 scale, 16-bit zero)
//
// (lane = 4 g + i: row g of 8, quarter i.) Experts are tiles of 16 rows, each one contiguous stream over k:
//
//     [expert][rows / 16][k / 64]: mxfp4  544 bytes   [16 places][64 values of 4 bits]; then [16 places][2 scales]
//                                  int4   640 bytes   [16 places][64 values of 4 bits]; then [16 places][2 groups]
//                                                     (float16 scale, 16-bit zero)
//                                  bf16  2048 bytes   [4 steps][lane][4 words]: operands as they are
//
// Places 0..7 are rows 0..7 of the tile and 8..15 its rows 8..15 (down), or its 8 gates and its 8 ups (gate_up: rows alternate), so that
// one thread holds both of a pair. The order of k inside 64 is "P64": a thread's 8 bytes of 4-bit values, 16 of one row, are its operands
// of 4 steps without any shuffle. Thread i of 4 holds k = 16 i + 8 w + j + 4 e, used in step 2 w + j / 2, register pair j % 2, half e.
// Activations for the experts are stored accordingly; whoever produces them (RMSNorm, SwiGLU) writes them in that order.
constexpr int RouterShares = 10, RouterSteps = (Hidden / 32 + RouterShares - 1) / RouterShares;

// Where the value at k lies in activations of P64 order.
__device__ __forceinline__ int p64(int k) { return (k & ~63) + ((k >> 3 & 1) << 5) + ((k & 3) << 3) + ((k >> 4 & 3) << 1) + (k >> 2 & 1); }

// ---- 4 bits -> bf16 ---------------------------------------------------------------------------------------------------------------------
// MXFP4 values j and j + 4 of the 8 in a packed word, as bf16x2, times 2^-126. Exact, subnormals included. A packed half word holds its
// four values with their bits (sign, e1, e0, m) where one shift and one mask find them: 0..2 become sign at 15 and e1 e0 m at 8..6;
// the fourth takes what is left.
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

// AWQ values in bits n .. n + 3 and n + 4 .. n + 7: (q - zero) * scale is exact in float, then rounded to bf16 once.
// group: float16 scale, 16-bit zero.
// 0x4b000000 | q is the float 2^23 + q.
__device__ __forceinline__ u32 int4_pair(u32 word, int n, u32 group) {
    float scale = half_to_float((u16)group), zero = __uint_as_float(0x4b000000u | group >> 16);
    float low = __uint_as_float(0x4b000000u | (word >> n & 15)), high = __uint_as_float(0x4b000000u | (word >> (n + 4) & 15));
    return pack_bf16(__fmul_rn(low - zero, scale), __fmul_rn(high - zero, scale));
}
// Two int8 values of each 16-bit half, sign and magnitude (bits 15 and 6..0; 7 and 14..8).
// As bf16 times 2^-13, exactly; the row's scale has the 2^13.
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

// ---- a chunk of an expert's tile: 16 places x 64 k --------------------------------------------------------------------------------------
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
