// Up-sample with zeros, pad, filter with the outer product of two rows of taps, and down-sample, one channel at a time.
//
// Along one axis, result o looks at the places o * down - padding + k of the up-sampled input, k = 0 .. taps - 1, and all
// but every up-th of those are zero. So o = q * stride + phase needs the taps first, first + up, .. on consecutive inputs
// from q * step + offset on: a plain convolution for each phase. Rows come first, into one buffer; then columns.

#include <algorithm>
#include <numeric>
#include <vector>

#include "cpu/formats.h"

namespace {

template <typename S> struct Phase {
    std::vector<S> taps;
    int64_t offset;  // of the inputs
};

// Sampling along one axis.
template <typename S> struct Axis {
    int64_t size, out;
    int stride, step;
    std::vector<Phase<S>> phases;

    Axis(int64_t size, int64_t out, int up, int down, int64_t padding, const double *taps, int count) : size(size), out(out) {
        const int common = std::gcd(up, down);
        stride = up / common, step = down / common;
        for (int64_t p = 0; p < stride; p++) {
            const int64_t place = p * down - padding, first = ((-place) % up + up) % up;
            Phase<S> phase{{}, (place + first) / up};
            for (int64_t k = first; k < count; k += up)
                phase.taps.push_back(S(taps[k]));
            phases.push_back(phase);
        }
    }
    const Phase<S> &phase(int64_t o) const { return phases[o % stride]; }
    int64_t input(int64_t o) const { return o / stride * step + phase(o).offset; }
    // How many results a phase has.
    int64_t count(int p) const { return out > p ? (out - p - 1) / stride + 1 : 0; }
    // How far the inputs that are looked at reach beyond both ends.
    int64_t before() const {
        int64_t lowest = 0;
        for (const Phase<S> &phase : phases)
            lowest = std::min(lowest, phase.offset);
        return -lowest;
    }
    int64_t after() const {
        int64_t highest = size;
        for (int64_t o = std::max<int64_t>(0, out - stride); o < out; o++)
            highest = std::max(highest, input(o) + int64_t(phase(o).taps.size()));
        return highest - size;
    }
};

// to[i] = the sum over k of taps[k] * row[i + k * apart]
template <typename T, typename S> void convolve(const S *row, const std::vector<S> &taps, T *to, int64_t count, int64_t apart) {
    const S *t = taps.data();
    if (taps.size() == 4)
        for (int64_t i = 0; i < count; i++)
            to[i] = narrow<T>(t[0] * row[i] + t[1] * row[i + apart] + t[2] * row[i + 2 * apart] + t[3] * row[i + 3 * apart]);
    else if (taps.size() == 2)
        for (int64_t i = 0; i < count; i++)
            to[i] = narrow<T>(t[0] * row[i] + t[1] * row[i + apart]);
    else
        for (int64_t i = 0; i < count; i++) {
            S sum = 0;
            for (size_t k = 0; k < taps.size(); k++)
                sum += t[k] * row[i + k * apart];
            to[i] = narrow<T>(sum);
        }
}

// One row of the result before its columns are filtered: `sum` and `zeros` hold `length` elements.
template <typename T, typename S>
void filter_rows(const T *plane, const T *zeros, const Axis<S> &axis, int64_t o, S *sum, int64_t length) {
    const std::vector<S> &taps = axis.phase(o).taps;
    const int64_t from = axis.input(o);
    const auto row = [=](int64_t k) { return from + k >= 0 && from + k < axis.size ? plane + (from + k) * length : zeros; };
    if (taps.size() == 4) {
        const T *a = row(0), *b = row(1), *c = row(2), *d = row(3);
        const S s = taps[0], t = taps[1], u = taps[2], v = taps[3];
        for (int64_t i = 0; i < length; i++)
            sum[i] = s * widen(a[i]) + t * widen(b[i]) + u * widen(c[i]) + v * widen(d[i]);
    } else if (taps.size() == 2) {
        const T *a = row(0), *b = row(1);
        const S s = taps[0], t = taps[1];
        for (int64_t i = 0; i < length; i++)
            sum[i] = s * widen(a[i]) + t * widen(b[i]);
    } else {
        std::fill(sum, sum + length, S(0));
        for (size_t k = 0; k < taps.size(); k++)
            for (int64_t i = 0; i < length; i++)
                sum[i] += taps[k] * widen(row(k)[i]);
    }
}

// Pixels of many channels, one after the other.
template <typename T, typename S> void filter_wide_pixels(const S *row, const Axis<S> &axis, T *to, int64_t channels) {
    for (int64_t o = 0; o < axis.out; o++)
        convolve(row + axis.input(o) * channels, axis.phase(o).taps, to + o * channels, channels, channels);
}

// Every pixel of a few channels in its place, `lines[p]` holding the results of phase p at every step.
template <int CHANNELS, int STRIDE, int STEP, typename S>
void place(const S *const *lines, const Axis<S> &axis, S *to, int64_t own_channels) {
    const int64_t channels = CHANNELS ? CHANNELS : own_channels;
    const int stride = STRIDE ? STRIDE : axis.stride, step = STEP ? STEP : axis.step;
    const int64_t whole = axis.out / stride;
    for (int64_t q = 0; q < whole; q++)
        for (int p = 0; p < stride; p++)
            for (int64_t c = 0; c < channels; c++)
                to[(q * stride + p) * channels + c] = lines[p][q * step * channels + c];
    for (int64_t o = whole * stride; o < axis.out; o++)
        for (int64_t c = 0; c < channels; c++)
            to[o * channels + c] = lines[o % stride][o / stride * step * channels + c];
}

// Pixels of few channels: the whole line of each phase as one convolution, then what is wanted of it.
template <typename T, typename S>
void filter_narrow_pixels(const S *row, const Axis<S> &axis, T *to, int64_t channels, S *const *lines) {
    for (int p = 0; p < axis.stride; p++)
        if (axis.count(p))
            convolve(row + axis.phases[p].offset * channels, axis.phases[p].taps, lines[p],
                     ((axis.count(p) - 1) * axis.step + 1) * channels, channels);
    const bool doubles = axis.stride == 2 && axis.step == 1, halves = axis.stride == 1 && axis.step == 2;
    S *placed = lines[axis.stride];
    if (channels == 1 && doubles)
        place<1, 2, 1>(lines, axis, placed, channels);
    else if (channels == 1 && halves)
        place<1, 1, 2>(lines, axis, placed, channels);
    else if (channels == 3 && doubles)
        place<3, 2, 1>(lines, axis, placed, channels);
    else if (channels == 3 && halves)
        place<3, 1, 2>(lines, axis, placed, channels);
    else
        place<0, 0, 0>(lines, axis, placed, channels);
    for (int64_t i = 0; i < axis.out * channels; i++)
        to[i] = narrow<T>(placed[i]);
}

template <typename T, typename S>
void filter_columns(const S *row, const Axis<S> &axis, T *to, int64_t channels, S *const *lines) {
    if (axis.stride == 1 && axis.step == 1)
        convolve(row + axis.phases[0].offset * channels, axis.phases[0].taps, to, axis.out * channels, channels);
    else if (channels < 16)
        filter_narrow_pixels(row, axis, to, channels, lines);
    else
        filter_wide_pixels(row, axis, to, channels);
}

}  // namespace

