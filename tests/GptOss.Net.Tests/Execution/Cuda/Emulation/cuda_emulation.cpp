// What every emulated kernel shares: the threads of a block, and the order in which they take turns (cuda_emulation.h).
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>
#include <sys/mman.h>

extern "C" __attribute__((weak, visibility("hidden"))) char __start_cuda_shared[], __stop_cuda_shared[];

namespace cuda_emulation {
constexpr size_t StackBytes = 128 * 1024, SharedBytes = 228 * 1024;
alignas(1024) unsigned char dynamic_shared[SharedBytes];
Fiber* fibers = nullptr;
Warp* warps = nullptr;
Rendezvous block_meeting;
int current = 0;
void* scheduler_stack_pointer = nullptr;
uint64_t progress = 0;
uint3 block_index, block_dim, grid_dim;

asm(R"(
.hidden cuda_emulation_switch
.globl cuda_emulation_switch
cuda_emulation_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
)");
constexpr int SavedWords = 6;
#if !defined(__x86_64__)
#error "add the context switch of this processor"
#endif

namespace {
// They go with their library, to the system and not to malloc, whose heaps they would cut to pieces: a test run loads thousands.
struct Stacks {
    char* bytes = nullptr;
    size_t count = 0;
    bool hold(size_t n) {
        if (n <= count) return true;
        release();
        void* mapped = mmap(nullptr, n * StackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) return false;
        bytes = static_cast<char*>(mapped); count = n;
        return true;
    }
    void release() { if (count) munmap(bytes, count * StackBytes); count = 0; }
    ~Stacks() { release(); }
};
Stacks stacks;
std::vector<Fiber> all_fibers;
std::vector<Warp> all_warps;
std::vector<int> turn;
unsigned order = 0;                               // 0 ascending, 1 descending, else the seed of a shuffle
void (*fiber_body)(void*) = nullptr;
void* fiber_argument = nullptr;

void choose_turns(unsigned n) {
    turn.resize(n); std::iota(turn.begin(), turn.end(), 0);
    if (order == 1) std::reverse(turn.begin(), turn.end());
    if (order > 1) { std::mt19937 random(order); std::shuffle(turn.begin(), turn.end(), random); }
}

void leave(Rendezvous& m) { if (--m.expected > 0 && m.arrived == m.expected) { m.arrived = 0; m.generation++; progress++; } }

void fiber_main() {
    fiber_body(fiber_argument);
    fibers[current].done = true; progress++;
    leave(block_meeting); leave(warp().meeting);
    for (;;) yield();
}

int run_block() {
    unsigned n = block_dim.x * block_dim.y * block_dim.z;
    if (!stacks.hold(n)) return 2;
    if (all_fibers.size() < n) all_fibers.resize(n);
    all_warps.assign((n + WarpSize - 1) / WarpSize, Warp{});
    fibers = all_fibers.data(); warps = all_warps.data();
    for (size_t i = 0; i < all_warps.size(); i++) warps[i].meeting.expected = std::min<int>(WarpSize, n - i * WarpSize);
    block_meeting = {static_cast<int>(n), 0, 0};
    for (unsigned i = 0; i < n; i++) {
        Fiber& f = fibers[i]; f.done = false;
        f.thread = {i % block_dim.x, i / block_dim.x % block_dim.y, i / (block_dim.x * block_dim.y)};
        void** sp = reinterpret_cast<void**>(stacks.bytes + (i + 1) * StackBytes - 64);
        *--sp = nullptr;                          // keeps the stack 16-byte aligned at entry
        *--sp = reinterpret_cast<void*>(&fiber_main);
        for (int w = 0; w < SavedWords; w++) *--sp = nullptr;
        f.stack_pointer = sp;
    }
    choose_turns(n);
    for (unsigned alive = n; alive;) {
        uint64_t before = progress; alive = 0;
        for (int i : turn) {
            if (fibers[i].done) continue;
            current = i; cuda_emulation_switch(&scheduler_stack_pointer, fibers[i].stack_pointer);
            alive += !fibers[i].done;
        }
        if (alive && progress == before) { std::fprintf(stderr, "cuda_emulation: deadlock in block %u,%u,%u: %u threads wait at a barrier that the others never reach\n", block_index.x, block_index.y, block_index.z, alive); return 719; }
    }
    return 0;
}
}  // namespace

int run(void (*body)(void*), void* argument, dim3 grid, dim3 block, size_t shared_bytes) {
    if (shared_bytes > SharedBytes || block.x * block.y * block.z > 1024 || block.x * block.y * block.z == 0) return 1;
    fiber_body = body; fiber_argument = argument;
    block_dim = {block.x, block.y, block.z}; grid_dim = {grid.x, grid.y, grid.z};
    for (unsigned z = 0; z < grid.z; z++) for (unsigned y = 0; y < grid.y; y++) for (unsigned x = 0; x < grid.x; x++) {
        block_index = {x, y, z}; std::memset(dynamic_shared, 0xCD, shared_bytes);       // poison: nobody may rely on zeros or on the last block
        if (__start_cuda_shared) std::memset(__start_cuda_shared, 0xCD, __stop_cuda_shared - __start_cuda_shared);
        if (int error = run_block()) return error;
    }
    return 0;
}
}  // namespace cuda_emulation

extern "C" void cuda_emulation_set_order(unsigned order) { cuda_emulation::order = order; }
