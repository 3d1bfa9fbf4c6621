// Short utterances that wait are embedded together, on a model that a gate holds.
#include <gtest/gtest.h>

#include <thread>

#include "fake_model.h"

namespace timbre {
namespace {

using test::FakeModel;
using test::Gate;
using test::make_engine;
using test::Opener;
using test::Outcome;
using test::request;
using test::tone;

using Batches = std::vector<std::vector<std::size_t>>;

class Together : public testing::Test {
 protected:
  /// An engine that stands before the gate with a first job of 10 frames, and embeds together up to 50 frames of
  /// others.
  void hold(EngineOptions options = {}) {
    auto model = std::make_unique<FakeModel>(
        false,
        [this](std::span<const bundle::Utterance> utterances) {
          gate_.pass();
          return test::signatures(utterances);
        },
        test::manifest(), 50);
    model_ = model.get();
    engine_ = make_engine(std::move(model), options);
    ASSERT_TRUE(engine_->submit(request(tone(10)), first_.callback()));
    gate_.wait_for_arrivals(1);
  }

  /// One that has so many frames.
  Outcome submit(std::size_t frames) {
    Outcome outcome;
    EXPECT_TRUE(engine_->submit(request(tone(frames - 1)), outcome.callback()));
    return outcome;
  }

  Batches batches() const { return model_->seen(); }

  Gate gate_;
  Outcome first_;
  const FakeModel* model_ = nullptr;
  std::unique_ptr<Engine> engine_;
  const Opener opener_{gate_};
};

TEST_F(Together, ShortOnesThatWaitGoTogether) {
  hold();
  const Outcome others[] = {submit(15), submit(16), submit(17)};
  gate_.open();
  float frames = 15;
  for (const Outcome& one : others) {
    ASSERT_EQ(one.code(), "");
    EXPECT_EQ(one.wait().value().embedding[0], frames++);
  }
  EXPECT_EQ(batches(), (Batches{{11}, {15, 16, 17}}));
}

TEST_F(Together, ALongOneKeepsNobodyWaiting) {
  hold();
  const Outcome others[] = {submit(15), submit(60), submit(16), submit(17)};
  gate_.open();
  for (const Outcome& one : others) EXPECT_EQ(one.code(), "");
  EXPECT_EQ(batches(), (Batches{{11}, {15}, {60}, {16, 17}}));
}

TEST_F(Together, NoneIsTakenAlongWhereThereIsNoRoomForAShortOne) {
  hold();
  const Outcome others[] = {submit(46), submit(10), submit(10)};
  gate_.open();
  for (const Outcome& one : others) EXPECT_EQ(one.code(), "");
  EXPECT_EQ(batches(), (Batches{{11}, {46}, {10, 10}}));
}

TEST_F(Together, WhatIsWrongWithOneIsItsOwn) {
  hold();
  const Outcome good = submit(15);
  Outcome silent;
  ASSERT_TRUE(engine_->submit(request(AudioSamples{std::vector<float>(3200), 16000}), silent.callback()));
  const Outcome late = submit(16);
  gate_.open();
  EXPECT_EQ(good.code(), "");
  EXPECT_EQ(silent.code(), "NO_SPEECH");
  EXPECT_EQ(late.code(), "");
  EXPECT_EQ(batches(), (Batches{{11}, {15, 16}}));
}

TEST_F(Together, NoneWaitsForMemoryThatItsOwnWorkerHolds) {
  EngineOptions options;
  // Enough for any one of them.
  options.admission.working_bytes = sizeof(float) * (160 * 19 + 20 * 8) + 20 * FakeModel::kBytesPerFrame;
  hold(options);
  const Outcome others[] = {submit(20), submit(19), submit(18)};
  gate_.open();
  for (const Outcome& one : others) EXPECT_EQ(one.code(), "");
  EXPECT_EQ(batches(), (Batches{{11}, {20}, {19}, {18}}));
  EXPECT_EQ(engine_->stats().admission.working_bytes, 0U);
}

TEST_F(Together, AModelThatThrowsFailsEachOfThem) {
  auto model = std::make_unique<FakeModel>(
      false,
      [this](std::span<const bundle::Utterance> utterances) -> Result<test::Embeddings> {
        gate_.pass();
        if (utterances.size() > 1) throw std::runtime_error("broken");
        return test::signatures(utterances);
      },
      test::manifest(), 50);
  engine_ = make_engine(std::move(model), {});
  ASSERT_TRUE(engine_->submit(request(tone(10)), first_.callback()));
  gate_.wait_for_arrivals(1);
  const Outcome others[] = {submit(15), submit(16)};
  gate_.open();
  for (const Outcome& one : others) EXPECT_EQ(one.code(), "INTERNAL");
  EXPECT_EQ(submit(17).code(), "");
}

TEST_F(Together, ClosingAnswersThoseThatWereTakenAlong) {
  hold();
  std::vector<Outcome> others;
  for (int i = 0; i < 3; ++i) others.push_back(submit(15));
  std::thread closer([this] { engine_->close(); });
  while (engine_->stats().queued > 0) std::this_thread::yield();
  gate_.open();
  closer.join();
  for (const Outcome& one : others) EXPECT_EQ(one.code(), "ENGINE_CLOSED");
}

}  // namespace
}  // namespace timbre
