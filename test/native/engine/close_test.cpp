// Closing and destroying an engine, from outside and from its own callbacks.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fake_model.h"

namespace timbre {
namespace {

using namespace std::chrono_literals;
using test::FakeModel;
using test::Gate;
using test::make_engine;
using test::Opener;
using test::Outcome;
using test::request;
using test::tone;

class Close : public testing::TestWithParam<bool> {
 protected:
  /// The gate outlives an engine that is destroyed from its own callback.
  std::unique_ptr<const bundle::Model> held_model() {
    return std::make_unique<FakeModel>(GetParam(), [gate = gate_](auto features) {
      gate->pass();
      return test::signatures(features);
    });
  }

  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

INSTANTIATE_TEST_SUITE_P(Models, Close, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "Batching" : "OneByOne"; });

TEST_P(Close, WithoutDrainingFailsTheQueueAndFinishesWhatRuns) {
  auto engine = make_engine(held_model());
  const Opener opener(*gate_);
  Outcome running;
  ASSERT_TRUE(engine->submit(request(tone(10)), running.callback()));
  gate_->wait_for_arrivals(1);
  std::vector<Outcome> queued(GetParam() ? 80 : 5);  // more than wait before a batching model
  std::size_t admitted = 0;
  for (Outcome& outcome : queued) {
    ASSERT_TRUE(engine->submit(request(tone(10)), outcome.callback()));
    ++admitted;
  }
  std::thread closer([&] { engine->close(); });
  EXPECT_EQ(queued.back().code(), "ENGINE_CLOSED");
  EXPECT_FALSE(running.there());
  gate_->open();
  closer.join();
  EXPECT_EQ(running.code(), "");
  for (const Outcome& outcome : queued) ASSERT_TRUE(outcome.there());
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.completed + stats.aborted, admitted + 1);
  EXPECT_EQ(stats.queued + stats.running, 0U);
}

TEST_P(Close, WithTimeToDrainFinishesTheQueue) {
  auto engine = make_engine(held_model());
  const Opener opener(*gate_);
  std::vector<Outcome> outcomes(6);
  for (Outcome& outcome : outcomes) ASSERT_TRUE(engine->submit(request(tone(10)), outcome.callback()));
  std::thread closer([&] { engine->close(Clock::now() + 1h); });
  while (engine->submit(request(tone(10)), [](auto) {})) std::this_thread::yield();
  gate_->open();
  closer.join();
  for (const Outcome& outcome : outcomes) {
    ASSERT_TRUE(outcome.there());
    EXPECT_EQ(outcome.code(), "");
  }
}

TEST_P(Close, WithADrainThatIsOverFailsTheQueue) {
  auto engine = make_engine(held_model());
  const Opener opener(*gate_);
  Outcome running;
  ASSERT_TRUE(engine->submit(request(tone(10)), running.callback()));
  gate_->wait_for_arrivals(1);
  std::vector<Outcome> queued(80);
  for (Outcome& outcome : queued) ASSERT_TRUE(engine->submit(request(tone(10)), outcome.callback()));
  std::thread closer([&] { engine->close(Clock::now() + 5ms); });
  EXPECT_EQ(queued.back().code(), "ENGINE_CLOSED");
  gate_->open();
  closer.join();
}

TEST_P(Close, RefusesWhatComesAfter) {
  auto engine = make_engine(std::make_unique<FakeModel>(GetParam()));
  engine->close();
  int calls = 0;
  const auto refused = engine->submit(request(tone(10)), [&](auto) { ++calls; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::ENGINE_CLOSED);
  EXPECT_FALSE(engine->cancel(1));
  engine->close();
  engine->close(Clock::now() + 1h);
  EXPECT_EQ(calls, 0);
}

TEST_P(Close, FromSeveralThreadsAtOnceReturnsToEachWhenEverythingIsOver) {
  EngineOptions options;
  options.workers = 2;
  auto engine = make_engine(std::make_unique<FakeModel>(GetParam()), options);
  std::vector<Outcome> outcomes(50);
  for (Outcome& outcome : outcomes) ASSERT_TRUE(engine->submit(request(tone(10)), outcome.callback()));
  std::vector<std::thread> closers;
  for (int i = 0; i < 4; ++i) {
    closers.emplace_back([&, i] {
      engine->close(i % 2 ? std::optional(Clock::now() + 1ms) : std::nullopt);
      for (const Outcome& outcome : outcomes) EXPECT_TRUE(outcome.there());
    });
  }
  for (std::thread& closer : closers) closer.join();
}

TEST_P(Close, WaitsForTheCallbackOfAJobThatAnotherThreadCancels) {
  auto engine = make_engine(held_model());
  const Opener opener(*gate_);
  Outcome running;
  ASSERT_TRUE(engine->submit(request(tone(10)), running.callback()));
  gate_->wait_for_arrivals(1);
  for (int i = 0; i < 70; ++i) ASSERT_TRUE(engine->submit(request(tone(10)), [](auto) {}));
  Gate inside;
  std::atomic<bool> returned{false};
  const auto id = engine->submit(request(tone(10)), [&](auto) {
    inside.pass();
    returned = true;
  });
  ASSERT_TRUE(id);
  std::thread canceller([&] { engine->cancel(id.value()); });
  inside.wait_for_arrivals(1);
  gate_->open();
  std::thread closer([&] {
    engine->close();
    EXPECT_TRUE(returned);
  });
  while (engine->submit(request(tone(10)), [](auto) {})) std::this_thread::yield();
  inside.open();
  closer.join();
  canceller.join();
}

TEST_P(Close, FromACallbackWaitsForNothing) {
  auto engine = make_engine(std::make_unique<FakeModel>(GetParam()));
  Outcome outcome;
  auto done = outcome.callback();
  ASSERT_TRUE(engine->submit(request(tone(10)), [&](Result<EmbedResult> result) {
    engine->close(Clock::now() + 1h);
    done(std::move(result));
  }));
  EXPECT_EQ(outcome.code(), "");
  engine->close();
  EXPECT_FALSE(engine->submit(request(tone(10)), [](auto) {}));
}

TEST_P(Close, ACallbackMaySubmitAndCancel) {
  auto engine = make_engine(std::make_unique<FakeModel>(GetParam()));
  Outcome second;
  ASSERT_TRUE(engine->submit(request(tone(10)), [&](Result<EmbedResult>) {
    const auto id = engine->submit(request(tone(10)), [](auto) {});
    ASSERT_TRUE(id);
    engine->cancel(id.value());
    ASSERT_TRUE(engine->submit(request(tone(12)), second.callback()));
  }));
  EXPECT_EQ(second.code(), "");
}

TEST_P(Close, ACallbackMayOwnTheEngine) {
  for (int round = 0; round < 20; ++round) {
    std::shared_ptr<Engine> engine = make_engine(std::make_unique<FakeModel>(GetParam()));
    Outcome last;
    std::vector<Outcome> others(3);
    // Destroyed with the last callback, on one of its own threads, with jobs in the queue.
    auto done = last.callback();
    ASSERT_TRUE(engine->submit(request(tone(10)), [engine, done](Result<EmbedResult> result) mutable {
      engine.reset();
      done(std::move(result));
    }));
    for (Outcome& outcome : others) {
      const auto admitted = engine->submit(request(tone(10)), outcome.callback());
      if (!admitted) outcome.callback()(admitted.error());
    }
    engine.reset();
    EXPECT_EQ(last.code(), "");
    for (const Outcome& outcome : others) outcome.wait();
  }
}

TEST_P(Close, DestroyingClosesFirst) {
  Outcome running;
  std::vector<Outcome> queued(80);
  std::thread opener;
  {
    auto engine = make_engine(held_model());
    ASSERT_TRUE(engine->submit(request(tone(10)), running.callback()));
    gate_->wait_for_arrivals(1);
    for (Outcome& outcome : queued) ASSERT_TRUE(engine->submit(request(tone(10)), outcome.callback()));
    opener = std::thread([&] {
      queued.back().wait();
      gate_->open();
    });
  }
  EXPECT_TRUE(running.there());
  for (const Outcome& outcome : queued) EXPECT_TRUE(outcome.there());
  opener.join();
}

}  // namespace
}  // namespace timbre
