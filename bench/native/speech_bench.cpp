// Speech activity of a recording at 16 kHz, and the whole report made of it, on one thread.
#include <benchmark/benchmark.h>

#include "speech/speech.h"
#include "stage.h"

namespace {

using namespace timbre;

void set_speed(benchmark::State& state, double seconds) {
  state.counters["x real time"] =
      benchmark::Counter(seconds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void activity(benchmark::State& state) {
  const auto detector = silero_detector();
  const auto seconds = static_cast<double>(state.range(0));
  const std::vector<float> samples = bench::voice(seconds, detector->sample_rate());
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(detector->probabilities(samples));
  set_speed(state, seconds);
}

void report(benchmark::State& state) {
  const auto detector = silero_detector();
  const auto seconds = static_cast<double>(state.range(0));
  const int rate = detector->sample_rate();
  const std::vector<float> samples = bench::voice(seconds, rate);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(bench::take(measure_speech(samples, rate, *detector)));
  }
  set_speed(state, seconds);
}

void lengths(benchmark::internal::Benchmark* test) {
  test->ArgName("s")->Arg(3)->Arg(30)->Unit(benchmark::kMillisecond);
}

BENCHMARK(activity)->Apply(lengths);
BENCHMARK(report)->Apply(lengths);

}  // namespace
