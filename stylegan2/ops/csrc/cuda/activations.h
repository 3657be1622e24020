// clamp(gain * activation(v)) and its derivative, for one number.
#pragma once

#include "cuda/device.h"

// The places of the activations in stylegan2/ops/bias_act.py.
enum { LINEAR, RELU, LRELU, TANH, SIGMOID, ELU, SELU, SOFTPLUS, SWISH };

template <typename S> HERE S sigmoid(S v) { return S(1) / (S(1) + std::exp(-v)); }

template <typename S> struct Curve {
    int activation;
    S alpha, gain, clamp;

    // `clamp` as the format rounds it, since that is the result which tells where it took hold.
    template <typename T> static Curve of(int activation, double alpha, double gain, double clamp) {
        return {activation, S(alpha), S(gain), widen(narrow<T>(S(clamp)))};
    }

    HERE S activate(S v) const {
        constexpr S selu_alpha = S(1.6732632423543772), selu_scale = S(1.0507009873554805);
        switch (activation) {
            case RELU: return v < 0 ? S(0) : v;
            case LRELU: return v > 0 ? v : v * alpha;
            case TANH: return std::tanh(v);
            case SIGMOID: return sigmoid(v);
            case ELU: return v > 0 ? v : std::expm1(v);
            case SELU: return selu_scale * (v > 0 ? v : selu_alpha * std::expm1(v));
            case SOFTPLUS: return v > 20 ? v : std::log1p(std::exp(v));
            case SWISH: return v * sigmoid(v);
            default: return v;
        }
    }
    HERE S bend(S v) const {
        constexpr S selu_alpha = S(1.6732632423543772), selu_scale = S(1.0507009873554805);
        switch (activation) {
            case RELU: return v > 0 ? S(1) : S(0);
            case LRELU: return v > 0 ? S(1) : alpha;
            case TANH: { const S y = std::tanh(v); return 1 - y * y; }
            case SIGMOID: { const S y = sigmoid(v); return y * (1 - y); }
            case ELU: return v > 0 ? S(1) : std::exp(v);
            case SELU: return selu_scale * (v > 0 ? S(1) : selu_alpha * std::exp(v));
            case SOFTPLUS: return v > 20 ? S(1) : sigmoid(v);
            case SWISH: { const S y = sigmoid(v); return y * (1 + v * (1 - y)); }
            default: return S(1);
        }
    }
    // A NaN passes through each of the conditions.
    HERE S value(S v) const {
        const S y = gain * activate(v);
        return y < -clamp ? -clamp : y > clamp ? clamp : y;
    }
    HERE S derivative(S v) const {
        const S y = gain * activate(v);
        return y < -clamp || y > clamp ? S(0) : gain * bend(v);
    }
    // The same, told from the result; for curves that are straight but for one bend at 0, and rise.
    HERE S derivative_from_result(S y) const {
        return y <= -clamp || y >= clamp ? S(0) : activation == LINEAR || y > 0 ? gain : gain * alpha;
    }
};
