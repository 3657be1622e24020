// Threads are those of the OpenMP runtime that PyTorch runs on; their number is always the caller's to say.

// How many threads a parallel region asked for `wanted` really gets.
extern "C" int threads(int wanted) {
    int count = 0;
#pragma omp parallel num_threads(wanted)
#pragma omp atomic
    count++;
    return count;
}
