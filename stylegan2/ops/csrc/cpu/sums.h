// Sums over the pixels of a map, a float for each channel, the same for the same number of threads.
#pragma once

#include <omp.h>

#include <vector>

#include "cpu/lanes.h"

class Sums {
    static constexpr int STRETCH = 256;  // pixels whose sum may be a float; the sum over all is a double

public:
    Sums(int threads, int64_t channels) : channels(channels), parts(threads * channels) {}

    // What one thread adds up; it is added to the rest when it goes out of scope.
    class Mine {
    public:
        Mine(int64_t channels, double* all) : some(channels), all(all) {}
        Mine(Mine&&) = default;
        ~Mine() { flush(); }

        template <typename V, typename Get>
        void add(int64_t c, V value, Get get) { put(some.data() + c, get(some.data() + c) + value); }

        void next() {  // pixel
            if (++pixels == STRETCH) flush();
        }

    private:
        void flush() {
            for (size_t c = 0; c < some.size(); c++) all[c] += some[c], some[c] = 0;
            pixels = 0;
        }

        std::vector<float> some;
        double* all;
        int pixels = 0;
    };

    Mine mine() { return {channels, parts.data() + omp_get_thread_num() * channels}; }

    void write(float* to) const {
        for (int64_t c = 0; c < channels; c++) {
            double total = 0;
            for (size_t at = c; at < parts.size(); at += channels) total += parts[at];
            to[c] = float(total);
        }
    }

private:
    int64_t channels;
    std::vector<double> parts;
};
