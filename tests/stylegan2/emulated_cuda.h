// Stands in for CUDA on a CPU: the kernels of stylegan2/ops/csrc/cuda, one thread after the other, in a small grid.
//
// Included before a .cu file that a C++ compiler then compiles. It proves the arithmetic and the addressing, in every
// format and layout. That nvcc takes the sources is another test; how fast they are, only a GPU can tell.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__

struct Index3 {
    unsigned x = 0, y = 0, z = 0;
};
static thread_local Index3 blockIdx, threadIdx, blockDim, gridDim;

// Few threads, so that each has to stride on; a number of elements that is not asked about is no excuse to miss some.
#define LAUNCH(kernel, count, stream, ...)                                       \
    do {                                                                         \
        gridDim.x = 3, blockDim.x = 5;                                           \
        for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)               \
            for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)       \
                kernel(__VA_ARGS__);                                             \
    } while (0)

typedef int cudaError_t;
constexpr int cudaSuccess = 0, cudaErrorInvalidValue = 1;
static int cudaGetLastError() { return cudaSuccess; }
static const char *cudaGetErrorString(cudaError_t) { return "invalid argument"; }

struct __nv_bfloat16 {
    uint16_t bits;
};
struct __half {
    uint16_t bits;
};

inline float as_float(uint32_t bits) {
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}
inline uint32_t as_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __bfloat162float(__nv_bfloat16 x) { return as_float(uint32_t(x.bits) << 16); }
inline __nv_bfloat16 __float2bfloat16(float x) {
    const uint32_t bits = as_bits(x);
    return {uint16_t(std::isnan(x) ? 0x7fc0 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}
inline float __half2float(__half x) {
    const int exponent = (x.bits >> 10) & 31, fraction = x.bits & 1023;
    const float size = exponent == 31 ? (fraction ? NAN : INFINITY)
                       : exponent ? std::ldexp(1024.0f + fraction, exponent - 25) : std::ldexp(float(fraction), -24);
    return x.bits & 0x8000 ? -size : size;
}
inline __half __float2half(float x) {
    const uint16_t sign = (as_bits(x) >> 16) & 0x8000;
    const float size = std::fabs(x);
    if (std::isnan(x))
        return {0x7e00};
    if (size >= 65520)
        return {uint16_t(sign | 0x7c00)};
    const int exponent = size < std::ldexp(1.0f, -14) ? -14 : std::ilogb(size);
    const int steps = int(std::nearbyint(std::ldexp(size, 10 - exponent)));  // of the spacing of halves here, ties to even
    return {uint16_t(sign | (((exponent + 14) << 10) + steps))};
}
