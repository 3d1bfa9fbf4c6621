// One recording on several workers: parts of a model's work, on a model whose parts wait for each other.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "fake_model.h"

namespace timbre {
namespace {

using test::Embeddings;
using test::FakeModel;
using test::Gate;
using test::make_engine;
using test::Opener;
using test::Outcome;
using test::request;
using test::tone;

/// Embeds utterances of more than 100 frames by parts.
test::Embed by_parts(std::size_t count, std::function<Status(std::size_t)> part) {
  return [=](std::span<const bundle::Utterance> utterances) -> Result<Embeddings> {
    const bundle::Utterance& one = utterances.front();
    if (one.features->rows > 100) {
      if (Status done = (*one.for_each)(count, part); !done) return Embeddings{done.error()};
    }
    return test::signatures(utterances);
  };
}

std::unique_ptr<Engine> engine_of(std::size_t workers, test::Embed embed) {
  EngineOptions options;
  options.workers = workers;
  return make_engine(std::make_unique<FakeModel>(false, std::move(embed)), options);
}

TEST(Sharing, WorkersThatHaveNothingToDoComputePartsOfARecording) {
  Gate gate;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  // The first three parts come from three threads, for each waits for the others.
  const auto engine = engine_of(3, by_parts(8, [&](std::size_t i) {
                                  {
                                    const std::lock_guard lock(mutex);
                                    threads.insert(std::this_thread::get_id());
                                  }
                                  if (i < 3) gate.pass();
                                  return ok();
                                }));
  const Opener opener(gate);
  Outcome outcome;
  ASSERT_TRUE(engine->submit(request(tone(200)), outcome.callback()));
  gate.wait_for_arrivals(3);
  gate.open();
  ASSERT_EQ(outcome.code(), "");
  EXPECT_EQ(outcome.wait().value().embedding[0], 201);
  EXPECT_EQ(threads.size(), 3U);
}

TEST(Sharing, AJobThatWaitsGoesBeforeTheNextPart) {
  // The job's own thread stands in one part, and the worker that helps in another, until a second job waits.
  Gate own;
  Gate helping;
  std::atomic<int> parts = 0;
  std::atomic<int> parts_before = 0;
  const auto engine = engine_of(2, [&](std::span<const bundle::Utterance> utterances) -> Result<Embeddings> {
    const auto thread = std::this_thread::get_id();
    const std::function<Status(std::size_t)> part = [&, thread](std::size_t) -> Status {
      ++parts;
      (std::this_thread::get_id() == thread ? own : helping).pass();
      return ok();
    };
    const bundle::Utterance& one = utterances.front();
    if (one.features->rows <= 100) {
      parts_before = parts.load();
    } else if (Status done = (*one.for_each)(50, part); !done) {
      return Embeddings{done.error()};
    }
    return test::signatures(utterances);
  });
  const Opener opener(own);
  const Opener second_opener(helping);
  Outcome whole;
  ASSERT_TRUE(engine->submit(request(tone(200)), whole.callback()));
  own.wait_for_arrivals(1);
  helping.wait_for_arrivals(1);
  Outcome other;
  ASSERT_TRUE(engine->submit(request(tone(20)), other.callback()));
  helping.open();
  EXPECT_EQ(other.code(), "");
  EXPECT_EQ(parts_before, 2);
  EXPECT_FALSE(whole.there());
  own.open();
  EXPECT_EQ(whole.code(), "");
  EXPECT_EQ(parts, 50);
}

TEST(Sharing, TheFirstErrorOfAPartIsTheRecordings) {
  for (const std::size_t workers : {1U, 3U}) {
    const auto engine = engine_of(workers, by_parts(50, [&](std::size_t i) -> Status {
                                    if (i == 7) return Error{ErrorCode::INFERENCE_FAILED, "part 7"};
                                    return ok();
                                  }));
    Outcome outcome;
    ASSERT_TRUE(engine->submit(request(tone(200)), outcome.callback()));
    EXPECT_EQ(outcome.code(), "INFERENCE_FAILED");
    EXPECT_EQ(outcome.wait().error().message, "part 7");
    Outcome after;
    ASSERT_TRUE(engine->submit(request(tone(20)), after.callback()));
    EXPECT_EQ(after.code(), "");
  }
}

TEST(Sharing, ARecordingThatIsCancelledStopsOnEveryWorker) {
  Gate gate;
  std::atomic<int> after = 0;
  const auto embed = [&](std::span<const bundle::Utterance> utterances) -> Result<Embeddings> {
    const Interrupt& interrupt = *utterances.front().interrupt;
    const std::function<Status(std::size_t)> part = [&](std::size_t i) -> Status {
      if (auto stopped = interrupt.check()) return *std::move(stopped);
      if (i >= 2) ++after;
      gate.pass();
      return ok();
    };
    const Status done = (*utterances.front().for_each)(50, part);
    return done ? test::signatures(utterances) : Embeddings{done.error()};
  };
  const auto engine = engine_of(2, embed);
  const Opener opener(gate);
  Outcome outcome;
  const auto id = engine->submit(request(tone(200)), outcome.callback());
  ASSERT_TRUE(id);
  gate.wait_for_arrivals(2);
  EXPECT_TRUE(engine->cancel(id.value()));
  gate.open();
  EXPECT_EQ(outcome.code(), "ABORTED");
  EXPECT_EQ(after, 0);
}

TEST(Sharing, ClosingWaitsForPartsThatRun) {
  Gate gate;
  std::atomic<int> left = 0;
  auto engine = engine_of(2, by_parts(2, [&](std::size_t) {
                            gate.pass();
                            ++left;
                            return ok();
                          }));
  Outcome outcome;
  ASSERT_TRUE(engine->submit(request(tone(200)), outcome.callback()));
  gate.wait_for_arrivals(2);
  std::thread closing([&] { engine->close(); });
  gate.open();
  closing.join();
  EXPECT_EQ(left, 2);
  EXPECT_TRUE(outcome.there());
}

}  // namespace
}  // namespace timbre
