// Temperature, top-k, top-p, min-p and the draw. Needs sampling.cu, after sample_scan.
//
// Top-k: all tokens down to the bin of the k-th must fit into the candidates; top-p is then relative to what top-k has left. Top-p alone:
// only the bin where it is reached must fit, and what lies above is drawn from the vocabulary itself.
// A row for which it does not fit is left to the host.

__device__ __forceinline__ u64 max_u64(u64 a, u64 b) { return a > b ? a : b; }

// grid (Slices, rows), 256 threads.
extern "C" __global__ void __launch_bounds__(256) sample_histogram(const __grid_constant__ SampleParameters p) {
    __shared__ u32 count[Bins];
    __shared__ u64 mass[Bins];
    wait_for_previous();
    let_next_start();
    int row = blockIdx.y;
    RowWorkspace& w = p.work[row];
    const SamplingRow wanted = p.rows[row];
    if (!truncates(wanted)) return;
    float top = row_top(w).top;
    for (int b = threadIdx.x; b < Bins; b += 256) {
        count[b] = 0;
        mass[b] = 0;
    }
    __syncthreads();
    for_slice(p.logits + (size_t)row * Vocabulary, wanted.mask, blockIdx.x, [&](float v, int) {
        int b = bin_of(v, top, wanted.scale);
        if (b >= Bins) return;
        atomicAdd(&count[b], 1u);
        atomicAdd(&mass[b], mass_of(v, top, wanted.scale));
    });
    __syncthreads();
    for (int b = threadIdx.x; b < Bins; b += 256)
        if (count[b]) {
            atomicAdd(&w.count[b], count[b]);
            atomicAdd(&w.mass[b], mass[b]);
        }
}
EMULATE_KERNEL(sample_histogram)

// The bin at whose end top-k (or, without it, top-p) is reached, Bins if it never is;
// count and mass before that bin, count and mass of everything.
struct Cut {
    int bin;
    u32 count, all;
    u64 mass, total;
    u32 counts[8];
    u64 masses[8];
};
// All 256 threads call it; the result comes through shared memory.
__device__ __forceinline__ void find_cut(Cut* cut, const RowWorkspace& w, const SamplingRow& row) {
    int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    u32 count[8], own_count = 0;
    u64 mass[8], own_mass = 0;
    for (int j = 0; j < 8; j++) {
        count[j] = w.count[thread * 8 + j];
        mass[j] = w.mass[thread * 8 + j];
        own_count += count[j];
        own_mass += mass[j];
    }
    u32 c = own_count;
    u64 m = own_mass;
    for (int o = 1; o < 32; o *= 2) {
        u32 a = __shfl_up_sync(0xffffffffu, c, o);
        u64 b = shuffle_up(m, o);
        if (lane >= o) {
            c += a;
            m += b;
        }
    }
    if (lane == 31) {
        cut->counts[warp] = c;
        cut->masses[warp] = m;
    }
    if (thread == 0) cut->bin = Bins;
    __syncthreads();
    u64 total = 0;
    u32 all = 0;
    c -= own_count;
    m -= own_mass;
    for (int v = 0; v < 8; v++) {
        if (v < warp) {
            c += cut->counts[v];
            m += cut->masses[v];
        }
        total += cut->masses[v];
        all += cut->counts[v];
    }
    u32 most = row.top_k > 0 ? (u32)row.top_k : ~0u;
    u64 want = row.top_k > 0 ? ~0ull : max_u64(1, (u64)((double)total * row.top_p));
    if (c < most && m < want)
        for (int j = 0; j < 8; j++) {
            if (c + count[j] >= most || m + mass[j] >= want) {
                cut->bin = thread * 8 + j;
                cut->count = c;
                cut->mass = m;
                break;
            }
            c += count[j];
            m += mass[j];
        }
    if (thread == 0) {
        cut->total = total;
        cut->all = all;
    }
    __syncthreads();
    if (thread == 0 && cut->bin == Bins) {
        cut->count = all;
        cut->mass = total;
    }
    __syncthreads();
}

