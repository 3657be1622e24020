// Number formats of feature maps, and how work is shared out. Arithmetic is in float, and in double for double.
#pragma once

#include <cstdint>
#include <cstring>

// The upper half of a float.
struct bfloat16 {
    uint16_t bits;
};

template <typename T> struct arithmetic { using type = float; };
template <> struct arithmetic<double> { using type = double; };

inline float widen(float x) { return x; }
inline double widen(double x) { return x; }
inline float widen(bfloat16 x) {
    uint32_t bits = uint32_t(x.bits) << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

template <typename T> inline T narrow(typename arithmetic<T>::type x) { return x; }
// Round to nearest, ties to even, as PyTorch does; a NaN stays one.
template <> inline bfloat16 narrow<bfloat16>(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return {uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded)};
}

// The numbers that Python gives the formats (stylegan2/ops/native.py). Calls `work` with a null T * of the format.
template <typename F> int with_format(int format, F work) {
    switch (format) {
        case 0: work((float *)nullptr); return 0;
        case 1: work((double *)nullptr); return 0;
        case 2: work((bfloat16 *)nullptr); return 0;
    }
    return 1;
}

// Cuts 0 to `count` into one range a thread.
template <typename F> void share(int64_t count, int threads, F work) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; part++)
        work(count * part / threads, count * (part + 1) / threads);
}
