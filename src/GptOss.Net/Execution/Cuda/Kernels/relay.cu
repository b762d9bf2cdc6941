// Between two cards that do not see each other's memory: brings the other card's words from the inbox in main memory to this card's arena.
// Needs wire.cu.
//
// One block, launched before the step's kernels, in a stream of its own: these read the arena alone, as if the other card had stored
// there. Main memory is far: one block asks there for each word, not every block that needs it, asks again only for those that were
// missing, and passes each one on as soon as it is there.
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
        for (int q = threadIdx.x; q < all; q += Each * Threads) {
            size_t offset[Each];
            u32 missing = 0;
#pragma unroll
            for (int n = 0; n < Each; n++) {
                int at = q + n * Threads;
                offset[n] = (size_t)(job.x + at / job.y * job.w + at % job.y) * 16;
                if (at < all) missing |= 1u << n;
            }
            u64 since = 0;
            for (u32 tries = 0; missing; tries++) {
                uint4 v[Each];
#pragma unroll
                for (int n = 0; n < Each; n++)
                    if (missing >> n & 1) v[n] = load_words(p.inbox + offset[n]);
#pragma unroll
                for (int n = 0; n < Each; n++)
                    if (missing >> n & 1 && !is_old(v[n], number)) {
                        store_words(p.arena + offset[n], v[n].x, v[n].z, number);
                        missing &= ~(1u << n);
                    }
                if (missing && give_up(p.wire, tries, since)) break;
            }
        }
        __syncthreads(); // what comes later hangs on these words: no thread asks for it before all have brought theirs
    }
}
EMULATE_KERNEL(relay)
