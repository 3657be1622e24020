// clamp(gain * lrelu(x + bias)), and its derivative. With slope 1 the activation is linear.

#include <algorithm>
#include <vector>

#include "cpu/formats.h"

namespace {

template <typename S> struct Shape {
    S slope, gain, clamp;

    // A NaN passes through each of the conditions.
    S value(S v) const {
        v = (v > 0 ? v : v * slope) * gain;
        return v < -clamp ? -clamp : v > clamp ? clamp : v;
    }
    // The derivative where the value is `y`; both have the same sign, since slope and gain are positive.
    S derivative(S y) const {
        S factor = y > 0 ? gain : gain * slope;
        return y <= -clamp || y >= clamp ? S(0) : factor;
    }
};

// One bias for a whole stretch of memory.
template <typename T, typename S> void add_one(const T *x, S bias, T *y, int64_t count, Shape<S> shape) {
    for (int64_t i = 0; i < count; i++)
        y[i] = narrow<T>(shape.value(widen(x[i]) + bias));
}

// A bias for each element.
template <typename T, typename S> void add_each(const T *x, const S *bias, T *y, int64_t count, Shape<S> shape) {
    for (int64_t i = 0; i < count; i++)
        y[i] = narrow<T>(shape.value(widen(x[i]) + bias[i]));
}

// Each bias serves `inner` neighbours in memory, then comes the next, round and round.
template <typename T, typename S>
void rows(const T *x, const T *bias, T *y, int64_t begin, int64_t end, int64_t channels, int64_t inner, Shape<S> shape) {
    while (begin < end) {
        int64_t row = begin / inner, stop = std::min(end, (row + 1) * inner);
        add_one(x + begin, bias ? widen(bias[row % channels]) : S(0), y + begin, stop - begin, shape);
        begin = stop;
    }
}

// Channels last: the biases are laid out repeatedly, so that three of them fill a vector as well as 512 do.
template <typename T, typename S>
void pixels(const T *x, const T *bias, T *y, int64_t begin, int64_t end, int64_t channels, Shape<S> shape) {
    const int64_t length = channels * ((256 + channels - 1) / channels);
    std::vector<S> repeated(length + channels);
    for (int64_t i = 0; i < length + channels; i++)
        repeated[i] = widen(bias[i % channels]);
    const S *first = repeated.data() + begin % channels;
    for (; begin < end; begin += length)
        add_each(x + begin, first, y + begin, std::min(length, end - begin), shape);
}

}  // namespace

// x, y: outer * channels * inner elements; bias: `channels` elements, or null.
extern "C" int bias_act(int format, const void *x, const void *bias, void *y, int64_t outer, int64_t channels, int64_t inner,
                        double slope, double gain, double clamp, int threads) {
    return with_format(format, [=](auto *type) {
        using T = std::remove_pointer_t<decltype(type)>;
        using S = typename arithmetic<T>::type;
        const Shape<S> shape{S(slope), S(gain), S(clamp)};
        share(outer * channels * inner, threads, [=](int64_t begin, int64_t end) {
            if (inner == 1 && bias)
                pixels((const T *)x, (const T *)bias, (T *)y, begin, end, channels, shape);
            else
                rows((const T *)x, (const T *)bias, (T *)y, begin, end, channels, inner, shape);
        });
    });
}

// dx = dy * derivative, of `count` elements; y is what `bias_act` returned.
extern "C" int bias_act_gradient(int format, const void *dy, const void *y, void *dx, int64_t count,
                                 double slope, double gain, double clamp, int threads) {
    return with_format(format, [=](auto *type) {
        using T = std::remove_pointer_t<decltype(type)>;
        using S = typename arithmetic<T>::type;
        const Shape<S> shape{S(slope), S(gain), S(clamp)};
        share(count, threads, [=](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++)
                ((T *)dx)[i] = narrow<T>(widen(((const T *)dy)[i]) * shape.derivative(widen(((const T *)y)[i])));
        });
    });
}
