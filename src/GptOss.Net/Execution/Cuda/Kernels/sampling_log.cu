// Log-probabilities under the model's own logits, before any rule. Needs sampling.cu.
__device__ __forceinline__ bool wants_log(const SamplingRow& row) { return (row.flags & WantsLog) && !(row.flags & ForHost); }

// grid (Slices, rows), 256 threads: of each slice the sum of exponentials and the most probable tokens. Before sample_adjust.
extern "C" __global__ void __launch_bounds__(256) sample_report(const __grid_constant__ SampleParameters p) {
    __shared__ u64 keys[8];
    __shared__ float parts[8];
    wait_for_previous();
    let_next_start();
    int slice = blockIdx.x, row = blockIdx.y, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    RowWorkspace& w = p.work[row];
    const SamplingRow wanted = p.rows[row];
    if (!wants_log(wanted)) return;
    const float* logits = p.logits + (size_t)row * Vocabulary;
    u64 last = 0; // keys up to this one are reported already
    float top = 0;
    for (int n = 0; n < max(1, wanted.top_count); n++) {
        u64 best = ~0ull;
        for_slice(logits, nullptr, slice, [&](float v, int t) {
            u64 key = rank_key(v, t);
            if ((n == 0 || key > last) && key < best) best = key;
        });
        best = warp_min(best);
        __syncthreads();
        if (lane == 0) keys[warp] = best;
        __syncthreads();
        for (int v = 0; v < 8; v++)
            if (keys[v] < best) best = keys[v];
        if (threadIdx.x == 0) w.best[slice][n] = best;
        if (n == 0) top = best == ~0ull ? minus_infinity() : logit_of(best);
        last = best;
    }
    float sum = 0;
    for_slice(logits, nullptr, slice, [&](float v, int) { sum = __fadd_rn(sum, exp2_approx(__fmul_rn(__fsub_rn(v, top), Log2e))); });
    sum = warp_sum(sum);
    if (lane == 0) parts[warp] = sum;
    __syncthreads();
    if (threadIdx.x) return;
    for (int v = 1; v < 8; v++) sum = __fadd_rn(sum, parts[v]);
    w.sums[slice] = make_float2(top, sum);
}
EMULATE_KERNEL(sample_report)

// One warp a row, after sample_choose.
extern "C" __global__ void __launch_bounds__(32) sample_log(const __grid_constant__ SampleParameters p) {
    wait_for_previous();
    let_next_start();
    int row = blockIdx.x, lane = threadIdx.x;
    RowWorkspace& w = p.work[row];
    SampledRow& result = p.results[row];
    const SamplingRow wanted = p.rows[row];
    if (!wants_log(wanted) || result.status != Sampled) return;
    float2 own = w.sums[lane];
    float top = own.x;
    for (int o = 16; o; o /= 2) top = max(top, __shfl_xor_sync(0xffffffffu, top, o));
    float sum = warp_sum(own.y > 0 ? __fmul_rn(own.y, exp2_approx(__fmul_rn(__fsub_rn(own.x, top), Log2e))) : 0);
    float log_total = __fadd_rn(top, __fmul_rn(log2_approx(sum), 0.6931471805599453f));
    int token = result.token;
    float logit = p.logits[(size_t)row * Vocabulary + token];
    for (int at = 0; at < wanted.adjustment_count; at += 32) { // an adjusted logit: the model's own is kept with the adjustment
        int n = at + lane;
        u32 found = __ballot_sync(0xffffffffu, n < wanted.adjustment_count && wanted.adjustments[n].token == token);
        if (found) logit = wanted.adjustments[at + __ffs(found) - 1].original;
    }
    if (lane == 0) {
        result.log_probability = __fsub_rn(logit, log_total);
        result.top_count = wanted.top_count;
    }
    int at = 0; // of this lane's slice
    for (int n = 0; n < wanted.top_count; n++) {
        u64 mine = at < wanted.top_count ? w.best[lane][at] : ~0ull, best = warp_min(mine);
        if (mine == best && best != ~0ull) at++;
        if (lane == 0) {
            result.top_tokens[n] = (int)(u32)best;
            result.top_logs[n] = __fsub_rn(logit_of(best), log_total);
        }
    }
}
EMULATE_KERNEL(sample_log)
