// Number formats of feature maps. Arithmetic is in float (double for double); storage is T.
#pragma once

#include <cstdint>
#include <cstring>

// The upper half of a float.
struct bfloat16 {
    uint16_t bits;
};

inline float widen(float x) { return x; }
inline double widen(double x) { return x; }
inline float widen(bfloat16 x) {
    uint32_t bits = uint32_t(x.bits) << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

template <typename T> inline T narrow(float x);
template <> inline float narrow<float>(float x) { return x; }
// Round to nearest, ties to even, as PyTorch does; a NaN stays one.
template <> inline bfloat16 narrow<bfloat16>(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return {uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded)};
}
template <typename T> inline T narrow(double x);
template <> inline double narrow<double>(double x) { return x; }
