// Batches: how they form, and what happens when memory does not suffice for one.
#include "engine/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "fake_model.h"

namespace timbre {
namespace {

using test::FakeModel;
using test::Gate;
using test::make_engine;
using test::Outcome;
using test::request;
using test::tone;

std::vector<Prepared> prepared(std::size_t count) {
  std::vector<Prepared> batch;
  for (std::size_t i = 0; i < count; ++i) {
    Prepared one{std::make_shared<Job>(i, Admission::Place(), EmbedRequest{}, Engine::Callback{}), Matrix(10 + i, 1)};
    one.features.values[0] = static_cast<float>(i);
    batch.push_back(std::move(one));
  }
  return batch;
}

std::vector<Result<bundle::Embedding>> run(Batcher& batcher, std::vector<Prepared> batch, std::uint64_t& calls) {
  std::vector<Prepared*> members;
  for (Prepared& one : batch) members.push_back(&one);
  return batcher.run(members, calls);
}

std::vector<std::size_t> sizes(const FakeModel& model) {
  std::vector<std::size_t> result;
  for (const auto& batch : model.seen()) result.push_back(batch.size());
  return result;
}

/// A device on which so many utterances fit.
FakeModel small_device(std::size_t fits) {
  return FakeModel(true, [fits](auto features) -> Result<test::Embeddings> {
    if (features.size() > fits) return Error{ErrorCode::OUT_OF_MEMORY, "too many"};
    return test::signatures(features);
  });
}

TEST(Batcher, HalvesABatchThatDoesNotFitAndKeepsTheSizeThatDid) {
  const FakeModel model = small_device(3);
  Batcher batcher(model, 16);
  std::uint64_t calls = 0;
  const auto batch = prepared(11);
  const auto results = run(batcher, batch, calls);
  ASSERT_EQ(results.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ASSERT_TRUE(results[i]);
    EXPECT_EQ(results[i].value(), test::signature(batch[i].features));
  }
  EXPECT_THAT(sizes(model), testing::ElementsAre(11, 5, 2, 2, 2, 2, 2, 1));
  EXPECT_EQ(calls, 8U);
  EXPECT_EQ(batcher.capacity(), 2U);
}

TEST(Batcher, DoublesAgainAfterFullBatchesThatFitted) {
  bool crowded = true;
  const FakeModel model(true, [&](auto features) -> Result<test::Embeddings> {
    if (crowded && features.size() > 4) return Error{ErrorCode::OUT_OF_MEMORY, "too many"};
    return test::signatures(features);
  });
  Batcher batcher(model, 16);
  std::uint64_t calls = 0;
  for (const auto& one : run(batcher, prepared(16), calls)) ASSERT_TRUE(one);
  EXPECT_EQ(batcher.capacity(), 4U);
  crowded = false;
  std::size_t runs = 0;
  for (; batcher.capacity() < 16 && runs < 1000; ++runs) {
    for (const auto& one : run(batcher, prepared(batcher.capacity()), calls)) ASSERT_TRUE(one);
  }
  EXPECT_EQ(batcher.capacity(), 16U);
  EXPECT_GT(runs, 16U) << "one success is not enough";
}

TEST(Batcher, FailsTheOneUtteranceThatNeverFits) {
  const FakeModel model(true, [](auto features) -> Result<test::Embeddings> {
    for (const bundle::Utterance& one : features) {
      if (one.features->rows == 12) return Error{ErrorCode::OUT_OF_MEMORY, "too long"};
    }
    return test::signatures(features);
  });
  Batcher batcher(model, 8);
  std::uint64_t calls = 0;
  const auto results = run(batcher, prepared(5), calls);
  ASSERT_EQ(results.size(), 5U);
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].ok(), i != 2) << i;
  EXPECT_EQ(results[2].error().code, ErrorCode::OUT_OF_MEMORY);
}

