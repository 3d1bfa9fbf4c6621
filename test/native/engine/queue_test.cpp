// Admission, order, cancelling and deadlines, on a model that a gate holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

class Queue : public testing::Test {
 protected:
  std::unique_ptr<const bundle::Model> held_model() {
    return std::make_unique<FakeModel>(false, [this](auto features) {
      gate_.pass();
      return test::signatures(features);
    });
  }

  /// An engine of one worker that stands before the gate with a first job.
  std::unique_ptr<Engine> busy_engine(std::size_t queue_limit = 16) {
    EngineOptions options;
    options.admission.queued = queue_limit;
    auto engine = make_engine(held_model(), options);
    EXPECT_TRUE(engine->submit(request(tone(10)), first_.callback()));
    gate_.wait_for_arrivals(1);
    return engine;
  }

  Gate gate_;
  Outcome first_;
};

TEST_F(Queue, TakesJobsInTheOrderOfAdmission) {
  auto model = std::make_unique<FakeModel>(false);
  const FakeModel& seen = *model;
  auto engine = make_engine(std::move(model));
  std::vector<Outcome> outcomes(20);
  std::vector<std::vector<std::size_t>> expected;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(engine->submit(request(tone(10 + i)), outcomes[i].callback()));
    expected.push_back({11 + i});
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].wait());
    EXPECT_EQ(outcomes[i].wait().value().embedding[0], static_cast<float>(11 + i));
  }
  EXPECT_EQ(seen.seen(), expected);
}

TEST_F(Queue, RefusesAtOnceWhenItIsFull) {
  auto engine = busy_engine(3);
  const Opener opener(gate_);
  std::vector<Outcome> waiting(3);
  for (Outcome& outcome : waiting) ASSERT_TRUE(engine->submit(request(tone(10)), outcome.callback()));
  int calls = 0;
  const auto refused = engine->submit(request(tone(10)), [&](auto) { ++calls; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::OVERLOADED);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("3 utterances wait"));
  EXPECT_EQ(engine->stats().queued, 3U);
  EXPECT_EQ(engine->stats().running, 1U);
  gate_.open();
  for (const Outcome& outcome : waiting) EXPECT_EQ(outcome.code(), "");
  engine->close();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(engine->stats().admission.refused, 1U);
  EXPECT_EQ(engine->stats().submitted, 4U);
}

TEST_F(Queue, CancelEndsAWaitingJobOnTheSpotAndFreesItsPlace) {
  auto engine = busy_engine(1);
  const Opener opener(gate_);
  Outcome waiting;
  std::thread::id called_on;
  auto done = waiting.callback();
  const auto id = engine->submit(request(tone(10)), [&](Result<EmbedResult> result) {
    called_on = std::this_thread::get_id();
    done(std::move(result));
  });
  ASSERT_TRUE(id);
  EXPECT_TRUE(engine->cancel(id.value()));
  ASSERT_TRUE(waiting.there());
  EXPECT_EQ(waiting.code(), "ABORTED");
  EXPECT_EQ(called_on, std::this_thread::get_id());
  EXPECT_FALSE(engine->cancel(id.value())) << "it is no job any more";
  Outcome next;
  EXPECT_TRUE(engine->submit(request(tone(10)), next.callback()));
  gate_.open();
  EXPECT_EQ(next.code(), "");
  EXPECT_EQ(first_.code(), "");
}

TEST_F(Queue, CancelOfAnUnknownOrFinishedJobIsFalse) {
  auto engine = make_engine(std::make_unique<FakeModel>(false));
  EXPECT_FALSE(engine->cancel(1));
  Outcome outcome;
  const auto id = engine->submit(request(tone(10)), outcome.callback());
  ASSERT_EQ(outcome.code(), "");
  EXPECT_FALSE(engine->cancel(id.value()));
}

