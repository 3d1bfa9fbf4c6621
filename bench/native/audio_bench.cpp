// Encoded recordings in memory to mono samples at 16 kHz, on one thread.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "audio/decode.h"
#include "audio/resampler.h"
#include "encode.h"
#include "stage.h"

namespace {

using namespace timbre;

constexpr int kRate = 16000;
constexpr std::size_t kBlock = 4096;

/// Seconds of audio for each second of work.
void set_speed(benchmark::State& state, double seconds) {
  state.counters["x real time"] =
      benchmark::Counter(seconds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void decode_recording(benchmark::State& state, bench::Encoding encoding, int rate, int channels) {
  const auto seconds = static_cast<double>(state.range(0));
  const AudioSource source = AudioBytes{bench::encode(bench::voice(seconds, rate), rate, channels, encoding)};
  const Interrupt never;
  AudioTimings sum;
  for ([[maybe_unused]] auto _ : state) {
    AudioTimings timings;
    benchmark::DoNotOptimize(bench::take(decode(source, kRate, {}, never, &timings)));
    sum.decode += timings.decode;
    sum.resample += timings.resample;
  }
  set_speed(state, seconds);
  const auto mean_ms = [](double total) { return benchmark::Counter(1e3 * total, benchmark::Counter::kAvgIterations); };
  state.counters["decode ms"] = mean_ms(sum.decode);
  state.counters["resample ms"] = mean_ms(sum.resample);
}

void resample(benchmark::State& state, int rate) {
  const auto seconds = static_cast<double>(state.range(0));
  const std::vector<float> samples = bench::voice(seconds, rate);
  for ([[maybe_unused]] auto _ : state) {
    auto resampler = bench::take(Resampler::create(rate, kRate));
    std::vector<float> out;
    for (std::size_t at = 0; at < samples.size(); at += kBlock) {
      const std::span<const float> block(samples.data() + at, std::min(kBlock, samples.size() - at));
      bench::take(resampler.push(block, out));
    }
    bench::take(resampler.finish(out));
    benchmark::DoNotOptimize(out.data());
  }
  set_speed(state, seconds);
}

void lengths(benchmark::internal::Benchmark* test) {
  test->ArgName("s")->Arg(3)->Arg(30)->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(decode_recording, wav_16k_mono, bench::Encoding::kWav, 16000, 1)->Apply(lengths);
BENCHMARK_CAPTURE(decode_recording, flac_16k_mono, bench::Encoding::kFlac, 16000, 1)->Apply(lengths);
BENCHMARK_CAPTURE(decode_recording, mp3_48k_stereo, bench::Encoding::kMp3, 48000, 2)->Apply(lengths);
BENCHMARK_CAPTURE(resample, 48k, 48000)->Apply(lengths);
BENCHMARK_CAPTURE(resample, 44k1, 44100)->Apply(lengths);
BENCHMARK_CAPTURE(resample, 8k, 8000)->Apply(lengths);

}  // namespace
