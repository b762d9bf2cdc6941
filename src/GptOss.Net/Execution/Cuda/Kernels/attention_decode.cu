// Attention of sequences with one new token: one block for each chunk of 256 keys, then a merge. Needs attention.cu.
//
//     partial [sequence][Heads][partial_chunks][66] float: top, sum, out[64]; chunks count from the first that the window touches
//
// The mma tile's rows 0..Group - 1 are the heads of one KV head, the others stay empty:
// half of the tensor cores' work, which does not matter here.
constexpr int PartialWords = 66;
struct DecodeParameters {
    bf16* out;       // [tokens][AttendedWidth] (merge)
    float* partial;
    const bf16* qkv; // [tokens][QkvWidth], q rotated
    const bf16 *keys, *values;
    BlockTables tables;
    const int* lengths;   // [sequences] keys of a sequence, its new one included; 0: no sequence, nothing is written
    const int* token_of;  // [sequences] the sequence's row of qkv and out; null: its own number
    const bf16* sinks;    // [Heads]
    int partial_chunks, window;
};
// grid (chunks, KvHeads, sequences), one warp a block; blocks without keys leave. More than 2 stages (16 KB each) are slower.
template <int Stages> __device__ __forceinline__ void decode_chunk(const DecodeParameters& p) {
    wait_for_previous();
    let_next_start();
    DYNAMIC_SHARED(u8, shared);
    int sequence = blockIdx.z, head = blockIdx.y, lane = threadIdx.x, g = lane >> 2, i = lane & 3, length = p.lengths[sequence];
    Span span = span_of(length - 1, p.window);
    int chunk = span.first + blockIdx.x, from_key = max(span.begin, chunk * ChunkKeys),
        to_key = min(span.last, chunk * ChunkKeys + ChunkKeys - 1);
    if (!length || from_key > to_key) return;
    int count = (to_key - from_key) / TileKeys + 1, token = p.token_of ? p.token_of[sequence] : sequence;
    const int* blocks = p.tables.blocks + p.tables.starts[sequence];
    int my_key = from_key + lane * Page; // up to 16 blocks, one a lane
    bool mine = lane < ChunkKeys / Page && my_key <= to_key && my_key + Page - 1 > span.last - p.window;
    int my_block = mine ? blocks[my_key / Page] : -1;
    u32 fragments[4][4];
    int position[2] = {span.last, span.last};
    const bf16* row = p.qkv + (size_t)token * QkvWidth + (head * Group + g) * Dim;
#pragma unroll
    for (int k = 0; k < 4; k++) {
        fragments[k][0] = g < Group ? *(const u32*)(row + k * 16 + 2 * i) : 0;
        fragments[k][2] = g < Group ? *(const u32*)(row + k * 16 + 8 + 2 * i) : 0;
        fragments[k][1] = fragments[k][3] = 0;
    }
    auto load = [&](int step) {
        u8* stage = shared + step % Stages * 2 * KeyTileBytes;
#pragma unroll
        for (int n = 0; n < 16; n++) {
            int in_tile = n * 4 + lane / 8, piece = lane % 8, key = from_key + step * TileKeys + in_tile;
            int block = __shfl_sync(0xffffffffu, my_block, step * (TileKeys / Page) + n / 4);
            bool valid = key <= to_key && block >= 0; // zeros elsewhere: 0 x NaN of an unused block would be NaN
            size_t from = valid ? (((size_t)block * KvHeads + head) * Page + key % Page) * Dim + piece * 8 : 0;
            copy_async_16(stage + in_tile * 128 + (piece ^ (in_tile & 7)) * 16, p.keys + from, valid);
            copy_async_16(stage + KeyTileBytes + in_tile * 128 + (piece ^ (in_tile & 7)) * 16, p.values + from, valid);
        }
    };
    Softmax s;
    clear(s);
#pragma unroll
    for (int n = 0; n < Stages - 1; n++) {
        if (n < count) load(n);
        copy_async_commit();
    }
    for (int step = 0; step < count; step++) {
        if (step + Stages - 1 < count) load(step + Stages - 1);
        copy_async_commit();
        copy_async_wait<Stages - 1>();
        __syncwarp();
        const u8* stage = shared + step % Stages * 2 * KeyTileBytes;
        int first_key = from_key + step * TileKeys;
        attend(s, fragments, stage, stage + KeyTileBytes, first_key, position, p.window,
            first_key + TileKeys > span.last || first_key <= span.last - p.window);
        __syncwarp();
    }
    float sum = quad_sum(s.sum[0]);
    if (g >= Group) return;
    float* to = p.partial + (((size_t)sequence * Heads + head * Group + g) * p.partial_chunks + blockIdx.x) * PartialWords;
    if (i == 0) *(float2*)to = make_float2(s.top[0], sum);
#pragma unroll
    for (int n = 0; n < 8; n++) *(float2*)(to + 2 + n * 8 + 2 * i) = make_float2(s.out[n][0], s.out[n][1]);
}
extern "C" __global__ void __launch_bounds__(32) attention_decode(const __grid_constant__ DecodeParameters p) { decode_chunk<2>(p); }
EMULATE_KERNEL(attention_decode)

// A warp merges the chunks of a head in ascending order: the lane's two values of the result.
__device__ __forceinline__ u32 merged_pair(const DecodeParameters& p, int sequence, int head) {
    int lane = threadIdx.x % 32, chunks = span_of(p.lengths[sequence] - 1, p.window).chunks;
    const float* from = p.partial + ((size_t)sequence * Heads + head) * p.partial_chunks * PartialWords;
    float top = Masked, sum = 0, a = 0, b = 0;
#pragma unroll 4
    for (int c = 0; c < chunks; c++, from += PartialWords) {
        float2 head_of = *(const float2*)from, pair = *(const float2*)(from + 2 + 2 * lane);
        Merge m = merge(top, head_of.x);
        top = m.top;
        sum = merged(m, sum, head_of.y);
        a = merged(m, a, pair.x);
        b = merged(m, b, pair.y);
    }
    float factor = sink_factor(top, sum, bf16_to_float(p.sinks[head]));
    return pack_bf16(__fmul_rn(a, factor), __fmul_rn(b, factor));
}
// grid (Heads / 4 rounded up, sequences), 128 threads: a warp a head.
extern "C" __global__ void __launch_bounds__(128) attention_merge(const __grid_constant__ DecodeParameters p) {
    wait_for_previous();
    let_next_start();
    int sequence = blockIdx.y, head = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (!p.lengths[sequence] || head >= Heads) return;
    int token = p.token_of ? p.token_of[sequence] : sequence;
    *(u32*)(p.out + (size_t)token * AttendedWidth + head * Dim + 2 * lane) = merged_pair(p, sequence, head);
}
EMULATE_KERNEL(attention_merge)
