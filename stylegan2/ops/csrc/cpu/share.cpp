// The probability of some of the classes, pixel by pixel, from logits at a lower resolution: enlarged, softmax, weighed, a row at a time.

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/lanes.h"

namespace {

typedef int32_t LaneInts __attribute__((vector_size(4 * LANES)));

// e^x for x up to 0, to two units in the last place; below -87 it is e^-87, next to nothing.
inline Lanes exponential(Lanes x) {
    x = x < -87.0f ? Lanes{} - 87.0f : x;
    // x = n ln 2 + r with |r| up to ln 2 / 2; a large number added and taken away rounds
    const Lanes n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const Lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    Lanes p = Lanes{} + 1.98756915e-4f;
    p = p * r + 1.39819995e-3f;
    p = p * r + 8.33345191e-3f;
    p = p * r + 4.16657962e-2f;
    p = p * r + 1.66666657e-1f;
    p = p * r + 5.00000012e-1f;
    p = p * r * r + r + 1.0f;
    return p * (Lanes)((__builtin_convertvector(n, LaneInts) + 127) << 23);
}

// Where each of `to` points lies among `from` points, both ends in place: between `first` and the next, `part` of the way.
// `beyond`: the first point that has another `first`.
struct Places {
    std::vector<int64_t> first, beyond;
    std::vector<float> part;

    Places(int64_t from, int64_t to) : first(to), beyond(to), part(to) {
        const float step = to > 1 ? float(from - 1) / float(to - 1) : 0.0f;
        for (int64_t i = 0; i < to; i++) {
            const float place = step * i;
            first[i] = std::min<int64_t>(int64_t(place), std::max<int64_t>(from - 2, 0));
            part[i] = place - first[i];
        }
        for (int64_t i = to - 1; i >= 0; i--) beyond[i] = i + 1 < to && first[i + 1] == first[i] ? beyond[i + 1] : i + 1;
    }
};

// logits [samples, classes, h, w] -> out [samples, rows, columns]
void class_share(float* out, const float* logits, const float* weights, int64_t samples, int64_t classes, int64_t h, int64_t w,
                 int64_t rows, int64_t columns, int threads) {
    const Places down(h, rows), across(w, columns);
    const int64_t room = (columns + LANES - 1) / LANES * LANES;
    share(samples * rows, threads, [&](int64_t from, int64_t to) {
        std::vector<float> row(w + 1), wide(classes * room), largest(room), result(room);
        for (int64_t at = from; at < to; at++) {
            const int64_t sample = at / rows, y = at - sample * rows;
            const float below = down.part[y];
            std::fill(largest.begin(), largest.end(), -INFINITY);
            for (int64_t k = 0; k < classes; k++) {
                const float* a = logits + ((sample * classes + k) * h + down.first[y]) * w;
                const float* b = h > 1 ? a + w : a;
                for (int64_t x = 0; x < w; x++) row[x] = a[x] * (1 - below) + b[x] * below;
                row[w] = row[w - 1];
                float* v = wide.data() + k * room;
                for (int64_t x = 0, end; x < columns; x = end) {  // from one point of the row to the next
                    const int64_t i = across.first[x];
                    const float left = row[i], right = row[i + 1];
                    end = across.beyond[x];
                    for (int64_t j = x; j < end; j++) v[j] = left * (1 - across.part[j]) + right * across.part[j];
                }
                for (int64_t x = 0; x < columns; x++) largest[x] = std::max(largest[x], v[x]);
            }
            for (int64_t x = 0; x < columns; x += LANES) {
                const Lanes most = lanes(largest.data() + x);
                Lanes total = {}, chosen = {};
                for (int64_t k = 0; k < classes; k++) {
                    const Lanes e = exponential(lanes(wide.data() + k * room + x) - most);
                    total += e;
                    chosen += weights[k] * e;
                }
                put(result.data() + x, chosen / total);
            }
            memcpy(out + at * columns, result.data(), columns * sizeof(float));
        }
    });
}

}  // namespace

extern "C" int share_of_classes(float* out, const float* logits, const float* weights, int64_t samples, int64_t classes, int64_t h,
                                int64_t w, int64_t rows, int64_t columns, int threads) {
    class_share(out, logits, weights, samples, classes, h, w, rows, columns, threads);
    return 0;
}