// grid (Slices, rows), 256 threads.
extern "C" __global__ void __launch_bounds__(256) sample_collect(const __grid_constant__ SampleParameters p) {
    __shared__ Cut cut;
    __shared__ u64 sums[8];
    wait_for_previous();
    let_next_start();
    int slice = blockIdx.x, row = blockIdx.y;
    RowWorkspace& w = p.work[row];
    const SamplingRow wanted = p.rows[row];
    if (!draws(wanted)) return;
    float top = row_top(w).top, least = top + wanted.min_offset;
    int bin = Bins; // tokens of lower bins count as they are; those of this one are candidates
    if (truncates(wanted)) {
        find_cut(&cut, w, wanted);
        bin = cut.bin;
    }
    u64 above = 0;
    for_slice(p.logits + (size_t)row * Vocabulary, wanted.mask, slice, [&](float v, int t) {
        int b = bin_of(v, top, wanted.scale);
        if (b >= Bins) return;
        if (wanted.top_k > 0 ? b <= bin : b == bin) {
            int at = atomicAdd(&w.candidate_count, 1);
            if (at < Candidates) w.candidates[at] = rank_key(v, t);
        } else if (b < bin && v >= least) {
            above += mass_of(v, top, wanted.scale);
        }
    });
    above = warp_add(above);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = above;
    __syncthreads();
    if (threadIdx.x == 0) {
        u64 sum = 0;
        for (int n = 0; n < 8; n++) sum += sums[n];
        w.slice_mass[slice] = sum;
    }
}
EMULATE_KERNEL(sample_collect)