// x: [planes, height, width, channels], y: [planes, out_height, out_width, channels]; taps: of the correlation.
extern "C" int upfirdn2d(int format, const void *x, void *y, int64_t planes, int64_t height, int64_t width, int64_t channels,
                         int64_t out_height, int64_t out_width, int up, int down, int64_t left, int64_t top,
                         const double *row_taps, int rows, const double *column_taps, int columns, int threads) {
    return with_format(format, [&](auto *type) {
        using T = std::remove_pointer_t<decltype(type)>;
        using S = typename arithmetic<T>::type;
        const Axis<S> tall(height, out_height, up, down, top, row_taps, rows);
        const Axis<S> wide(width, out_width, up, down, left, column_taps, columns);
        const int64_t length = width * channels, before = wide.before() * channels;
        const int64_t all = before + length + wide.after() * channels, line = (out_width * wide.step + wide.step) * channels;
        share(planes * out_height, threads, [&](int64_t begin, int64_t end) {
            const std::vector<T> zeros(length);
            std::vector<S> buffer(all + (wide.stride + 1) * line);
            std::vector<S *> lines;
            for (int p = 0; p <= wide.stride; p++)  // the last holds them all in their places
                lines.push_back(buffer.data() + all + p * line);
            S *row = buffer.data() + before;
            for (int64_t o = begin; o < end; o++) {
                filter_rows((const T *)x + o / out_height * height * length, zeros.data(), tall, o % out_height, row, length);
                filter_columns(row, wide, (T *)y + o * out_width * channels, channels, lines.data());
            }
        });
    });
}