TEST_F(Queue, CancelledWhileItRunsAJobStopsBeforeTheModel) {
  auto model = std::make_unique<FakeModel>(true, [this](auto features) {
    gate_.pass();
    return test::signatures(features);
  });
  const FakeModel& seen = *model;
  auto engine = make_engine(std::move(model));
  const Opener opener(gate_);
  ASSERT_TRUE(engine->submit(request(tone(10)), first_.callback()));
  gate_.wait_for_arrivals(1);
  Outcome second;
  const auto id = engine->submit(request(tone(20)), second.callback());
  ASSERT_TRUE(id);
  while (engine->stats().queued > 0) std::this_thread::yield();  // its features are being made
  EXPECT_TRUE(engine->cancel(id.value()));
  gate_.open();
  EXPECT_EQ(second.code(), "ABORTED");
  EXPECT_EQ(first_.code(), "");
  EXPECT_EQ(seen.seen(), (std::vector<std::vector<std::size_t>>{{11}}));
}

TEST_F(Queue, ADeadlineIsAnsweredThoughEveryWorkerIsBusy) {
  auto engine = busy_engine();
  const Opener opener(gate_);
  std::vector<Outcome> late(3);
  for (std::size_t i = 0; i < late.size(); ++i) {
    EmbedRequest urgent = request(tone(10));
    urgent.deadline = Clock::now() + std::chrono::milliseconds(20 - 5 * static_cast<int>(i));
    ASSERT_TRUE(engine->submit(std::move(urgent), late[i].callback()));
  }
  for (const Outcome& outcome : late) EXPECT_EQ(outcome.code(), "DEADLINE_EXCEEDED");
  EXPECT_FALSE(first_.there());
  EXPECT_EQ(engine->stats().queued, 0U);
  EXPECT_EQ(engine->stats().aborted, 3U);
}

TEST_F(Queue, ADeadlineInThePastNeverReachesTheModel) {
  auto model = std::make_unique<FakeModel>(false);
  const FakeModel& seen = *model;
  auto engine = make_engine(std::move(model));
  EmbedRequest late = request(tone(10));
  late.deadline = Clock::now() - 1s;
  Outcome outcome;
  ASSERT_TRUE(engine->submit(std::move(late), outcome.callback()));
  EXPECT_EQ(outcome.code(), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(seen.seen().empty());
}

TEST_F(Queue, ADeadlineFarAwayChangesNothing) {
  auto engine = make_engine(std::make_unique<FakeModel>(false));
  EmbedRequest patient = request(tone(10));
  patient.deadline = Clock::now() + 1h;
  Outcome outcome;
  ASSERT_TRUE(engine->submit(std::move(patient), outcome.callback()));
  EXPECT_EQ(outcome.code(), "");
}

TEST_F(Queue, CancelRacesWithWorkersAndEveryJobIsCalledBackOnce) {
  EngineOptions options;
  options.workers = 3;
  options.admission.queued = 100000;
  auto engine = make_engine(std::make_unique<FakeModel>(false), options);
  constexpr int kThreads = 4;
  constexpr int kJobs = 150;
  std::vector<std::vector<Outcome>> outcomes(kThreads);
  for (auto& of_thread : outcomes) of_thread.resize(kJobs);
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < kJobs; ++i) {
        EmbedRequest one = request(tone(5 + static_cast<std::size_t>(i % 7)));
        if (i % 5 == 0) one.deadline = Clock::now() + std::chrono::microseconds(200 * (i % 11));
        const auto id = engine->submit(std::move(one),
                                       outcomes[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)].callback());
        if (id && i % 3 == 0) engine->cancel(id.value());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  std::uint64_t done = 0;
  std::uint64_t stopped = 0;
  for (const auto& of_thread : outcomes) {
    for (const Outcome& outcome : of_thread) {
      const std::string code = outcome.code();
      EXPECT_THAT(code, testing::AnyOf("", "ABORTED", "DEADLINE_EXCEEDED"));
      ++(code.empty() ? done : stopped);
    }
  }
  engine->close();
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.submitted, static_cast<std::uint64_t>(kThreads * kJobs));
  EXPECT_EQ(stats.completed, done);
  EXPECT_EQ(stats.aborted, stopped);
  EXPECT_EQ(stats.failed, 0U);
  EXPECT_EQ(stats.batches, done);
  EXPECT_EQ(stats.queued + stats.running, 0U);
}

}  // namespace
}  // namespace timbre