// Sorts padded (a power of two) keys ascending.
__device__ __forceinline__ void sort_keys(u64* key, int padded) {
    for (int size = 2; size <= padded; size *= 2)
        for (int stride = size / 2; stride; stride /= 2) {
            __syncthreads();
            for (int c = threadIdx.x; c < padded; c += 256) {
                int other = c ^ stride;
                if (other > c) {
                    u64 a = key[c], b = key[other];
                    if ((a > b) == ((c & size) == 0)) {
                        key[c] = b;
                        key[other] = a;
                    }
                }
            }
        }
    __syncthreads();
}
// One block of 256 a row.
extern "C" __global__ void __launch_bounds__(256) sample_choose(const __grid_constant__ SampleParameters p) {
    __shared__ Cut cut;
    __shared__ u64 key[Candidates];
    __shared__ u64 masses[Slices];
    __shared__ u64 sums[8];
    __shared__ u64 target, cutoff;
    __shared__ int slice, answer, kept;
    wait_for_previous();
    let_next_start();
    int row = blockIdx.x, thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    RowWorkspace& w = p.work[row];
    const SamplingRow wanted = p.rows[row];
    auto finish = [&](int token, int status) {
        if (thread) return;
        p.chosen[row] = token;
        p.results[row].token = token;
        p.results[row].status = status;
    };
    if (wanted.flags & ForHost) return finish(-1, LeftToHost);
    SliceTop best = row_top(w);
    if (best.not_finite) return finish(-1, NotFinite);
    if (best.token < 0) return finish(-1, NothingAllowed);
    if (!draws(wanted)) return finish(best.token, Sampled);
    float top = best.top, scale = wanted.scale, least = top + wanted.min_offset;
    bool top_k = wanted.top_k > 0;
    int n = 0, padded = 1;
    if (truncates(wanted)) {
        find_cut(&cut, w, wanted);
        n = top_k || cut.bin < Bins ? w.candidate_count : 0;
        if (n > Candidates) { // the host adjusts again
            for (int a = thread; a < wanted.adjustment_count; a += 256)
                p.logits[(size_t)row * Vocabulary + wanted.adjustments[a].token] = wanted.adjustments[a].original;
            return finish(-1, LeftToHost);
        }
    } else if (thread == 0) {
        cut.bin = Bins;
    }
    while (padded < n) padded *= 2;
    for (int c = thread; c < padded; c += 256) key[c] = c < n ? w.candidates[c] : ~0ull;
    if (thread < Slices) masses[thread] = w.slice_mass[thread];
    sort_keys(key, padded);
    if (thread == 0) { // how many of the candidates stay: they are sorted by probability
        int most = top_k ? min(n, wanted.top_k) : n;
        u64 mass = top_k ? 0 : cut.mass, total = top_k ? 0 : cut.total;
        if (top_k)
            for (int c = 0; c < most; c++) total += mass_of(logit_of(key[c]), top, scale);
        u64 want = wanted.top_p < 1.0f ? max_u64(1, (u64)((double)total * wanted.top_p)) : ~0ull;
        int taken = 0;
        while (taken < most && mass < want) mass += mass_of(logit_of(key[taken++]), top, scale);
        while (taken > (top_k ? 1 : 0) && logit_of(key[taken - 1]) < least) taken--;
        kept = taken;
        cutoff = taken ? key[taken - 1] : 0;
        answer = -1;
        slice = -1;
        if (!top_k) { // they count in the slices that they lie in
            for (int c = 0; c < taken; c++) masses[(int)(u32)key[c] / SliceSize] += mass_of(logit_of(key[c]), top, scale);
            u64 sum = 0;
            for (int s = 0; s < Slices; s++) sum += masses[s];
            u64 t = __umul64hi(sum, wanted.random);
            for (int s = 0; s < Slices && slice < 0; s++) {
                if (t < masses[s]) slice = s;
                else t -= masses[s];
            }
            target = t;
        }
    }
    __syncthreads();
    if (top_k) { // in the order of ids
        int taken = kept;
        for (padded = 1; padded < taken;) padded *= 2;
        for (int c = thread; c < padded; c += 256) key[c] = c < taken ? key[c] << 32 | key[c] >> 32 : ~0ull;
        sort_keys(key, padded);
        if (thread == 0) {
            u64 sum = 0;
            for (int c = 0; c < taken; c++) sum += mass_of(logit_of(key[c] << 32), top, scale);
            u64 t = __umul64hi(sum, wanted.random);
            for (int c = 0; c < taken; c++) {
                u64 here = mass_of(logit_of(key[c] << 32), top, scale);
                if (t < here) {
                    answer = (int)(key[c] >> 32);
                    break;
                }
                t -= here;
            }
        }
    } else { // each thread a run of the slice's tokens, then the run that holds the target
        int run = (SliceSize + 255) / 256, first = slice * SliceSize + thread * run,
            last = min(min(first + run, (slice + 1) * SliceSize), TrueVocabulary);
        const float* logits = p.logits + (size_t)row * Vocabulary;
        int bin = cut.bin;
        u64 last_key = cutoff, mine = 0;
        auto mass_at = [&](int t) -> u64 {
            float v = logits[t];
            int b = bin_of(v, top, scale);
            bool counts = allowed(wanted.mask, t) && b < Bins && v >= least && (b < bin || (b == bin && rank_key(v, t) <= last_key));
            return counts ? mass_of(v, top, scale) : 0;
        };
        for (int t = first; t < last; t++) mine += mass_at(t);
        u64 up_to = mine;
        for (int o = 1; o < 32; o *= 2) {
            u64 v = shuffle_up(up_to, o);
            if (lane >= o) up_to += v;
        }
        if (lane == 31) sums[warp] = up_to;
        __syncthreads();
        for (int v = 0; v < warp; v++) up_to += sums[v];
        u64 before = up_to - mine, want = target;
        if (want >= before && want < up_to)
            for (int t = first; t < last; t++) {
                u64 here = mass_at(t);
                if (want < before + here) {
                    answer = t;
                    break;
                }
                before += here;
            }
    }
    __syncthreads();
    finish(answer, Sampled);
}
EMULATE_KERNEL(sample_choose)
