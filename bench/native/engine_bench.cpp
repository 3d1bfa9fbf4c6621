// Encoded recordings in memory to embeddings, through every stage, by format, length and workers.
//
//   bench_engine [--model=BUNDLE] [google-benchmark's flags]
#include <benchmark/benchmark.h>

#include <latch>

#include "bundle/torch_model.h"
#include "encode.h"
#include "engine/engine.h"
#include "stage.h"

namespace {

using namespace timbre;

/// Recordings that one iteration has in flight, for each worker.
constexpr std::size_t kInFlight = 4;

struct Format {
  const char* name;
  bench::Encoding encoding;
  int rate;
  int channels;
};
constexpr Format kFormats[] = {{"wav_16k_mono", bench::Encoding::kWav, 16000, 1},
                               {"flac_16k_mono", bench::Encoding::kFlac, 16000, 1},
                               {"mp3_48k_stereo", bench::Encoding::kMp3, 48000, 2}};

void embed_all(benchmark::State& state, Engine& engine, const AudioBytes& recording, std::size_t count) {
  std::latch rest(static_cast<std::ptrdiff_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    EmbedRequest request;
    request.source = recording;
    auto submitted = engine.submit(std::move(request), [&](const Result<EmbedResult>& result) {
      if (!result) std::cerr << result.error().message << '\n';
      rest.count_down();
    });
    if (!submitted) return state.SkipWithError(submitted.error().message.c_str());
  }
  rest.wait();
}

void end_to_end(benchmark::State& state, const std::string& path, const Format& format, double seconds,
                std::size_t workers) {
  EngineOptions options;
  options.workers = workers;
  const auto engine =
      bench::take(Engine::create(bench::take(bundle::load_torch_model(path, "cpu", {TIMBRE_SKELETONS})), options));
  const AudioBytes recording{
      bench::encode(bench::voice(seconds, format.rate), format.rate, format.channels, format.encoding)};
  const std::size_t count = kInFlight * workers;
  embed_all(state, *engine, recording, count);
  const EngineStats before = engine->stats();
  for ([[maybe_unused]] auto _ : state) embed_all(state, *engine, recording, count);
  const EngineStats after = engine->stats();
  if (after.failed > 0) state.SkipWithError("a recording failed");

  const auto done = static_cast<double>(after.completed - before.completed);
  state.counters["per second"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  const auto spent = [&](double Timings::*stage) { return after.seconds.*stage - before.seconds.*stage; };
  const std::pair<const char*, double Timings::*> stages[] = {{"decode ms", &Timings::decode},
                                                              {"resample ms", &Timings::resample},
                                                              {"speech ms", &Timings::speech},
                                                              {"features ms", &Timings::features},
                                                              {"model ms", &Timings::model}};
  for (const auto& [name, stage] : stages) state.counters[name] = 1e3 * spent(stage) / done;
}

}  // namespace

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  const std::string path = bench::model_path(count, words);
  const bundle::Manifest manifest = bench::take(bundle::read_manifest(path));
  benchmark::AddCustomContext("model", manifest.id);
  benchmark::AddCustomContext("digest", manifest.weights_digest);
  for (const Format& format : kFormats) {
    for (const int seconds : {3, 30}) {
      for (const std::size_t workers : {1U, 2U}) {
        const std::string name = std::string("end_to_end/") + format.name + "/" + std::to_string(seconds) +
                                 "s/workers:" + std::to_string(workers);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&path, &format, seconds, workers](benchmark::State& state) {
                                       end_to_end(state, path, format, seconds, workers);
                                     })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
