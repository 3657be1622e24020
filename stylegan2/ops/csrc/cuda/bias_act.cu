// clamp(gain * activation(x + bias)) and its gradient. Neighbours of `inner` elements share a bias.


#include "cuda/activations.h"

namespace {

template <typename T, int SIZE>
__global__ void forward(const T *x, const T *bias, T *y, int64_t packs, int64_t channels, int64_t inner, Curve<Arithmetic<T>> curve) {
    for (int64_t i = first(); i < packs; i += apart()) {
        Pack<T, SIZE> pack = load<T, SIZE>(x + i * SIZE);
        const int64_t channel = remainder(quotient(i * SIZE, inner), channels);
        for (int k = 0; k < SIZE; k++) {
            const Arithmetic<T> b = bias ? widen(bias[inner == 1 ? channel + k : channel]) : 0;
            pack.at[k] = narrow<T>(curve.value(widen(pack.at[k]) + b));
        }
        store(y + i * SIZE, pack);
    }
}

template <typename T, int SIZE>
__global__ void gradient(const T *dy, const T *kept, const T *bias, T *dx, bool from_result, int64_t packs, int64_t channels, int64_t inner,
                         Curve<Arithmetic<T>> curve) {
    for (int64_t i = first(); i < packs; i += apart()) {
        Pack<T, SIZE> pack = load<T, SIZE>(dy + i * SIZE);
        const Pack<T, SIZE> known = load<T, SIZE>(kept + i * SIZE);
        const int64_t channel = remainder(quotient(i * SIZE, inner), channels);
        for (int k = 0; k < SIZE; k++) {
            const Arithmetic<T> b = bias ? widen(bias[inner == 1 ? channel + k : channel]) : 0, v = widen(known.at[k]);
            const Arithmetic<T> slope = from_result ? curve.derivative_from_result(v) : curve.derivative(v + b);
            pack.at[k] = narrow<T>(widen(pack.at[k]) * slope);
        }
        store(dx + i * SIZE, pack);
    }
}

}  // namespace

// x, y: outer * channels * inner elements; bias: `channels` elements, or null. Returns a cudaError_t.
extern "C" int bias_act(int format, int activation, const void *x, const void *bias, void *y,
                        int64_t outer, int64_t channels, int64_t inner, double alpha, double gain, double clamp, void *stream) {
    return with_format(format, [=](auto *type) {
        using T = Pointee<decltype(type)>;
        using S = Arithmetic<T>;
        with_packs<T>({inner == 1 ? channels : inner}, {x, y}, [=](auto size) {
            const int64_t packs = outer * channels * inner / size;
            LAUNCH((forward<T, size>), packs, stream, (const T *)x, (const T *)bias, (T *)y, packs, channels, inner,
                   Curve<S>::template of<T>(activation, alpha, gain, clamp));
        });
    });
}

// dx = dy * derivative. kept: the result of `bias_act` if `from_result`, which then needs no bias, else its input.
extern "C" int bias_act_gradient(int format, int activation, int from_result, const void *dy, const void *kept, const void *bias, void *dx,
                                 int64_t outer, int64_t channels, int64_t inner, double alpha, double gain, double clamp, void *stream) {
    return with_format(format, [=](auto *type) {
        using T = Pointee<decltype(type)>;
        using S = Arithmetic<T>;
        with_packs<T>({inner == 1 ? channels : inner}, {dy, kept, dx}, [=](auto size) {
            const int64_t packs = outer * channels * inner / size;
            LAUNCH((gradient<T, size>), packs, stream, (const T *)dy, (const T *)kept, (const T *)bias, (T *)dx, bool(from_result),
                   packs, channels, inner, Curve<S>::template of<T>(activation, alpha, gain, clamp));
        });
    });
}

extern "C" const char *error_text(int code) { return cudaGetErrorString(cudaError_t(code)); }
