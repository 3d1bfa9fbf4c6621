// Searching a gallery of unit vectors exhaustively, on one thread.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "scoring/gallery.h"

namespace {

constexpr std::size_t kDim = 192;

std::vector<float> voice(std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDim);
  for (float& x : vector) x = normal(random);
  return vector;
}

void search(benchmark::State& state) {
  const auto voices = static_cast<timbre::Gallery::Key>(state.range(0));
  std::mt19937 random(1);
  timbre::Gallery gallery(kDim);
  for (timbre::Gallery::Key key = 0; key < voices; ++key) {
    if (!gallery.put(key, voice(random))) return state.SkipWithError("put failed");
  }
  const auto query = voice(random);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(gallery.top(query, 10));
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(kDim * sizeof(float)));
}

void put(benchmark::State& state) {
  std::mt19937 random(2);
  timbre::Gallery gallery(kDim);
  const auto vector = voice(random);
  for (timbre::Gallery::Key key = 0; key < 10'000; ++key) {
    if (!gallery.put(key, vector)) return state.SkipWithError("put failed");
  }
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(gallery.put(5'000, vector));
}

BENCHMARK(search)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(put)->Unit(benchmark::kMicrosecond);

}  // namespace
