// Between two cards that do not see each other's memory: brings the other card's words from the inbox in main memory to this card's arena. Needs wire.cu.
//
// One block, launched before the step's kernels, in a stream of its own: these read the arena alone, as if the other card had stored there. Main memory is far: one
// block asks there for each word, not every block that needs it.
struct RelayParameters {
    u8* arena;
    const u8* inbox;  // the same layout
    const int4* jobs; // in the order of the step: (offset, pairs of words in a row, rows, stride), offset and stride in 16 bytes
    Wire wire;
    int count;
};
extern "C" __global__ void __launch_bounds__(512) relay(const __grid_constant__ RelayParameters p) {
    constexpr int Threads = 512, Each = 6;
    u32 number = *p.wire.number;
    for (int j = 0; j < p.count; j++) {
        int4 job = p.jobs[j];
        int all = job.y * job.z;
        auto offset = [&](int q) { return (size_t)(job.x + q / job.y * job.w + q % job.y) * 16; };
        for (int q = threadIdx.x; q < all; q += Each * Threads) {
            uint4 v[Each];
            collect_alone(v, p.wire, number, [&](int n) -> const void* { return q + n * Threads < all ? p.inbox + offset(q + n * Threads) : nullptr; });
#pragma unroll
            for (int n = 0; n < Each; n++)
                if (q + n * Threads < all) store_words(p.arena + offset(q + n * Threads), v[n].x, v[n].z, number);
        }
        __syncthreads(); // what comes later hangs on these words: no thread asks for it before all have brought theirs
    }
}
EMULATE_KERNEL(relay)
