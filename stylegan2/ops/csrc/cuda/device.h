// What the kernels share: number formats, packs of neighbours, and how a loop is spread over a GPU.
//
// A kernel is a loop over elements, each independent of the others: no shared memory, no atomics, so results do not depend on
// timing. Without nvcc, the header that a test includes first (tests/stylegan2/emulated_cuda.h) runs the loops on a CPU.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

constexpr int THREADS = 256;
constexpr int64_t MOST_BLOCKS = 1 << 16;

// Runs a kernel with about one thread for each of `count` elements.
#define LAUNCH(kernel, count, stream, ...) \
    kernel<<<unsigned(blocks_for(count)), THREADS, 0, cudaStream_t(stream)>>>(__VA_ARGS__)

inline int64_t blocks_for(int64_t count) {
    const int64_t blocks = (count + THREADS - 1) / THREADS;
    return blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
}
#endif

#define HERE __host__ __device__ inline

// Arithmetic is in float, and in double for double.
template <typename T> struct arithmetic { using type = float; };
template <> struct arithmetic<double> { using type = double; };
template <typename T> using Arithmetic = typename arithmetic<T>::type;

HERE float widen(float x) { return x; }
HERE double widen(double x) { return x; }
HERE float widen(__half x) { return __half2float(x); }
HERE float widen(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T> HERE T narrow(Arithmetic<T> x) { return x; }
template <> HERE __half narrow<__half>(float x) { return __float2half(x); }
template <> HERE __nv_bfloat16 narrow<__nv_bfloat16>(float x) { return __float2bfloat16(x); }

// Neighbours in memory that are read and written at once.
template <typename T, int SIZE> struct alignas(sizeof(T) * SIZE) Pack {
    T at[SIZE];
};
template <typename T, int SIZE> HERE Pack<T, SIZE> load(const T *from) { return *(const Pack<T, SIZE> *)from; }
template <typename T, int SIZE> HERE void store(T *to, const Pack<T, SIZE> &pack) { *(Pack<T, SIZE> *)to = pack; }

// The elements of this thread are first(), first() + apart(), ..
__device__ inline int64_t first() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t apart() { return int64_t(gridDim.x) * blockDim.x; }

// a / b; nearly all maps are small enough for the division that takes a tenth of the time.
HERE int64_t quotient(int64_t a, int64_t b) {
    return uint64_t(a) <= UINT32_MAX && uint64_t(b) <= UINT32_MAX ? int64_t(uint32_t(a) / uint32_t(b)) : a / b;
}
HERE int64_t remainder(int64_t a, int64_t b) { return a - quotient(a, b) * b; }

// The numbers that Python gives the formats (stylegan2/ops/native.py). Calls `work` with a null T * of the format.
template <typename F> int with_format(int format, F work) {
    switch (format) {
        case 0: work((float *)nullptr); break;
        case 1: work((__nv_bfloat16 *)nullptr); break;
        case 2: work((double *)nullptr); break;
        case 3: work((__half *)nullptr); break;
        default: return cudaErrorInvalidValue;
    }
    return cudaGetLastError();
}
template <typename P> using Pointee = std::remove_pointer_t<P>;

// Calls `work` with the number of elements that fill 16 bytes, if packs of that size fit all sizes and pointers, else with 1.
template <typename T, typename F>
void with_packs(std::initializer_list<int64_t> sizes, std::initializer_list<const void *> pointers, F work) {
    constexpr int FULL = 16 / sizeof(T);
    bool fits = true;
    for (int64_t size : sizes)
        fits = fits && size % FULL == 0;
    for (const void *pointer : pointers)
        fits = fits && uintptr_t(pointer) % 16 == 0;
    if (fits)
        work(std::integral_constant<int, FULL>());
    else
        work(std::integral_constant<int, 1>());
}
