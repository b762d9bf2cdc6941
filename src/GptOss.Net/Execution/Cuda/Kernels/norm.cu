// RMSNorm of a row by a block of NormWarps warps; thread t has its values 4 t to 4 t + 3. Needs common.cu and weights.cu (p64).
__device__ __forceinline__ float4 plus(float4 a, float4 b) {
    return make_float4(__fadd_rn(a.x, b.x), __fadd_rn(a.y, b.y), __fadd_rn(a.z, b.z), __fadd_rn(a.w, b.w));
}
// old + the sum of some rows, in order. more: of the first row; stride: from row to row.
__device__ __forceinline__ float4 combined(float4 old, const float4* more, int parts, int stride) {
    float4 sum = more[0];
    for (int e = 1; e < parts; e++) sum = plus(sum, more[(size_t)e * stride]);
    return plus(old, sum);
}
__device__ __forceinline__ void write_normed(bf16* normed_row, float4 v, uint2 gain, int for_experts) {
    __shared__ float partial[NormWarps];
    __shared__ uint4 row[NormWarps * 16];
    int c = threadIdx.x * 4;
    float square = warp_sum(sum_of_squares(v));
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = square;
    __syncthreads();
    float scale = norm_scale(partial);
    if (c < Hidden) {
        u32 a = pack_bf16(normed(v.x, scale, low_bf16(gain.x)), normed(v.y, scale, high_bf16(gain.x)));
        u32 b = pack_bf16(normed(v.z, scale, low_bf16(gain.y)), normed(v.w, scale, high_bf16(gain.y)));
        bf16* to = (bf16*)row;
        if (for_experts) {
            int at = p64(c);
            to[at] = (bf16)a;
            to[at + 8] = (bf16)(a >> 16);
            to[at + 16] = (bf16)b;
            to[at + 24] = (bf16)(b >> 16);
        } else {
            *(uint2*)(to + c) = make_uint2(a, b);
        }
    }
    __syncthreads();
    if ((int)threadIdx.x * 8 < Hidden) *(uint4*)(normed_row + threadIdx.x * 8) = row[threadIdx.x];
}
