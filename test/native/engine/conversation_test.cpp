// A conversation as a job of an engine: admission, help, interruption, errors. What it finds is tested with the room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "fake_model.h"

namespace timbre {
namespace {

using conversation::kClasses;
using conversation::kWindowFrames;
using test::FakeModel;
using test::Gate;
using test::make_engine;
using test::Opener;
using test::Outcome;
using test::request;
using test::tone;

/// One local speaker talks all the time.
Result<std::vector<std::vector<float>>> somebody(std::span<const std::vector<float>> windows, const Interrupt&) {
  std::vector<float> logarithms(kWindowFrames * kClasses, std::log(0.01F));
  for (std::size_t t = 0; t < kWindowFrames; ++t) logarithms[t * kClasses + 1] = std::log(0.94F);
  return std::vector(windows.size(), logarithms);
}

class Conversed {
 public:
  Engine::ConversationCallback callback() {
    return [promise = promise_](Result<ConversationResult> result) { promise->set_value(std::move(result)); };
  }
  const Result<ConversationResult>& wait() const { return future_.get(); }
  std::string code() const { return wait() ? "" : std::string(name(wait().error().code)); }

 private:
  std::shared_ptr<std::promise<Result<ConversationResult>>> promise_ =
      std::make_shared<std::promise<Result<ConversationResult>>>();
  std::shared_future<Result<ConversationResult>> future_ = promise_->get_future().share();
};

ConversationRequest of(AudioSource source, conversation::Segment segment = somebody) {
  ConversationRequest request;
  request.source = std::move(source);
  request.max_seconds = 600;
  request.segment = std::move(segment);
  return request;
}

std::unique_ptr<Engine> engine_with(std::size_t workers, bool batches = false, test::Embed embed = test::signatures) {
  EngineOptions options;
  options.workers = workers;
  return make_engine(std::make_unique<FakeModel>(batches, std::move(embed)), options);
}

TEST(Conversations, AreAnsweredOnceWithWhatWasFound) {
  for (const bool batches : {false, true}) {
    const auto engine = engine_with(2, batches);
    Conversed conversed;
    ASSERT_TRUE(engine->submit_conversation(of(tone(6000)), conversed.callback()));
    ASSERT_EQ(conversed.code(), "");
    const ConversationResult& result = conversed.wait().value();
    EXPECT_DOUBLE_EQ(result.audio.seconds, 60);
    ASSERT_EQ(result.conversation.turns.size(), 1U);
    EXPECT_NEAR(result.conversation.turns[0].end, 60, 0.05);
    EXPECT_EQ(result.conversation.speakers, 1U);
    engine->close();
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.completed, 1U);
    EXPECT_DOUBLE_EQ(stats.audio_seconds, 60);
    EXPECT_EQ(stats.admission.working_bytes, 0U);
  }
}

TEST(Conversations, AreHelpedWithByWorkersThatHaveNothingToDo) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  Gate gate;
  const auto engine = engine_with(3);
  const Opener opener(gate);
  std::atomic<int> calls = 0;
  const auto segment = [&](std::span<const std::vector<float>> windows, const Interrupt& interrupt) {
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    // The first three come from three threads, for each waits for the others.
    if (calls++ < 3) gate.pass();
    return somebody(windows, interrupt);
  };
  Conversed conversed;
  ASSERT_TRUE(engine->submit_conversation(of(tone(6000), segment), conversed.callback()));
  gate.wait_for_arrivals(3);
  gate.open();
  EXPECT_EQ(conversed.code(), "");
  EXPECT_EQ(threads.size(), 3U);
}

TEST(Conversations, LetOtherJobsPassWhileTheyAreHelpedWith) {
  // One worker stands in a window until the other job is done; another may have to wait for it.
  Gate gate;
  const auto engine = engine_with(3);
  const Opener opener(gate);
  std::atomic<int> calls = 0;
  const auto segment = [&](std::span<const std::vector<float>> windows, const Interrupt& interrupt) {
    if (calls++ == 0) gate.pass();
    return somebody(windows, interrupt);
  };
  Conversed conversed;
  ASSERT_TRUE(engine->submit_conversation(of(tone(6000), segment), conversed.callback()));
  gate.wait_for_arrivals(1);
  Outcome outcome;
  ASSERT_TRUE(engine->submit(request(tone(50)), outcome.callback()));
  EXPECT_EQ(outcome.code(), "");
  gate.open();
  EXPECT_EQ(conversed.code(), "");
}

TEST(Conversations, TellHowFarTheyAre) {
  const auto engine = engine_with(2);
  std::vector<std::pair<double, double>> told;
  ConversationRequest request = of(tone(12000));
  request.progress = [&](double done, double total) { told.emplace_back(done, total); };
  Conversed conversed;
  ASSERT_TRUE(engine->submit_conversation(std::move(request), conversed.callback()));
  ASSERT_EQ(conversed.code(), "");
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(std::ranges::is_sorted(told));
  for (const auto& [done, total] : told) {
    EXPECT_LE(done, 120);
    EXPECT_DOUBLE_EQ(total, 120);
  }
}

