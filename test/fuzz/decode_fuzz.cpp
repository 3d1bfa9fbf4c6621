// Any bytes in the place of a recording: decoded, mixed down, resampled, measured for speech and turned into features.
// ffmpeg has a process of its own to crash in and is never started.
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "audio/decode.h"
#include "bundle/manifest.h"
#include "features/front_end.h"
#include "ogg_pages.h"
#include "speech/speech.h"
#include "target.h"

// libsndfile 1.2 forgets a few kilobytes of Vorbis's whenever it refuses a damaged Vorbis header.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:vorbis_info_init\nleak:vorbis_synthesis_headerin\n";
}

namespace timbre::fuzz {
namespace {

/// Short, so that an execution is fast.
AudioLimits limits() {
  AudioLimits limits;
  limits.max_bytes = 64 << 10;
  limits.max_seconds = 0.5;
  return limits;
}

/// What comes after decoding sees samples and no format: one recording in so many goes through it.
#ifdef TIMBRE_LIBFUZZER
constexpr std::uint32_t kHeard = 8;
#else
constexpr std::uint32_t kHeard = 1;
#endif

/// Whether a recording is one of them; the same for the same bytes.
bool is_heard(std::span<const std::uint8_t> bytes) {
  std::uint32_t hash = 2166136261;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 16777619;
  return hash % kHeard == 0;
}

/// Seconds that the speech detector hears of it: its network takes most of the time and does the same for each frame.
constexpr double kHeardSeconds = 0.1;

std::unique_ptr<const FrontEnd> create(const FrontEndConfig& config) {
  auto front_end = FrontEnd::create(config);
  expect(front_end.ok(), "the front end can be made");
  return std::move(front_end).value();
}

/// The starter's, as its bundle says, and SpeechBrain's.
struct Model {
  FrontEndConfig config;
  std::unique_ptr<const FrontEnd> front_end;
};

std::vector<Model> models() {
  auto starter = bundle::read_manifest(TIMBRE_STARTER);
  expect(starter.ok(), "the starter bundle can be read");
  std::vector<Model> made;
  for (const FrontEndConfig& config :
       {starter.value().front_end, FrontEndConfig{"speechbrain", 16000, 400, 160, 400, "hamming_periodic", 80, 0, 8000,
                                                  1, 0, false, 1e-10, 80, true}}) {
    made.push_back({config, create(config)});
  }
  return made;
}

bool finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

void check(const Audio& audio, int sample_rate) {
  const AudioLimits most = limits();
  const AudioInfo& info = audio.info;
  expect(info.seconds > 0 && info.seconds <= most.max_seconds, "the recording is as long as allowed");
  expect(info.sample_rate >= most.min_sample_rate && info.sample_rate <= most.max_sample_rate, "its rate is allowed");
  expect(info.channels >= 1 && info.channels <= most.max_channels, "its channels are allowed");
  expect(info.clipped_share >= 0 && info.clipped_share <= 1, "the clipped share is a share");
  expect(!info.format.empty(), "its format has a name");
  const double expected = info.seconds * sample_rate;
  expect(std::abs(static_cast<double>(audio.samples.size()) - expected) <= 2, "the samples are as many as it is long");
  expect(finite(audio.samples), "the samples are finite");
}

void check(const SpeechReport& report, double seconds) {
  expect(report.seconds >= 0 && report.seconds <= seconds, "speech is no longer than the recording");
  expect(std::isfinite(report.level_db) && std::isfinite(report.bandwidth_hz), "level and bandwidth are numbers");
  expect(!report.snr_db || std::isfinite(*report.snr_db), "the ratio of signal to noise is a number");
}

void run(std::span<const std::uint8_t> bytes) {
  static const std::vector<Model> all = models();
  static const std::unique_ptr<const SpeechDetector> detector = silero_detector();
  const int sample_rate = all.front().config.sample_rate;
  const Interrupt never;
  const auto decoded = decode(AudioBytes{{bytes.begin(), bytes.end()}}, sample_rate, limits(), never);
  if (!decoded) return expect_typed(decoded.error(), {"AUDIO_"});
  const Audio& audio = decoded.value();
  check(audio, sample_rate);
  if (!is_heard(bytes)) return;

  const auto heard = std::span(audio.samples)
                         .first(std::min(audio.samples.size(), static_cast<std::size_t>(kHeardSeconds * sample_rate)));
  const auto report = measure_speech(heard, sample_rate, *detector);
  expect(report.ok(), "speech can be measured in every recording");
  check(report.value(), static_cast<double>(heard.size()) / sample_rate);

  for (const auto& [config, front_end] : all) {
    const auto features = front_end->compute(audio.samples);
    if (!features) {
      expect_typed(features.error(), {"AUDIO_TOO_SHORT"});
      expect(audio.samples.size() < front_end->samples_for(1), "only too short a recording has no features");
      continue;
    }
    const Matrix& matrix = features.value();
    expect(matrix.rows == front_end->frames(audio.samples.size()), "there are as many frames as announced");
    expect(matrix.cols == static_cast<std::size_t>(config.mel_bins), "there are as many bins as configured");
    expect(finite(matrix.values), "the features are finite");
  }
}

}  // namespace
}  // namespace timbre::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  timbre::fuzz::run({bytes, size});
  return 0;
}

#ifdef TIMBRE_LIBFUZZER
extern "C" __attribute__((visibility("default"))) std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size,
                                                                               std::size_t most);
extern "C" __attribute__((visibility("default"))) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes,
                                                                                      std::size_t size,
                                                                                      std::size_t most,
                                                                                      unsigned int seed);

/// libFuzzer's own mutations; damaged pages of Ogg mostly get their checksums again, without which nobody reads them.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size, std::size_t most, unsigned int seed) {
  const std::size_t made = LLVMFuzzerMutate(bytes, size, most);
  if (seed % 8 != 0) timbre::fuzz::sign_ogg_pages({bytes, made});
  return made;
}
#endif
