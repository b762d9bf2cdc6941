// Between the kernels of a layer: every card has some columns of the result and gets the others from the other card.
// Needs wire.cu and norm.cu (combined).
//
//     rows [count][stride bytes]:   | own columns of card 0 | own columns of card 1 |      the same place on both
//
// A block has some segments of rows, the same on both cards: it sends its card's, raises its flag there, and waits for the other card's
// flag. So a block waits only for the block of its own number, and blocks begin in the order of their numbers: nobody waits for ever. Cards
// that cannot see each other's memory send into an inbox in main memory, from which the other card takes it;
// a second inbox is used in turn, since the next exchange may begin before the last one is read.
struct ExchangeParameters {
    u8* rows;              // this card's
    u8* there;             // where the other card's lie, or the inbox into which this card sends; null: the own columns are there already
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
// A warp has a segment of a row: at (row, column) of each of its pieces of 16 bytes, a few at once.
// get: what is there; put: what to do with it.
template <class Get, class Put>
__device__ __forceinline__ void for_pieces(int count, int columns, int segments, int bytes, Get get, Put put) {
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
extern "C" __global__ void __launch_bounds__(512) exchange(const __grid_constant__ ExchangeParameters p) {
    u32 number = *p.wire.number + p.number;
    wait_for_previous();
    let_next_start();
    auto place = [&](int row, int column) { return (size_t)row * p.stride + p.first + column; };
    for_pieces(p.count, p.there ? p.own : 0, p.segments, p.bytes, [&](int row, int column) {
        uint4 v = *(const uint4*)(p.rows + place(row, column));
        if (!p.add) return v;
        float4 old = make_float4(__uint_as_float(v.x), __uint_as_float(v.y), __uint_as_float(v.z), __uint_as_float(v.w));
        float4 sum = combined(old, (const float4*)((const u8*)p.add + (size_t)row * p.parts * p.own + column), p.parts, p.own / 16);
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
        for_pieces(
            p.count, p.other, p.segments, p.bytes,
            [&](int row, int column) { return load_words(p.inbox + (size_t)row * p.other + column); },
            [&](int row, int column, uint4 v) { *(uint4*)(p.rows + (size_t)row * p.stride + p.other_first + column) = v; });
}
EMULATE_KERNEL(exchange)
