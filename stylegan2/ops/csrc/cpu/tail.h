// What follows the convolution of a synthesis layer, for one value or a vector of channels.
#pragma once

#include "cpu/lanes.h"

struct Tail {  // of a layer
    const float* scale;     // [N, C], all above 0
    const float* bias;      // [C]
    const float* noise;     // [N or 1, H, W], or null
    int64_t noise_step;     // from one sample's noise to the next: 0 where all share it
    float strength;
    float slope;            // of the leaky ReLU below zero, above 0
    float limit;            // of the clamp; infinite for none

    float noise_at(int64_t sample, int64_t pixel) const { return noise ? noise[sample * noise_step + pixel] * strength : 0.0f; }
};

template <typename V>
inline V activate(V v, const Tail& tail) {
    v = v < 0 ? v * tail.slope : v;
    v = v < -tail.limit ? V{} - tail.limit : v;
    return v > tail.limit ? V{} + tail.limit : v;
}

// The arguments of a C function that make a Tail. The gain of the activation is already in scale and bias.
#define TAIL const float *scale, const float *bias, const float *noise, int64_t noise_step, const float *strength, float gain, float slope, float limit
#define GIVEN_TAIL Tail{scale, bias, noise, noise_step, noise ? *strength * gain : 0.0f, slope, limit}
