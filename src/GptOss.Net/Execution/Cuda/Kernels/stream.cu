// One or two tokens at a time: what the layered kernels share. Needs common.cu and weights.cu.
//
// A warp owns a piece of work (a strip of 8 dense rows, a tile of 16 expert rows) with all of k and streams its weights through a ring of
// its own in shared memory; no other warp is involved, so there is no barrier in a loop.
// Weights and sums as in dense.cu and experts.cu, in the same order: the same bits.
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

// ---- a strip of 8 dense rows times the columns in shared memory -------------------------------------------------------------------------
// Here the weights are mma's B operand (8 rows an instruction) and x its A operand, of whose 16 rows one or two count: the same sums to the
// bit, seen on every card that the self-test has passed on. x: 64 bytes for 16 values, lane i's four words (2 i, 2 i + 1), 0, (2 i + 8,
// 2 i + 9), 0: one load is an A operand.
// bytes of a column; + 64: free of conflicts for two columns
constexpr int HiddenStride = Hidden * 4 + 64, AttendedStride = AttendedWidth * 4 + 64;
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

// ---- a tile of 16 expert rows -----------------------------------------------------------------------------------------------------------
// x: this lane's column, each 64 values as [lane i][16 values], in each 8 in the order 0 4 1 5 2 6 3 7:
// operands of mma's B, 32 bytes together.
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

// ---- RMSNorm into shared memory, the arithmetic of combine_norm -------------------------------------------------------------------------
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
template <int Warps, bool ForExperts, class Row>
__device__ __forceinline__ void norm(u8* x, const Row& row, const Gain<Warps>& gains, float* scratch) {
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
