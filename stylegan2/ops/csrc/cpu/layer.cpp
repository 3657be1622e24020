// What surrounds the convolution of a synthesis layer, in single passes over the map.
//
// Maps are [N, H, W, C] in memory (channels_last); vectors over channels, noise and sums are float. With
//     v = x * scale[n, c] + noise[n, pixel] * strength + bias[c],    y = clamp(lrelu(v)),
// the gain of the activation is already in scale, bias and strength, because lrelu(g v) = g lrelu(v) for g > 0.
// A layer keeps only y for its gradient: where y is not clamped, v and x follow from it.

#include <vector>

#include "cpu/lanes.h"
#include "cpu/sums.h"

namespace {

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

// The derivative of `activate`, told from its result.
template <typename V>
inline V slope_at(V y, const Tail& tail) {
    V slope = y < 0 ? V{} + tail.slope : V{} + 1;
    slope = y <= -tail.limit ? V{} : slope;
    return y >= tail.limit ? V{} : slope;
}

template <typename T>
void finish(T* out, const T* x, const Tail& tail, int64_t samples, int64_t pixels, int64_t channels, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < samples * pixels; i++) {
        const int64_t n = i / pixels;
        const float noise = tail.noise_at(n, i - n * pixels);
        const float* scale = tail.scale + n * channels;
        along_channels(channels, [&](int64_t c, auto get) {
            put(out + i * channels + c, activate(get(x + i * channels + c) * get(scale + c) + (get(tail.bias + c) + noise), tail));
        });
    }
}

// Gradients of `finish`: of x into `dx`; of scale and bias, one row a sample, into `dscale` and `dbias` ([N, C] both);
// of noise * strength into `dnoise` ([N, H, W], or null where nobody asks).
template <typename T>
void finish_gradient(T* dx, float* dscale, float* dbias, float* dnoise, const T* dy, const T* y, const Tail& tail,
                     int64_t samples, int64_t pixels, int64_t channels, int threads) {
    std::vector<float> inverse(channels);
    for (int64_t n = 0; n < samples; n++) {
        const float* scale = tail.scale + n * channels;
        for (int64_t c = 0; c < channels; c++) inverse[c] = 1 / scale[c];
        Sums of_scale(threads, channels), of_bias(threads, channels);
#pragma omp parallel num_threads(threads)
        {
            auto scale_sum = of_scale.mine(), bias_sum = of_bias.mine();
#pragma omp for schedule(static)
            for (int64_t p = 0; p < pixels; p++) {
                const int64_t at = (n * pixels + p) * channels;
                const float noise = tail.noise_at(n, p);
                float total = 0;
                along_channels(channels, [&](int64_t c, auto get) {
                    const auto out = get(y + at + c);
                    const auto dv = get(dy + at + c) * slope_at(out, tail);
                    const auto x = ((out < 0 ? out / tail.slope : out) - get(tail.bias + c) - noise) * get(inverse.data() + c);
                    put(dx + at + c, dv * get(scale + c));
                    scale_sum.add(c, dv * x, get);
                    bias_sum.add(c, dv, get);
                    total += sum(dv);
                });
                if (dnoise) dnoise[n * pixels + p] = total;
                scale_sum.next(), bias_sum.next();
            }
        }
        of_scale.write(dscale + n * channels), of_bias.write(dbias + n * channels);
    }
}

template <typename T>
void modulate(T* out, const T* x, const float* styles, int64_t samples, int64_t pixels, int64_t channels, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < samples * pixels; i++) {
        const float* style = styles + i / pixels * channels;
        along_channels(channels, [&](int64_t c, auto get) { put(out + i * channels + c, get(x + i * channels + c) * get(style + c)); });
    }
}

// Gradients of `modulate`: of x into `dx`, of the styles into `dstyles` ([N, C]).
template <typename T>
void modulate_gradient(T* dx, float* dstyles, const T* dout, const T* x, const float* styles,
                       int64_t samples, int64_t pixels, int64_t channels, int threads) {
    for (int64_t n = 0; n < samples; n++) {
        const float* style = styles + n * channels;
        Sums of_style(threads, channels);
#pragma omp parallel num_threads(threads)
        {
            auto style_sum = of_style.mine();
#pragma omp for schedule(static)
            for (int64_t p = 0; p < pixels; p++) {
                const int64_t at = (n * pixels + p) * channels;
                along_channels(channels, [&](int64_t c, auto get) {
                    const auto d = get(dout + at + c);
                    style_sum.add(c, d * get(x + at + c), get);
                    put(dx + at + c, d * get(style + c));
                });
                style_sum.next();
            }
        }
        of_style.write(dstyles + n * channels);
    }
}

