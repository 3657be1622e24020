// How much two feature maps differ, pixel by pixel, and the gradient of that: one pass each over maps that are the largest there are.
//
// Maps are [pixels, C] in memory.

#include "cpu/lanes.h"

namespace {

// out[p] = mean over c of (after[p, c] - before[p, c])^2
template <typename T>
void squared_change(float* out, const T* before, const T* after, int64_t pixels, int64_t channels, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < pixels; p++) {
        const T *x = before + p * channels, *y = after + p * channels;
        Lanes total = {};
        float rest = 0;
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) {
            const Lanes change = lanes(y + c) - lanes(x + c);
            total += change * change;
        }
        for (; c < channels; c++) {
            const float change = widen(y[c]) - widen(x[c]);
            rest += change * change;
        }
        out[p] = (sum(total) + rest) / channels;
    }
}

// d_after[p, c] = slope[p] (after[p, c] - before[p, c])
template <typename T>
void squared_change_gradient(T* d_after, const float* slope, const T* before, const T* after, int64_t pixels, int64_t channels, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < pixels; p++) {
        const T *x = before + p * channels, *y = after + p * channels;
        along_channels(channels, [&](int64_t c, auto get) { put(d_after + p * channels + c, slope[p] * (get(y + c) - get(x + c))); });
    }
}

}  // namespace

extern "C" {

// `format` of the maps: 0 float, 1 bfloat16.
int change_forward(int format, float* out, const void* before, const void* after, int64_t pixels, int64_t channels, int threads) {
    if (format == 0) squared_change(out, (const float*)before, (const float*)after, pixels, channels, threads);
    else squared_change(out, (const bfloat16*)before, (const bfloat16*)after, pixels, channels, threads);
    return 0;
}

int change_gradient(int format, void* d_after, const float* slope, const void* before, const void* after, int64_t pixels,
                    int64_t channels, int threads) {
    if (format == 0) squared_change_gradient((float*)d_after, slope, (const float*)before, (const float*)after, pixels, channels, threads);
    else squared_change_gradient((bfloat16*)d_after, slope, (const bfloat16*)before, (const bfloat16*)after, pixels, channels, threads);
    return 0;
}

}