TEST(Conversations, EndWhenTheyAreCancelledOrTheEngineCloses) {
  for (const bool closes : {false, true}) {
    Gate gate;
    const auto engine = engine_with(2);
    const Opener opener(gate);
    const auto segment = [&](std::span<const std::vector<float>> windows,
                             const Interrupt& interrupt) -> Result<std::vector<std::vector<float>>> {
      gate.pass();
      if (auto stop = interrupt.check()) return *std::move(stop);
      return somebody(windows, interrupt);
    };
    Conversed conversed;
    const auto job = engine->submit_conversation(of(tone(6000), segment), conversed.callback());
    ASSERT_TRUE(job);
    gate.wait_for_arrivals(1);
    if (closes) {
      std::thread closing([&] { engine->close(); });
      gate.open();
      closing.join();
      EXPECT_THAT(conversed.code(), ::testing::AnyOf("ENGINE_CLOSED", ""));
    } else {
      EXPECT_TRUE(engine->cancel(job.value()));
      gate.open();
      EXPECT_EQ(conversed.code(), "ABORTED");
      EXPECT_FALSE(engine->cancel(job.value()));
    }
    EXPECT_EQ(engine->stats().admission.working_bytes, 0U);
  }
}

TEST(Conversations, WaitInTheQueueAndEndThere) {
  Gate gate;
  const auto engine = engine_with(1);
  const Opener opener(gate);
  const auto segment = [&](std::span<const std::vector<float>> windows, const Interrupt& interrupt) {
    gate.pass();
    return somebody(windows, interrupt);
  };
  Conversed running;
  ASSERT_TRUE(engine->submit_conversation(of(tone(2000), segment), running.callback()));
  gate.wait_for_arrivals(1);
  ConversationRequest late = of(tone(2000));
  late.deadline = Clock::now() + std::chrono::milliseconds(5);
  Conversed waiting;
  ASSERT_TRUE(engine->submit_conversation(std::move(late), waiting.callback()));
  EXPECT_EQ(waiting.code(), "DEADLINE_EXCEEDED");
  gate.open();
  EXPECT_EQ(running.code(), "");
}

TEST(Conversations, AnswerWithTheErrorOfTheirParts) {
  const auto engine = engine_with(2, false, [](std::span<const bundle::Utterance> utterances) {
    return test::Embeddings(utterances.size(), Error{ErrorCode::INFERENCE_FAILED, "no"});
  });
  Conversed embedding;
  ASSERT_TRUE(engine->submit_conversation(of(tone(6000)), embedding.callback()));
  EXPECT_EQ(embedding.code(), "INFERENCE_FAILED");
  Conversed throwing;
  ASSERT_TRUE(engine->submit_conversation(
      of(tone(6000),
         [](std::span<const std::vector<float>>, const Interrupt&) -> Result<std::vector<std::vector<float>>> {
           throw std::bad_alloc();
         }),
      throwing.callback()));
  EXPECT_EQ(throwing.code(), "OUT_OF_MEMORY");
  Conversed missing;
  ASSERT_TRUE(engine->submit_conversation(of(AudioPath{"/nowhere.wav"}), missing.callback()));
  EXPECT_EQ(missing.code(), "AUDIO_NOT_FOUND");
  ConversationRequest short_limit = of(tone(6000));
  short_limit.max_seconds = 30;
  Conversed longer;
  ASSERT_TRUE(engine->submit_conversation(std::move(short_limit), longer.callback()));
  EXPECT_EQ(longer.code(), "AUDIO_TOO_LONG");
  EXPECT_EQ(engine->stats().failed, 4U);
}

TEST(Conversations, AreRefusedWithCountsThatCannotBe) {
  const auto engine = engine_with(1);
  for (const auto& [least, most] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {3, 2}, {65, 0}, {1, 65}}) {
    ConversationRequest request = of(tone(100));
    request.counts = {least, most};
    const auto job = engine->submit_conversation(std::move(request), [](auto) { FAIL(); });
    ASSERT_FALSE(job);
    EXPECT_EQ(job.error().code, ErrorCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(engine->stats().admission.queued, 0U);
}

TEST(Conversations, AreRefusedByAModelOfAnotherRate) {
  bundle::Manifest narrow = test::manifest();
  narrow.front_end.sample_rate = 8000;
  narrow.front_end.high_hz = 4000;
  const auto engine = make_engine(std::make_unique<FakeModel>(false, test::signatures, narrow));
  const auto job = engine->submit_conversation(of(tone(100)), [](auto) { FAIL(); });
  ASSERT_FALSE(job);
  EXPECT_THAT(job.error().message, ::testing::HasSubstr("of 8000 Hz"));
}

}  // namespace
}  // namespace timbre
