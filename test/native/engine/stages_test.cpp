// What an engine checks and counts on the way from recording to embedding.
#include "engine/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "fake_model.h"
#include "support/worker_thread.h"

namespace timbre {
namespace {

using test::FakeModel;
using test::make_engine;
using test::Outcome;
using test::request;
using test::tone;

Outcome embedded(EmbedRequest one, bundle::Manifest manifest = test::manifest(), AudioLimits limits = {}) {
  EngineOptions options;
  options.limits = limits;
  auto engine = make_engine(std::make_unique<FakeModel>(false, test::signatures, std::move(manifest)), options);
  Outcome outcome;
  EXPECT_TRUE(engine->submit(std::move(one), outcome.callback()));
  outcome.wait();
  return outcome;
}

TEST(Stages, GivesTheEmbeddingOfTheRecordingItself) {
  const AudioSamples audio = tone(50);
  const auto front_end = FrontEnd::create(test::manifest().front_end);
  ASSERT_TRUE(front_end);
  const auto features = front_end.value()->compute(audio.samples);
  ASSERT_TRUE(features);
  const Outcome outcome = embedded(request(audio));
  ASSERT_EQ(outcome.code(), "");
  const EmbedResult& result = outcome.wait().value();
  EXPECT_EQ(result.embedding, test::signature(features.value()));
  EXPECT_DOUBLE_EQ(result.audio.seconds, 0.5);
  EXPECT_EQ(result.audio.sample_rate, 16000);
  EXPECT_EQ(result.audio.channels, 1);
  EXPECT_EQ(result.audio.format, "samples");
}

TEST(Stages, MeasuresSpeechAndQualityOfWhatIsEmbedded) {
  AudioSamples loud = tone(100);
  for (float& x : loud.samples) x = std::clamp(4 * x, -1.0F, 1.0F);
  const Outcome outcome = embedded(request(loud));
  ASSERT_EQ(outcome.code(), "") << "a tone is no speech, and embeds all the same";
  const EmbedResult& result = outcome.wait().value();
  EXPECT_LT(result.speech.seconds, 0.2);
  EXPECT_NEAR(result.speech.level_db, -1, 1);
  EXPECT_GT(result.audio.clipped_share, 0.5);
  EXPECT_GT(result.timings.speech, 0);
}

TEST(Stages, SaysHowLongARecordingMustBe) {
  EXPECT_EQ(embedded(request(AudioSamples{std::vector<float>(4, 0.5F), 16000})).code(), "AUDIO_TOO_SHORT");
  EXPECT_EQ(embedded(request(AudioSamples{{}, 16000})).code(), "AUDIO_TOO_SHORT");
  EXPECT_EQ(embedded(request(tone(4))).code(), "");  // 5 frames
  const Outcome shorter = embedded(request(AudioSamples{std::vector<float>(639, 0.5F), 16000}));
  ASSERT_EQ(shorter.code(), "AUDIO_TOO_SHORT");
  EXPECT_THAT(shorter.wait().error().message, testing::HasSubstr("needs at least 0.04 s"));
}

TEST(Stages, KeepsTheModelsOwnLimit) {
  bundle::Manifest manifest = test::manifest();
  manifest.longest_seconds = 1;
  EXPECT_EQ(embedded(request(tone(100)), manifest).code(), "");
  EXPECT_EQ(embedded(request(tone(101)), manifest).code(), "AUDIO_TOO_LONG");
}

TEST(Stages, RefusesDigitalSilenceUnlessAllowed) {
  const AudioSamples silence{std::vector<float>(16000), 16000};
  EXPECT_EQ(embedded(request(silence)).code(), "NO_SPEECH");
  EmbedRequest allowed = request(silence);
  allowed.allow_silence = true;
  EXPECT_EQ(embedded(std::move(allowed)).code(), "");
  AudioSamples tick = silence;
  tick.samples[8000] = 1.0F / 32768;
  EXPECT_EQ(embedded(request(tick)).code(), "") << "one step of 16-bit audio is a signal";
}

TEST(Stages, CutsFromTheMiddle) {
  AudioSamples audio{std::vector<float>(16000), 16000};
  const AudioSamples middle = tone(20);
  std::copy(middle.samples.begin(), middle.samples.end(), audio.samples.begin() + (16000 - 3200) / 2);
  EmbedRequest cut = request(audio);
  cut.cut_seconds = 0.2;
  const Outcome part = embedded(std::move(cut));
  ASSERT_EQ(part.code(), "");
  EXPECT_EQ(part.wait().value().embedding, embedded(request(middle)).wait().value().embedding);
  EXPECT_DOUBLE_EQ(part.wait().value().audio.seconds, 1.0);
}

TEST(Stages, EmbedsIntervalsAlone) {
  AudioSamples audio{std::vector<float>(16000), 16000};
  const AudioSamples part = tone(20);
  std::copy(part.samples.begin(), part.samples.end(), audio.samples.begin() + 8000);
  EmbedRequest one = request(audio);
  one.intervals = {{0.5, 0.7}};
  const Outcome alone = embedded(std::move(one));
  ASSERT_EQ(alone.code(), "");
  EXPECT_EQ(alone.wait().value().embedding, embedded(request(part)).wait().value().embedding);
  EXPECT_DOUBLE_EQ(alone.wait().value().audio.seconds, 1.0);
  EmbedRequest two = request(audio);
  two.intervals = {{0, 0.2}, {0.5, 9}};  // the second ends with the recording, and joins are faded
  const Outcome joined = embedded(std::move(two));
  ASSERT_EQ(joined.code(), "");
  EXPECT_NEAR(joined.wait().value().embedded_seconds, 0.2 + 0.5 - 0.005, 1e-9);
  EmbedRequest behind = request(audio);
  behind.intervals = {{0.5, 0.7}, {1, 2}};
  const Outcome refused = embedded(std::move(behind));
  ASSERT_EQ(refused.code(), "INVALID_ARGUMENT");
  EXPECT_THAT(refused.wait().error().message, testing::HasSubstr("begins at 1 s"));
}

TEST(Stages, CutsPausesByTheRuleOfTheBundleUnlessTheyAreToBeKept) {
  bundle::Manifest cutting = test::manifest();
  cutting.pauses = default_pauses();
  const AudioSamples noise = tone(200);  // no speech: nothing to cut
  const Outcome whole = embedded(request(noise), cutting);
  ASSERT_EQ(whole.code(), "");
  EXPECT_EQ(whole.wait().value().pauses, bundle::Pauses::cut);
  EXPECT_DOUBLE_EQ(whole.wait().value().embedded_seconds, 2);
  EmbedRequest keep = request(noise);
  keep.pauses = bundle::Pauses::keep;
  const Outcome kept = embedded(std::move(keep), cutting);
  ASSERT_EQ(kept.code(), "");
  EXPECT_EQ(kept.wait().value().pauses, bundle::Pauses::keep);
  EXPECT_EQ(embedded(request(noise)).wait().value().pauses, bundle::Pauses::keep) << "a bundle without a rule";
}

TEST(Stages, RefusesToCutWithoutARule) {
  EmbedRequest cut = request(tone(100));
  cut.pauses = bundle::Pauses::cut;
  const Outcome refused = embedded(std::move(cut));
  ASSERT_EQ(refused.code(), "INVALID_ARGUMENT");
  EXPECT_THAT(refused.wait().error().message, testing::HasSubstr("--pauses cut"));
}

TEST(Stages, TakesOneBadRecordingWithoutHarmToOthers) {
  auto engine = make_engine(std::make_unique<FakeModel>(false));
  Outcome bad;
  Outcome missing;
  Outcome good;
  ASSERT_TRUE(engine->submit(request(AudioBytes{{1, 2, 3}}), bad.callback()));
  ASSERT_TRUE(engine->submit(request(AudioPath{"/no/such/recording.wav"}), missing.callback()));
  ASSERT_TRUE(engine->submit(request(tone(10)), good.callback()));
  EXPECT_EQ(bad.code(), "AUDIO_UNSUPPORTED");
  EXPECT_EQ(missing.code(), "AUDIO_NOT_FOUND");
  EXPECT_EQ(good.code(), "");
  engine->close();
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.failed, 2U);
  EXPECT_EQ(stats.completed, 1U);
  EXPECT_EQ(stats.submitted, 3U);
}

TEST(Stages, StatsAreTheSumsOfWhatWasDone) {
  auto engine = make_engine(std::make_unique<FakeModel>(false));
  std::vector<Outcome> outcomes(5);
  for (Outcome& outcome : outcomes) ASSERT_TRUE(engine->submit(request(tone(30)), outcome.callback()));
  Timings sum;
  for (const Outcome& outcome : outcomes) {
    ASSERT_EQ(outcome.code(), "");
    const Timings& one = outcome.wait().value().timings;
    for (const double stage : {one.queue, one.decode, one.resample, one.features, one.model}) EXPECT_GE(stage, 0);
    EXPECT_GE(one.total, one.queue + one.features + one.model);
    sum.features += one.features;
    sum.model += one.model;
    sum.total += one.total;
  }
  engine->close();
  const EngineStats stats = engine->stats();
  EXPECT_NEAR(stats.audio_seconds, 1.5, 1e-9);
  EXPECT_NEAR(stats.seconds.features, sum.features, 1e-9);
  EXPECT_NEAR(stats.seconds.model, sum.model, 1e-9);
  EXPECT_NEAR(stats.seconds.total, sum.total, 1e-9);
}

TEST(Stages, RefusesOptionsOutOfRangeByName) {
  const auto refusal = [](void (*change)(EngineOptions&)) {
    EngineOptions options;
    change(options);
    const auto engine = Engine::create(std::make_unique<FakeModel>(false), options);
    EXPECT_FALSE(engine);
    return engine ? "" : engine.error().message;
  };
  EXPECT_THAT(refusal([](EngineOptions& o) { o.workers = 0; }), testing::HasSubstr("workers is 0"));
  EXPECT_THAT(refusal([](EngineOptions& o) { o.admission.queued = 0; }), testing::HasSubstr("queueLimit"));
  EXPECT_THAT(refusal([](EngineOptions& o) { o.max_batch = 100000; }), testing::HasSubstr("maxBatch"));
  EXPECT_THAT(refusal([](EngineOptions& o) { o.limits.max_bytes = 0; }), testing::HasSubstr("limits.maxBytes"));
  EXPECT_THAT(refusal([](EngineOptions& o) { o.limits.max_seconds = -1; }), testing::HasSubstr("limits.maxSeconds"));
  EXPECT_THAT(refusal([](EngineOptions& o) { o.admission.input_bytes = 0; }), testing::HasSubstr("maxInputBytes"));
  EXPECT_THAT(refusal([](EngineOptions& o) { o.admission.working_bytes = 0; }), testing::HasSubstr("maxWorkingBytes"));
}

TEST(Stages, RefusesAFrontEndThatItDoesNotKnow) {
  bundle::Manifest manifest = test::manifest();
  manifest.front_end.type = "unheard";
  const auto engine = Engine::create(std::make_unique<FakeModel>(false, test::signatures, manifest), {});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::MODEL_INVALID);
}

TEST(WorkerThread, IsNamedAndLeavesSignalsToTheHost) {
  std::array<char, 16> called{};
  bool blind = false;
  start_worker("timbre-test", [&] {
    pthread_getname_np(pthread_self(), called.data(), called.size());
    sigset_t blocked;
    sigemptyset(&blocked);
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    blind = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGCHLD) == 1;
  }).join();
  EXPECT_STREQ(called.data(), "timbre-test");
  EXPECT_TRUE(blind);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 0);
}

}  // namespace
}  // namespace timbre
