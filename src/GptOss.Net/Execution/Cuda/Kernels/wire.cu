// What two cards say to each other. Needs common.cu.
//
// Numbers only grow: what was said in an earlier step can never pass for news, and nothing has to be cleared. Two ways:
//
//     words   8 bytes: 4 bytes of data and the number, stored and loaded as one; data and flag cannot come apart, and no fence is needed.
//             They lie at the same offset in both cards' arenas: a store goes to the own one and `shift` bytes further. A card reads its
//             own arena alone.
//     flags   plain stores of any size, then the number, with release and acquire: for more than some 100 KB
//
// A card that has waited longer than its patience says so in `error`, and then nobody waits any more.
// The step ends with garbage, and the host looks at the word.
struct Wire {
    const u32* number; // of the step
    u32* error;        // not 0: somebody has waited too long
    u64 patience;      // nanoseconds
    // words: from a place of the own arena to the same place of the other card's, or of the inbox from which the other card takes it
    long long shift;
};
#ifndef CUDA_EMULATION
__device__ __forceinline__ u64 nanoseconds() {
    u64 t;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t)::"memory");
    return t;
}
__device__ __forceinline__ u32 load_relaxed(const u32* at) {
    u32 v;
    asm volatile("ld.relaxed.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(at) : "memory");
    return v;
}
__device__ __forceinline__ u32 load_acquire(const u32* at) {
    u32 v;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(at) : "memory");
    return v;
}
__device__ __forceinline__ void store_release(u32* at, u32 v) {
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(at), "r"(v) : "memory");
}
__device__ __forceinline__ void store_relaxed(u32* at, u32 v) {
    asm volatile("st.relaxed.sys.global.u32 [%0], %1;" ::"l"(at), "r"(v) : "memory");
}
__device__ __forceinline__ void store_word(void* at, u32 value, u32 number) {
    asm volatile("st.relaxed.sys.global.u64 [%0], %1;" ::"l"(at), "l"((u64)number << 32 | value) : "memory");
}
__device__ __forceinline__ void store_words(void* at, u32 a, u32 b, u32 number) {
    asm volatile("st.relaxed.sys.global.v2.u64 [%0], {%1, %2};" ::"l"(at), "l"((u64)number << 32 | a), "l"((u64)number << 32 | b)
                 : "memory");
}
__device__ __forceinline__ uint4 load_words(const void* at) {
    u64 a, b;
    asm volatile("ld.relaxed.sys.global.v2.u64 {%0, %1}, [%2];" : "=l"(a), "=l"(b) : "l"(at) : "memory");
    return make_uint4((u32)a, (u32)(a >> 32), (u32)b, (u32)(b >> 32));
}
__device__ __forceinline__ uint2 load_word(const void* at) {
    u64 a;
    asm volatile("ld.relaxed.sys.global.u64 %0, [%1];" : "=l"(a) : "l"(at) : "memory");
    return make_uint2((u32)a, (u32)(a >> 32));
}
__device__ __forceinline__ void fence_system() { asm volatile("fence.acq_rel.sys;" ::: "memory"); }
__device__ __forceinline__ void let_others_run() {}
#endif
// Whether to stop waiting, asked again and again with a count that begins at 0.
// Looks at nothing but the count most of the time: most waits are short.
__device__ __forceinline__ bool give_up(const Wire& w, u32 tries, u64& since) {
    let_others_run();
    if (tries % 256 != 255) return false;
    if (load_relaxed(w.error)) return true;
    u64 now = nanoseconds();
    if (!since) since = now;
    if (now - since < w.patience) return false;
    store_relaxed(w.error, 1);
    return true;
}
// Until the flag has this number, or a later one.
__device__ __forceinline__ void wait_for_flag(const Wire& w, const u32* flag, u32 number) {
    u64 since = 0;
    for (u32 tries = 0; (int)(load_acquire(flag) - number) < 0; tries++)
        if (give_up(w, tries, since)) return;
}

// ---- words ------------------------------------------------------------------------------------------------------------------------------
// To both cards.
__device__ __forceinline__ void tell(const Wire& w, void* at, u32 value, u32 number) {
    store_word((u8*)at + w.shift, value, number);
    store_word(at, value, number);
}
__device__ __forceinline__ void tell_pair(const Wire& w, void* at, u32 a, u32 b, u32 number) {
    store_words((u8*)at + w.shift, a, b, number);
    store_words(at, a, b, number);
}
__device__ __forceinline__ u32 is_old(uint4 v, u32 number) { return (v.y ^ number) | (v.w ^ number); }
// N pairs of words at at(n) (null: none), all asked for together, until all are of this step. All 32 lanes come along. While something is
// missing only one lane of a warp asks, for one word: a card full of blocks that all ask for everything slows down the work they wait for.
template <int N, class At> __device__ __forceinline__ void collect(uint4 (&v)[N], const Wire& w, u32 number, At at) {
#pragma unroll
    for (int n = 0; n < N; n++)
        if (const void* p = at(n)) v[n] = load_words(p);
    for (;;) {
        const void* missing = nullptr;
#pragma unroll
        for (int n = 0; n < N; n++)
            if (at(n) && is_old(v[n], number)) missing = at(n);
        u32 lanes = __ballot_sync(0xffffffffu, missing != nullptr);
        if (!lanes) return;
        int up = 0;
        if ((int)(threadIdx.x & 31) == __ffs(lanes) - 1) {
            u64 since = 0;
            for (u32 tries = 0; is_old(load_words(missing), number); tries++)
                if (give_up(w, tries, since)) {
                    up = 1;
                    break;
                }
        }
        if (__any_sync(0xffffffffu, up)) return;
#pragma unroll
        for (int n = 0; n < N; n++)
            if (const void* p = at(n)) v[n] = load_words(p);
    }
}
// The same for any lanes.
template <int N, class At> __device__ __forceinline__ void collect_alone(uint4 (&v)[N], const Wire& w, u32 number, At at) {
    u64 since = 0;
    u32 old = 1;
    for (u32 tries = 0; old; tries++) {
        old = 0;
#pragma unroll
        for (int n = 0; n < N; n++)
            if (const void* p = at(n)) v[n] = load_words(p);
#pragma unroll
        for (int n = 0; n < N; n++)
            if (at(n)) old |= is_old(v[n], number);
        if (old && give_up(w, tries, since)) return;
    }
}
// Single words, any lanes.
template <int N, class At> __device__ __forceinline__ void collect_words(u32 (&v)[N], const Wire& w, u32 number, At at) {
    u64 since = 0;
    u32 old = 1;
    for (u32 tries = 0; old; tries++) {
        uint2 one[N];
        old = 0;
#pragma unroll
        for (int n = 0; n < N; n++) one[n] = load_word(at(n));
#pragma unroll
        for (int n = 0; n < N; n++) {
            old |= one[n].y ^ number;
            v[n] = one[n].x;
        }
        if (old && give_up(w, tries, since)) return;
    }
}
