// What follows a modulated convolution: clamp(gain * lrelu(x * scale[n, c] + noise[n, pixel] + bias[c])), and its gradients.
//
// scale, bias, noise and the sums are float, or double for double. Sums over the map are taken in many parts, each by a thread
// that walks over elements `parts` apart, and PyTorch adds up the parts: no atomics, the same sum each time.

#include "cuda/activations.h"

namespace {

// Where memory has what: contiguous [N, C, P], or channels_last [N, P, C].
struct Map {
    int64_t samples, channels, pixels;
    bool last;

    HERE int64_t count() const { return samples * channels * pixels; }
    HERE int64_t at(int64_t sample, int64_t channel, int64_t pixel) const {
        return last ? (sample * pixels + pixel) * channels + channel : (sample * channels + channel) * pixels + pixel;
    }
};

template <typename S> struct Tail {
    const S *scale;         // [N, C]
    const S *bias;          // [C]
    const S *noise;         // [N or 1, P], or null
    int64_t noise_samples;  // N or 1
    Curve<S> curve;

    HERE S noise_at(int64_t sample, int64_t pixel, int64_t pixels) const {
        return noise ? noise[(noise_samples == 1 ? 0 : sample * pixels) + pixel] : S(0);
    }
};

template <typename T, int SIZE>
__global__ void forward(const T *x, T *y, int64_t packs, Map map, Tail<Arithmetic<T>> tail) {
    for (int64_t i = first(); i < packs; i += apart()) {
        const int64_t index = i * SIZE, inner = map.last ? map.channels : map.pixels;
        const int64_t line = quotient(index, inner), place = index - line * inner;
        const int64_t outer = map.last ? map.pixels : map.channels, sample = quotient(line, outer);
        Pack<T, SIZE> pack = load<T, SIZE>(x + index);
        for (int k = 0; k < SIZE; k++) {
            const int64_t along = place + k, across = line - sample * outer;
            const int64_t channel = map.last ? along : across, pixel = map.last ? across : along;
            const Arithmetic<T> v = widen(pack.at[k]) * tail.scale[sample * map.channels + channel]
                                    + tail.noise_at(sample, pixel, map.pixels) + tail.bias[channel];
            pack.at[k] = narrow<T>(tail.curve.value(v));
        }
        store(y + index, pack);
    }
}

// One part of one channel a thread: dx, and the part's sums of d (for the bias) and d * x (for the scale), where d is the gradient
// before the activation. Sums are [N, C, parts], or [N, parts, C] with channels last, so that neighbours read neighbours.
template <typename T>
__global__ void gradient(const T *dy, const T *x, const T *y, T *dx, Arithmetic<T> *d_sums, Arithmetic<T> *dx_sums, Map map, int64_t parts,
                         Tail<Arithmetic<T>> tail) {
    const Map sums{map.samples, map.channels, parts, map.last};
    for (int64_t i = first(); i < sums.count(); i += apart()) {
        const int64_t inner = map.last ? map.channels : parts, outer = map.last ? parts : map.channels;
        const int64_t line = quotient(i, inner), sample = quotient(line, outer);
        const int64_t along = i - line * inner, across = line - sample * outer;
        const int64_t channel = map.last ? along : across, part = map.last ? across : along;
        const Arithmetic<T> scale = tail.scale[sample * map.channels + channel];
        Arithmetic<T> d_sum = 0, dx_sum = 0;
        for (int64_t pixel = part; pixel < map.pixels; pixel += parts) {
            const int64_t at = map.at(sample, channel, pixel);
            const Arithmetic<T> d = widen(dy[at]) * tail.curve.derivative_from_result(widen(y[at]));
            dx[at] = narrow<T>(d * scale);
            d_sum += d;
            dx_sum += d * widen(x[at]);
        }
        d_sums[i] = d_sum;
        dx_sums[i] = dx_sum;
    }
}

// The gradient of the noise [N, P]: one pixel a thread, the sum over its channels.
template <typename T>
__global__ void noise_gradient(const T *dy, const T *y, Arithmetic<T> *d_noise, Map map, Curve<Arithmetic<T>> curve) {
    for (int64_t i = first(); i < map.samples * map.pixels; i += apart()) {
        const int64_t sample = quotient(i, map.pixels), pixel = i - sample * map.pixels;
        Arithmetic<T> sum = 0;
        for (int64_t channel = 0; channel < map.channels; channel++) {
            const int64_t at = map.at(sample, channel, pixel);
            sum += widen(dy[at]) * curve.derivative_from_result(widen(y[at]));
        }
        d_noise[i] = sum;
    }
}

}  // namespace

// y may be x. noise: null for none. All return a cudaError_t.
extern "C" int scale_bias_act(int format, const void *x, void *y, int64_t samples, int64_t channels, int64_t pixels, int last,
                              const void *scale, const void *bias, const void *noise, int64_t noise_samples,
                              double alpha, double gain, double clamp, void *stream) {
    const Map map{samples, channels, pixels, bool(last)};
    return with_format(format, [=](auto *type) {
        using T = Pointee<decltype(type)>;
        using S = Arithmetic<T>;
        const auto curve = Curve<S>::template of<T>(LRELU, alpha, gain, clamp);
        const Tail<S> tail{(const S *)scale, (const S *)bias, (const S *)noise, noise_samples, curve};
        with_packs<T>({last ? channels : pixels}, {x, y}, [=](auto size) {
            LAUNCH((forward<T, size>), map.count() / size, stream, (const T *)x, (T *)y, map.count() / size, map, tail);
        });
    });
}

// d_sums, dx_sums: as `gradient` says; d_noise: [N, P], or null where it is not wanted.
extern "C" int scale_bias_act_gradient(int format, const void *dy, const void *x, const void *y, void *dx, void *d_sums, void *dx_sums,
                                       void *d_noise, int64_t samples, int64_t channels, int64_t pixels, int last, int64_t parts,
                                       const void *scale, double alpha, double gain, double clamp, void *stream) {
    const Map map{samples, channels, pixels, bool(last)};
    return with_format(format, [=](auto *type) {
        using T = Pointee<decltype(type)>;
        using S = Arithmetic<T>;
        const Tail<S> tail{(const S *)scale, nullptr, nullptr, 1, Curve<S>::template of<T>(LRELU, alpha, gain, clamp)};
        LAUNCH((gradient<T>), samples * channels * parts, stream, (const T *)dy, (const T *)x, (const T *)y, (T *)dx,
               (S *)d_sums, (S *)dx_sums, map, parts, tail);
        if (d_noise)
            LAUNCH((noise_gradient<T>), samples * pixels, stream, (const T *)dy, (const T *)y, (S *)d_noise, map, tail.curve);
    });
}
