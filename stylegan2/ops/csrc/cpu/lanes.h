// Sixteen neighbouring channels at a time, as the vector extension that GCC and Clang share.
//
// Feature maps lie in memory pixel by pixel (channels_last), so all that a layer does to a pixel runs along its channels.
#pragma once

#include "cpu/formats.h"

constexpr int64_t LANES = 16;
typedef float Lanes __attribute__((vector_size(4 * LANES)));
typedef uint32_t LaneBits __attribute__((vector_size(4 * LANES)));
typedef uint16_t LaneHalves __attribute__((vector_size(2 * LANES)));

inline Lanes lanes(const float* from) {
    Lanes result;
    memcpy(&result, from, sizeof result);
    return result;
}

inline Lanes lanes(const bfloat16* from) {
    LaneHalves halves;
    memcpy(&halves, from, sizeof halves);
    return (Lanes)(__builtin_convertvector(halves, LaneBits) << 16);
}

inline void put(float* to, Lanes value) { memcpy(to, &value, sizeof value); }

inline void put(bfloat16* to, Lanes value) {
    LaneBits bits = (LaneBits)value;
    LaneBits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    rounded = value != value ? LaneBits{} + 0x7fc0 : rounded;
    LaneHalves halves = __builtin_convertvector(rounded, LaneHalves);
    memcpy(to, &halves, sizeof halves);
}

inline void put(float* to, float value) { *to = value; }
inline void put(bfloat16* to, float value) { *to = narrow<bfloat16>(value); }

inline float sum(float value) { return value; }
inline float sum(Lanes value) {
    typedef float Eight __attribute__((vector_size(32)));
    typedef float Four __attribute__((vector_size(16)));
    Eight eight[2];
    memcpy(eight, &value, sizeof eight);
    eight[0] += eight[1];
    Four four[2];
    memcpy(four, eight, sizeof four);
    four[0] += four[1];
    return (four[0][0] + four[0][2]) + (four[0][1] + four[0][3]);
}

// Calls each(c, get) for whole vectors of channels, then for the channels left over. `get(pointer)` reads as many
// neighbours as the call is about, so the caller writes its arithmetic once.
template <typename Each>
inline void along_channels(int64_t channels, Each each) {
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES) each(c, [](auto* from) { return lanes(from); });
    for (; c < channels; c++) each(c, [](auto* from) { return widen(*from); });
}