TEST(Batcher, TurnsEveryFaultOfAModelIntoErrors) {
  const auto code_of = [](test::Embed embed) {
    const FakeModel model(true, std::move(embed));
    Batcher batcher(model, 8);
    std::uint64_t calls = 0;
    const auto results = run(batcher, prepared(1), calls);
    EXPECT_EQ(results.size(), 1U);
    return results[0] ? "" : std::string(name(results[0].error().code));
  };
  EXPECT_EQ(code_of([](auto) -> Result<test::Embeddings> { throw std::runtime_error("no"); }), "INTERNAL");
  EXPECT_EQ(code_of([](auto) -> Result<test::Embeddings> { throw std::bad_alloc(); }), "OUT_OF_MEMORY");
  EXPECT_EQ(code_of([](auto) -> Result<test::Embeddings> {
              return Error{ErrorCode::INFERENCE_FAILED, ""};
            }),
            "INFERENCE_FAILED");
  EXPECT_EQ(code_of([](auto) { return Result(test::Embeddings{bundle::Embedding{1.0F, NAN}}); }), "INFERENCE_FAILED");
  EXPECT_EQ(code_of([](auto) { return Result(test::Embeddings{}); }), "INFERENCE_FAILED");
  EXPECT_EQ(code_of([](auto) {
              return Result(test::Embeddings{bundle::Embedding{1.0F}, bundle::Embedding{2.0F}});
            }),
            "INFERENCE_FAILED");
}

TEST(Batcher, OneResultThatIsNotFiniteCostsOneUtterance) {
  const FakeModel model(true, [](auto utterances) -> Result<test::Embeddings> {
    test::Embeddings embeddings = test::signatures(utterances).value();
    embeddings[1] = bundle::Embedding{1.0F, INFINITY};
    embeddings[3] = Error{ErrorCode::ABORTED, "stopped"};
    return embeddings;
  });
  Batcher batcher(model, 8);
  std::uint64_t calls = 0;
  const auto results = run(batcher, prepared(5), calls);
  ASSERT_EQ(results.size(), 5U);
  EXPECT_EQ(calls, 1U);
  for (const std::size_t whole : {0U, 2U, 4U}) EXPECT_TRUE(results[whole]) << whole;
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().code, ErrorCode::INFERENCE_FAILED);
  ASSERT_FALSE(results[3]);
  EXPECT_EQ(results[3].error().code, ErrorCode::ABORTED);
}

class Batching : public testing::Test {
 protected:
  /// Holds the device with a first job of 10 frames, and admits these behind it.
  void run(const std::vector<std::size_t>& frames, std::size_t max_batch, std::size_t workers = 1) {
    auto model = std::make_unique<FakeModel>(true, [this](auto features) {
      gate_.pass();
      return test::signatures(features);
    });
    const FakeModel& seen = *model;
    EngineOptions options;
    options.max_batch = max_batch;
    options.workers = workers;
    auto engine = make_engine(std::move(model), options);
    const test::Opener opener(gate_);
    Outcome first;
    ASSERT_TRUE(engine->submit(request(tone(10)), first.callback()));
    gate_.wait_for_arrivals(1);
    std::vector<Outcome> outcomes(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      ASSERT_TRUE(engine->submit(request(tone(frames[i])), outcomes[i].callback()));
    }
    // So many leave the queue while the device is held: twice a batch is prepared, and each worker holds one more.
    const std::size_t leave = 2 * max_batch + workers;
    while (engine->stats().queued + leave > std::max(leave, frames.size())) std::this_thread::yield();
    gate_.open();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      ASSERT_EQ(outcomes[i].code(), "");
      EXPECT_EQ(outcomes[i].wait().value().embedding[0], static_cast<float>(frames[i] + 1));
    }
    engine->close();
    stats_ = engine->stats();
    seen_ = seen.seen();
  }

  Gate gate_;
  EngineStats stats_;
  std::vector<std::vector<std::size_t>> seen_;
};

TEST_F(Batching, AJobAloneWaitsForNobody) {
  run({}, 8);
  EXPECT_EQ(seen_, (std::vector<std::vector<std::size_t>>{{11}}));
}

TEST_F(Batching, TakesWhatHasGatheredAndNeverMoreThanAllowed) {
  run(std::vector<std::size_t>(40, 12), 8, 2);
  std::size_t total = 0;
  for (const auto& batch : seen_) {
    EXPECT_LE(batch.size(), 8U);
    total += batch.size();
  }
  EXPECT_EQ(total, 41U);
  EXPECT_EQ(seen_[1].size(), 8U);
  EXPECT_EQ(stats_.batches, seen_.size());
  EXPECT_EQ(stats_.completed, 41U);
}

TEST_F(Batching, PutsLikeLengthsTogetherWithTheOldestAlwaysAmongThem) {
  run({100, 20, 101, 21, 22, 99}, 3);
  ASSERT_GE(seen_.size(), 3U);
  EXPECT_EQ(seen_[1][0], 101U);
  // The last one may still have been on its way when the device became free.
  EXPECT_THAT(seen_[1], testing::UnorderedElementsAre(101, 102, testing::AnyOf(100, 23)));
}

}  // namespace
}  // namespace timbre
