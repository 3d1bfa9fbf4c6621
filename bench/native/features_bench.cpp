// Samples to features by the front end of every published structure, on one thread.
#include <benchmark/benchmark.h>

#include "skeletons.h"
#include "stage.h"

namespace {

using namespace timbre;

void features(benchmark::State& state, const std::string& variant) {
  const FrontEndConfig config = bench::front_end_of(variant);
  const auto front_end = bench::take(FrontEnd::create(config));
  const auto seconds = static_cast<double>(state.range(0));
  const std::vector<float> samples = bench::voice(seconds, config.sample_rate);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(bench::take(front_end->compute(samples)));
  state.counters["x real time"] =
      benchmark::Counter(seconds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void lengths(benchmark::internal::Benchmark* test) {
  test->ArgName("s")->Arg(3)->Arg(30)->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(features, speechbrain, std::string("speechbrain"))->Apply(lengths);
BENCHMARK_CAPTURE(features, wespeaker, std::string("wespeaker-glob"))->Apply(lengths);
BENCHMARK_CAPTURE(features, 3dspeaker, std::string("3dspeaker"))->Apply(lengths);
BENCHMARK_CAPTURE(features, taoruijie, std::string("taoruijie"))->Apply(lengths);
BENCHMARK_CAPTURE(features, timbre, std::string("timbre"))->Apply(lengths);

}  // namespace