// The FIR filter of an up-sampling layer, and the layer's tail. A transposed convolution with stride 2 makes a map of
// 2h + 1 by 2w + 1; here it comes as the four convolutions that its even and odd rows and columns are:
// `parts` [even/odd row][even/odd column], [N, h + 1 or h, w + 1 or w, C]. Output [N, 2h, 2w, C].
template <typename T>
void filter_finish(T* out, const T* const (*parts)[2], const float* taps, const Tail& tail,
                   int64_t samples, int64_t h, int64_t w, int64_t channels, int threads) {
    const int64_t height = 2 * h, width = 2 * w;
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> line((width + 3) * channels);  // columns -1 to 2w + 1 of the map, filtered along the rows
#pragma omp for schedule(static)
        for (int64_t row = 0; row < samples * height; row++) {
            const int64_t n = row / height, i = row - n * height;
            for (int odd_column = 0; odd_column < 2; odd_column++) {
                const int64_t columns = w + 1 - odd_column;
                const T* from[4];
                float tap[4];
                for (int k = 0; k < 4; k++) {
                    const int64_t j = i + k - 1;  // row of the map
                    const bool inside = j >= 0 && j <= height;
                    const int odd = inside ? j & 1 : 0;
                    from[k] = parts[odd][odd_column] + (n * (h + 1 - odd) + (inside ? j / 2 : 0)) * columns * channels;
                    tap[k] = inside ? taps[k] : 0.0f;
                }
                for (int64_t m = 0; m < columns; m++)
                    along_channels(channels, [&](int64_t c, auto get) {
                        const int64_t at = m * channels + c;
                        put(line.data() + (1 + 2 * m + odd_column) * channels + c,
                            tap[0] * get(from[0] + at) + tap[1] * get(from[1] + at) + tap[2] * get(from[2] + at) + tap[3] * get(from[3] + at));
                    });
            }
            for (int64_t x = 0; x < width; x++) {
                const float noise = tail.noise_at(n, i * width + x);
                const float *column = line.data() + x * channels, *scale = tail.scale + n * channels;
                along_channels(channels, [&](int64_t c, auto get) {
                    const auto v = taps[0] * get(column + c) + taps[1] * get(column + channels + c)
                                 + taps[2] * get(column + 2 * channels + c) + taps[3] * get(column + 3 * channels + c);
                    put(out + (row * width + x) * channels + c, activate(v * get(scale + c) + (get(tail.bias + c) + noise), tail));
                });
            }
        }
    }
}

// Gradient of the FIR filter: dout [N, 2h, 2w, C] -> dmap [N, 2h + 1, 2w + 1, C].
template <typename T>
void filter_gradient(T* dmap, const T* dout, const float* taps, int64_t samples, int64_t h, int64_t w, int64_t channels, int threads) {
    const int64_t height = 2 * h, width = 2 * w;
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> line((width + 4) * channels);  // columns -2 to 2w + 1 of dout, filtered along the rows
#pragma omp for schedule(static)
        for (int64_t row = 0; row < samples * (height + 1); row++) {
            const int64_t n = row / (height + 1), j = row - n * (height + 1);
            const T* from[4];
            float tap[4];
            for (int k = 0; k < 4; k++) {
                const int64_t i = j + 1 - k;
                const bool inside = i >= 0 && i < height;
                from[k] = dout + (n * height + (inside ? i : 0)) * width * channels;
                tap[k] = inside ? taps[k] : 0.0f;
            }
            for (int64_t x = 0; x < width; x++)
                along_channels(channels, [&](int64_t c, auto get) {
                    const int64_t at = x * channels + c;
                    put(line.data() + 2 * channels + at,
                        tap[0] * get(from[0] + at) + tap[1] * get(from[1] + at) + tap[2] * get(from[2] + at) + tap[3] * get(from[3] + at));
                });
            for (int64_t x = 0; x <= width; x++) {
                const float* column = line.data() + x * channels;
                along_channels(channels, [&](int64_t c, auto get) {
                    put(dmap + (row * (width + 1) + x) * channels + c,
                        taps[3] * get(column + c) + taps[2] * get(column + channels + c)
                        + taps[1] * get(column + 2 * channels + c) + taps[0] * get(column + 3 * channels + c));
                });
            }
        }
    }
}

}  // namespace

// `format`: 0 float, 1 bfloat16.
#define WITH_FORMAT(...)                            \
    if (format == 0) { using T = float; __VA_ARGS__; } \
    else { using T = bfloat16; __VA_ARGS__; }          \
    return 0;

#define TAIL const float *scale, const float *bias, const float *noise, int64_t noise_step, const float *strength, float gain, float slope, float limit
#define GIVEN_TAIL Tail{scale, bias, noise, noise_step, noise ? *strength * gain : 0.0f, slope, limit}

extern "C" {

int layer_finish(int format, void* out, const void* x, TAIL, int64_t samples, int64_t pixels, int64_t channels, int threads) {
    WITH_FORMAT(finish((T*)out, (const T*)x, GIVEN_TAIL, samples, pixels, channels, threads))
}

int layer_finish_gradient(int format, void* dx, float* dscale, float* dbias, float* dnoise, const void* dy, const void* y, TAIL,
                          int64_t samples, int64_t pixels, int64_t channels, int threads) {
    WITH_FORMAT(finish_gradient((T*)dx, dscale, dbias, dnoise, (const T*)dy, (const T*)y, GIVEN_TAIL, samples, pixels, channels, threads))
}

int layer_modulate(int format, void* out, const void* x, const float* styles, int64_t samples, int64_t pixels, int64_t channels, int threads) {
    WITH_FORMAT(modulate((T*)out, (const T*)x, styles, samples, pixels, channels, threads))
}

int layer_modulate_gradient(int format, void* dx, float* dstyles, const void* dout, const void* x, const float* styles,
                            int64_t samples, int64_t pixels, int64_t channels, int threads) {
    WITH_FORMAT(modulate_gradient((T*)dx, dstyles, (const T*)dout, (const T*)x, styles, samples, pixels, channels, threads))
}

int layer_filter_finish(int format, void* out, const void* even_even, const void* even_odd, const void* odd_even, const void* odd_odd,
                        const float* taps, TAIL, int64_t samples, int64_t h, int64_t w, int64_t channels, int threads) {
    const void* const parts[2][2] = {{even_even, even_odd}, {odd_even, odd_odd}};
    WITH_FORMAT(filter_finish((T*)out, (const T* const(*)[2])parts, taps, GIVEN_TAIL, samples, h, w, channels, threads))
}

int layer_filter_gradient(int format, void* dmap, const void* dout, const float* taps,
                          int64_t samples, int64_t h, int64_t w, int64_t channels, int threads) {
    WITH_FORMAT(filter_gradient((T*)dmap, (const T*)dout, taps, samples, h, w, channels, threads))
}

}
