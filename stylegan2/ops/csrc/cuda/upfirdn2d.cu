// Up-sample with zeros, pad, filter and down-sample, one result a time: any filter, any layout.


#include "cuda/device.h"

namespace {

struct Sampling {
    int64_t height, width, channels, out_height, out_width;
    int up, down;
    int64_t left, top;
    int rows, columns;  // of the filter
    bool flip;
};

// Where result o begins to look along one axis: its first tap that meets no inserted zero, and the input there.
struct Start {
    int tap;
    int64_t input;
};
HERE Start start(int64_t o, int up, int down, int64_t padding) {
    const int64_t place = o * down - padding, tap = ((-place) % up + up) % up;
    return {int(tap), (place + tap) / up};
}

// `filter` is [rows, columns], as the caller has it: mirrored here for a convolution, as it is for a correlation.
template <typename T, int SIZE>
__global__ void resample(const T *x, const Arithmetic<T> *filter, T *y, int64_t packs, Sampling s, Arithmetic<T> gain) {
    const int64_t across = s.channels / SIZE;
    for (int64_t i = first(); i < packs; i += apart()) {
        const int64_t pixel = quotient(i, across), channel = (i - pixel * across) * SIZE;
        const int64_t line = quotient(pixel, s.out_width), plane = quotient(line, s.out_height);
        const Start tall = start(line - plane * s.out_height, s.up, s.down, s.top);
        const Start wide = start(pixel - line * s.out_width, s.up, s.down, s.left);
        Arithmetic<T> sums[SIZE] = {};
        int64_t row = tall.input;
        for (int r = tall.tap; r < s.rows; r += s.up, row++) {
            if (row < 0 || row >= s.height)
                continue;
            int64_t column = wide.input;
            for (int c = wide.tap; c < s.columns; c += s.up, column++) {
                if (column < 0 || column >= s.width)
                    continue;
                const Arithmetic<T> tap = s.flip ? filter[r * s.columns + c] : filter[(s.rows - 1 - r) * s.columns + s.columns - 1 - c];
                const Pack<T, SIZE> pack = load<T, SIZE>(x + ((plane * s.height + row) * s.width + column) * s.channels + channel);
                for (int k = 0; k < SIZE; k++)
                    sums[k] += tap * widen(pack.at[k]);
            }
        }
        Pack<T, SIZE> result;
        for (int k = 0; k < SIZE; k++)
            result.at[k] = narrow<T>(sums[k] * gain);
        store(y + i * SIZE, result);
    }
}

}  // namespace

// x: [planes, height, width, channels], y: [planes, out_height, out_width, channels]; filter: [rows, columns] of float, of double
// for double. Returns a cudaError_t.
extern "C" int upfirdn2d(int format, const void *x, void *y, int64_t planes, int64_t height, int64_t width, int64_t channels,
                         int64_t out_height, int64_t out_width, int up, int down, int64_t left, int64_t top,
                         const void *filter, int rows, int columns, int flip, double gain, void *stream) {
    const Sampling sampling{height, width, channels, out_height, out_width, up, down, left, top, rows, columns, bool(flip)};
    return with_format(format, [=](auto *type) {
        using T = Pointee<decltype(type)>;
        using S = Arithmetic<T>;
        with_packs<T>({channels}, {x, y}, [=](auto size) {
            const int64_t packs = planes * out_height * out_width * channels / size;
            LAUNCH((resample<T, size>), packs, stream, (const T *)x, (const S *)filter, (T *)y, packs, sampling, S(gain));
        });
    });
}
