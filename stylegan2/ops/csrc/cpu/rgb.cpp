// A feature map as a picture, added to the picture of the block below, in one pass.
//
// Maps are [N, H, W, C] in memory, pictures [N, 3, H, W] in float, one colour after the other.

#include "cpu/lanes.h"
#include "cpu/sums.h"

namespace {

// out[n, k, pixel] = clamp(sum_c x[n, pixel, c] weights[n, k, c] + bias[k])
template <typename T>
void to_rgb(float* out, const T* x, const float* weights, const float* bias, float limit,
            int64_t samples, int64_t pixels, int64_t channels, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < samples * pixels; i++) {
        const int64_t n = i / pixels, p = i - n * pixels;
        const float* weight = weights + n * 3 * channels;
        Lanes red = {}, green = {}, blue = {};
        float rest[3] = {};
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) {
            const Lanes value = lanes(x + i * channels + c);
            red += value * lanes(weight + c);
            green += value * lanes(weight + channels + c);
            blue += value * lanes(weight + 2 * channels + c);
        }
        for (; c < channels; c++)
            for (int k = 0; k < 3; k++) rest[k] += widen(x[i * channels + c]) * weight[k * channels + c];
        const float totals[3] = {sum(red), sum(green), sum(blue)};
        for (int k = 0; k < 3; k++) {
            const float value = totals[k] + rest[k] + bias[k];
            out[(n * 3 + k) * pixels + p] = value < -limit ? -limit : value > limit ? limit : value;
        }
    }
}

// Gradients: of x into `dx`, of the weights into `dweights` [N, 3, C]; `dout` is zero where the clamp held.
template <typename T>
void to_rgb_gradient(T* dx, float* dweights, const float* dout, const T* x, const float* weights,
                     int64_t samples, int64_t pixels, int64_t channels, int threads) {
    for (int64_t n = 0; n < samples; n++) {
        const float* weight = weights + n * 3 * channels;
        const float* d = dout + n * 3 * pixels;
        Sums of_weights(threads, 3 * channels);
#pragma omp parallel num_threads(threads)
        {
            auto weight_sum = of_weights.mine();
#pragma omp for schedule(static)
            for (int64_t p = 0; p < pixels; p++) {
                const float red = d[p], green = d[pixels + p], blue = d[2 * pixels + p];
                const int64_t at = (n * pixels + p) * channels;
                along_channels(channels, [&](int64_t c, auto get) {
                    const auto value = get(x + at + c);
                    put(dx + at + c, red * get(weight + c) + green * get(weight + channels + c) + blue * get(weight + 2 * channels + c));
                    weight_sum.add(c, red * value, get);
                    weight_sum.add(channels + c, green * value, get);
                    weight_sum.add(2 * channels + c, blue * value, get);
                });
                weight_sum.next();
            }
        }
        of_weights.write(dweights + n * 3 * channels);
    }
}

// image [planes, 2h, 2w] += below [planes, h, w] at twice the size: zeros between its pixels, then the four taps along both axes.
void add_doubled(float* image, const float* below, const float* taps, int64_t planes, int64_t h, int64_t w, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t row = 0; row < planes * 2 * h; row++) {
        // An even pixel lies between the one before, seen by tap 0, and its own, by tap 2; an odd one between its own and the next.
        const int64_t plane = row / (2 * h), i = row - plane * 2 * h, first = i & 1 ? i / 2 : i / 2 - 1;
        const float up = first >= 0 ? taps[i & 1] : 0.0f, down = first + 1 < h ? taps[2 + (i & 1)] : 0.0f;
        const float* a = below + (plane * h + (first >= 0 ? first : 0)) * w;
        const float* b = below + (plane * h + (first + 1 < h ? first + 1 : 0)) * w;
        float* out = image + row * 2 * w;
        float left = 0, here = up * a[0] + down * b[0];
        for (int64_t x = 0; x < w; x++) {
            const float right = x + 1 < w ? up * a[x + 1] + down * b[x + 1] : 0.0f;
            out[2 * x] += taps[0] * left + taps[2] * here;
            out[2 * x + 1] += taps[1] * here + taps[3] * right;
            left = here, here = right;
        }
    }
}

}  // namespace

extern "C" {

// `format` of x: 0 float, 1 bfloat16.
int rgb_forward(int format, float* out, const void* x, const float* weights, const float* bias, float limit,
                int64_t samples, int64_t pixels, int64_t channels, int threads) {
    if (format == 0) to_rgb(out, (const float*)x, weights, bias, limit, samples, pixels, channels, threads);
    else to_rgb(out, (const bfloat16*)x, weights, bias, limit, samples, pixels, channels, threads);
    return 0;
}

int rgb_gradient(int format, void* dx, float* dweights, const float* dout, const void* x, const float* weights,
                 int64_t samples, int64_t pixels, int64_t channels, int threads) {
    if (format == 0) to_rgb_gradient((float*)dx, dweights, dout, (const float*)x, weights, samples, pixels, channels, threads);
    else to_rgb_gradient((bfloat16*)dx, dweights, dout, (const bfloat16*)x, weights, samples, pixels, channels, threads);
    return 0;
}

int rgb_add_doubled(float* image, const float* below, const float* taps, int64_t planes, int64_t h, int64_t w, int threads) {
    add_doubled(image, below, taps, planes, h, w, threads);
    return 0;
}

}
