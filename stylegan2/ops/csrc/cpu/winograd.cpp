// A 3x3 convolution over tiles of 4x4 pixels with a quarter of the multiplications: Winograd's F(4x4, 3x3).
//
// Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.3, has the three matrices. A tile of 6x6
// inputs is transformed, the 36 places are multiplied as 36 matrix products over channels (not here), and 4x4 outputs come back.
// What surrounds the convolution of a layer is done on the way in (the styles) and on the way out (the layer's tail).

#include "cpu/lanes.h"
#include "cpu/tail.h"

namespace {

constexpr int64_t TILE = 4, EDGE = 6, PLACES = EDGE * EDGE;

// One row or column of a tile, in steps of `step`: six inputs to six places.
template <typename V>
inline void transform_in(V* tile, int64_t step) {
    const V x0 = tile[0], x1 = tile[step], x2 = tile[2 * step], x3 = tile[3 * step], x4 = tile[4 * step], x5 = tile[5 * step];
    const V a = x4 - 4.0f * x2, b = x3 - 4.0f * x1, c = x4 - x2, d = 2.0f * (x3 - x1);
    tile[0] = 4.0f * x0 - 5.0f * x2 + x4;
    tile[step] = a + b;
    tile[2 * step] = a - b;
    tile[3 * step] = c + d;
    tile[4 * step] = c - d;
    tile[5 * step] = 4.0f * x1 - 5.0f * x3 + x5;
}

// Six places to four outputs.
template <typename V>
inline void transform_out(V* out, int64_t out_step, const V* place, int64_t step) {
    const V sum12 = place[step] + place[2 * step], difference12 = place[step] - place[2 * step];
    const V sum34 = place[3 * step] + place[4 * step], difference34 = place[3 * step] - place[4 * step];
    out[0] = place[0] + sum12 + sum34;
    out[out_step] = difference12 + 2.0f * difference34;
    out[2 * out_step] = sum12 + 4.0f * sum34;
    out[3 * out_step] = difference12 + 8.0f * difference34 + place[5 * step];
}

// Tiles in rows `first` to `first + rows` of one sample's map x [H, W, C], times styles [C]: to places [36, rows * W / 4, C].
template <typename T>
void tiles_in(float* places, const T* x, const float* styles, int64_t height, int64_t width, int64_t channels,
              int64_t first, int64_t rows, int threads) {
    const int64_t across = width / TILE, tiles = rows * across;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t t = 0; t < tiles; t++) {
        const int64_t top = (first + t / across) * TILE - 1, left = t % across * TILE - 1;
        along_channels(channels, [&](int64_t c, auto get) {
            const auto style = get(styles + c);
            using V = std::remove_const_t<decltype(style)>;
            V tile[PLACES];
            for (int64_t i = 0; i < PLACES; i++) {
                const int64_t y = top + i / EDGE, at = left + i % EDGE;
                const bool inside = y >= 0 && y < height && at >= 0 && at < width;
                tile[i] = inside ? get(x + (y * width + at) * channels + c) * style : V{};
            }
            for (int64_t i = 0; i < EDGE; i++) transform_in(tile + i, EDGE);
            for (int64_t i = 0; i < EDGE; i++) transform_in(tile + i * EDGE, 1);
            for (int64_t i = 0; i < PLACES; i++) put(places + (i * tiles + t) * channels + c, tile[i]);
        });
    }
}

// The way back, and `finish` for each of the 4x4 outputs.
template <typename T>
void tiles_out(T* out, const float* places, const Tail& tail, int64_t sample, int64_t height, int64_t width, int64_t channels,
               int64_t first, int64_t rows, int threads) {
    const int64_t across = width / TILE, tiles = rows * across;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t t = 0; t < tiles; t++) {
        const int64_t top = (first + t / across) * TILE, left = t % across * TILE;
        along_channels(channels, [&](int64_t c, auto get) {
            const auto scale = get(tail.scale + sample * channels + c), bias = get(tail.bias + c);
            using V = std::remove_const_t<decltype(scale)>;
            V tile[PLACES], half[TILE * EDGE], done[TILE * TILE];
            for (int64_t i = 0; i < PLACES; i++) tile[i] = get(places + (i * tiles + t) * channels + c);
            for (int64_t i = 0; i < EDGE; i++) transform_out(half + i, EDGE, tile + i, EDGE);
            for (int64_t i = 0; i < TILE; i++) transform_out(done + i * TILE, 1, half + i * EDGE, 1);
            for (int64_t i = 0; i < TILE * TILE; i++) {
                const int64_t pixel = (top + i / TILE) * width + left + i % TILE;
                put(out + pixel * channels + c, activate(done[i] * scale + (bias + tail.noise_at(sample, pixel)), tail));
            }
        });
    }
}

}  // namespace

extern "C" {

// x and out: [H, W, C] of one sample, `format` 0 float, 1 bfloat16; H and W are multiples of 4.
int winograd_in(int format, float* places, const void* x, const float* styles, int64_t height, int64_t width, int64_t channels,
                int64_t first, int64_t rows, int threads) {
    if (format == 0) tiles_in(places, (const float*)x, styles, height, width, channels, first, rows, threads);
    else tiles_in(places, (const bfloat16*)x, styles, height, width, channels, first, rows, threads);
    return 0;
}

int winograd_out(int format, void* out, const float* places, TAIL, int64_t sample, int64_t height, int64_t width, int64_t channels,
                 int64_t first, int64_t rows, int threads) {
    if (format == 0) tiles_out((float*)out, places, GIVEN_TAIL, sample, height, width, channels, first, rows, threads);
    else tiles_out((bfloat16*)out, places, GIVEN_TAIL, sample, height, width, channels, first, rows, threads);
    return 0;
}

}
