// Who gets an engine's slots, bytes and memory, and what is refused before anything is copied.
#include "engine/admission.h"

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

std::shared_ptr<Admission> admission(std::size_t queued, std::uint64_t input_bytes, std::uint64_t working_bytes = 100) {
  return std::make_shared<Admission>(AdmissionLimits{queued, input_bytes, working_bytes});
}

std::string code_of(const auto& result) { return result ? "" : std::string(name(result.error().code)); }

/// Waits until so many jobs wait for memory.
void wait_for_waiting(const Admission& of, std::size_t count) {
  while (of.use().waiting_for_memory != count) std::this_thread::yield();
}

TEST(Admission, CountsSlotsAndBytesAndGivesThemBackWithThePlace) {
  const auto room = admission(3, 100);
  {
    auto first = room->admit(40);
    auto second = room->admit(60);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(room->use().queued, 2U);
    EXPECT_EQ(room->use().input_bytes, 100U);
    const auto third = room->admit(1);
    EXPECT_EQ(code_of(third), "OVERLOADED");
    EXPECT_THAT(third.error().message, testing::HasSubstr("maxInputBytes"));
    EXPECT_TRUE(room->admit(0)) << "a path takes no bytes";
    first.value().release_input();
    EXPECT_TRUE(room->admit(1));
    EXPECT_EQ(room->use().queued, 2U);
    second.value().release_slot();
    EXPECT_EQ(room->use().queued, 1U);
    EXPECT_EQ(room->use().input_bytes, 60U) << "a job that has started holds its input until that is decoded";
  }
  EXPECT_EQ(room->use().queued, 0U);
  EXPECT_EQ(room->use().input_bytes, 0U);
  EXPECT_EQ(room->use().refused, 1U);
}

TEST(Admission, RefusesOneMoreThanTheQueueTakes) {
  const auto room = admission(1, 100);
  const auto first = room->admit(0);
  ASSERT_TRUE(first);
  EXPECT_FALSE(room->has_room(0));
  EXPECT_EQ(code_of(room->admit(0)), "OVERLOADED");
}

TEST(Admission, TellsTooMuchForAllTimesFromTooMuchForNow) {
  const auto room = admission(5, 100);
  EXPECT_EQ(code_of(room->admit(101)), "AUDIO_TOO_LARGE");
  EXPECT_EQ(code_of(room->admit(~0ULL)), "AUDIO_TOO_LARGE");
  EXPECT_EQ(room->use().queued, 0U) << "what is refused holds no slot";
  EXPECT_EQ(room->use().refused, 0U);
}

TEST(Admission, AnInputMayGrowUntilThereIsNoRoom) {
  const auto room = admission(5, 100);
  auto growing = room->admit(0);
  const auto other = room->admit(30);
  ASSERT_TRUE(growing && other);
  EXPECT_TRUE(growing.value().resize_input(20));
  EXPECT_TRUE(growing.value().resize_input(70));
  EXPECT_EQ(code_of(growing.value().resize_input(71)), "OVERLOADED");
  EXPECT_EQ(code_of(growing.value().resize_input(101)), "AUDIO_TOO_LARGE");
  EXPECT_EQ(growing.value().input_bytes(), 70U);
  EXPECT_EQ(room->use().input_bytes, 100U);
  EXPECT_TRUE(growing.value().resize_input(10));
  EXPECT_EQ(room->use().input_bytes, 40U);
  growing.value().release();
  EXPECT_EQ(room->use().input_bytes, 30U);
}

TEST(Admission, AMovedPlaceIsHeldOnce) {
  const auto room = admission(5, 100);
  auto first = room->admit(10);
  ASSERT_TRUE(first);
  Admission::Place second = std::move(first).value();
  Admission::Place third;
  third = std::move(second);
  EXPECT_EQ(room->use().input_bytes, 10U);
  third = Admission::Place();
  EXPECT_EQ(room->use().input_bytes, 0U);
  EXPECT_EQ(room->use().queued, 0U);
}

TEST(Admission, RefusesMoreWorkingMemoryThanThereIsInAll) {
  const auto room = admission(5, 100, 1000);
  auto place = room->admit(0);
  ASSERT_TRUE(place);
  const auto refused = place.value().reserve_working(1001, kUninterrupted);
  EXPECT_EQ(code_of(refused), "AUDIO_TOO_LONG");
  EXPECT_THAT(refused.error().message, testing::HasSubstr("maxWorkingBytes"));
  EXPECT_TRUE(place.value().reserve_working(1000, kUninterrupted));
  EXPECT_EQ(room->use().working_bytes, 1000U);
}

TEST(Admission, GivesWorkingMemoryInTheOrderInWhichItWasAskedFor) {
  const auto room = admission(5, 100, 100);
  auto holder = room->admit(0);
  ASSERT_TRUE(holder);
  ASSERT_TRUE(holder.value().reserve_working(50, kUninterrupted));

  std::mutex mutex;
  std::vector<std::uint64_t> order;
  const auto ask = [&](std::uint64_t bytes) {
    auto place = room->admit(0);
    ASSERT_TRUE(place);
    ASSERT_TRUE(place.value().reserve_working(bytes, kUninterrupted));
    const std::lock_guard lock(mutex);
    order.push_back(bytes);
  };
  std::thread large([&] { ask(100); });
  wait_for_waiting(*room, 1);
  std::thread small([&] { ask(10); });
  wait_for_waiting(*room, 2);
  EXPECT_EQ(room->use().working_bytes, 50U) << "the small one would fit, and does not overtake the large one";
  holder.value().release();
  large.join();
  small.join();
  EXPECT_THAT(order, testing::ElementsAre(100, 10));
  EXPECT_EQ(room->use().working_bytes, 0U);
}

TEST(Admission, WhoeverWaitsForMemoryStopsWhenItIsToldAndLetsTheNextOneIn) {
  const auto room = admission(5, 100, 100);
  auto holder = room->admit(0);
  ASSERT_TRUE(holder);
  ASSERT_TRUE(holder.value().reserve_working(50, kUninterrupted));
  Interrupt interrupt;
  std::string stopped;
  std::thread large([&] {
    auto place = room->admit(0);
    stopped = code_of(place.value().reserve_working(100, interrupt));
  });
  wait_for_waiting(*room, 1);
  std::thread small([&] {
    auto place = room->admit(0);
    EXPECT_TRUE(place.value().reserve_working(10, kUninterrupted));
  });
  wait_for_waiting(*room, 2);
  interrupt.cancel(ErrorCode::ENGINE_CLOSED);
  room->wake();
  large.join();
  small.join();
  EXPECT_EQ(stopped, "ENGINE_CLOSED");
}

TEST(Admission, ADeadlineEndsTheWaitForMemory) {
  const auto room = admission(5, 100, 100);
  auto holder = room->admit(0);
  auto late = room->admit(0);
  ASSERT_TRUE(holder && late);
  ASSERT_TRUE(holder.value().reserve_working(100, kUninterrupted));
  const Interrupt interrupt(Clock::now() + 5ms);
  EXPECT_EQ(code_of(late.value().reserve_working(1, interrupt)), "DEADLINE_EXCEEDED");
  EXPECT_EQ(room->use().waiting_for_memory, 0U);
}

class EngineAdmission : public testing::Test {
 protected:
  std::unique_ptr<Engine> engine(EngineOptions options) {
    return make_engine(std::make_unique<FakeModel>(false,
                                                   [this](auto utterances) {
                                                     gate_.pass();
                                                     return test::signatures(utterances);
                                                   }),
                       options);
  }

  Gate gate_;
};

TEST_F(EngineAdmission, RefusesBytesAndSecondsBeforeTheyAreCopied) {
  EngineOptions options;
  options.limits.max_bytes = 1000;
  options.limits.max_seconds = 2;
  options.admission.input_bytes = 1U << 20U;
  const auto one = engine(options);
  const Opener opener(gate_);
  EXPECT_EQ(code_of(one->admit({.bytes = 1001, .encoded = true})), "AUDIO_TOO_LARGE");
  EXPECT_EQ(code_of(one->admit(Engine::announce_samples(3 * 16000, 16000))), "AUDIO_TOO_LONG");
  EXPECT_TRUE(one->admit(Engine::announce_samples(2 * 16000, 16000)));
  EXPECT_EQ(one->stats().submitted, 0U);
}

TEST_F(EngineAdmission, HoldsNoMoreBytesThanItIsAllowedHoweverManyCallsCome) {
  constexpr std::uint64_t kEach = 100 * 160 * sizeof(float);
  EngineOptions options;
  options.admission.queued = 1000;
  options.admission.input_bytes = 5 * kEach;
  const auto one = engine(options);
  const Opener opener(gate_);
  std::vector<Outcome> outcomes(50);
  std::size_t refused = 0;
  std::vector<const Outcome*> taken;
  for (Outcome& outcome : outcomes) {
    const auto submitted = one->submit(request(tone(100)), outcome.callback());
    EXPECT_LE(one->stats().admission.input_bytes, 5 * kEach);
    if (submitted) {
      taken.push_back(&outcome);
    } else {
      EXPECT_EQ(code_of(submitted), "OVERLOADED");
      ++refused;
    }
  }
  EXPECT_GE(refused, 44U) << "one runs, five wait";
  EXPECT_EQ(one->stats().admission.refused, refused);
  gate_.open();
  for (const Outcome* outcome : taken) EXPECT_EQ(outcome->code(), "");
  EXPECT_EQ(one->stats().admission.input_bytes, 0U);
  EXPECT_EQ(one->stats().admission.working_bytes, 0U);
}

TEST_F(EngineAdmission, WorkersWaitForMemoryRatherThanTakeMoreThanThereIs) {
  EngineOptions options;
  options.workers = 4;
  // One utterance of 100 frames takes 16000 samples, 101 frames of 8 features and what the model says.
  constexpr std::uint64_t kOne = sizeof(float) * (16000 + 101 * 8) + 101 * FakeModel::kBytesPerFrame;
  options.admission.working_bytes = 2 * kOne + kOne / 2;
  const auto one = engine(options);
  const Opener opener(gate_);
  std::vector<Outcome> outcomes(4);
  for (Outcome& outcome : outcomes) ASSERT_TRUE(one->submit(request(tone(100)), outcome.callback()));
  gate_.wait_for_arrivals(2);
  while (one->stats().admission.waiting_for_memory != 2) std::this_thread::yield();
  EXPECT_EQ(one->stats().admission.working_bytes, 2 * kOne);
  EXPECT_EQ(one->stats().running, 4U);
  gate_.open();
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.code(), "");
}

TEST_F(EngineAdmission, ARecordingThatNeedsMoreThanAllTheMemoryIsTooLong) {
  EngineOptions options;
  options.admission.working_bytes = 50'000;
  const auto one = engine(options);
  const Opener opener(gate_);
  gate_.open();
  Outcome longer;
  Outcome shorter;
  ASSERT_TRUE(one->submit(request(tone(100)), longer.callback()));
  ASSERT_TRUE(one->submit(request(tone(10)), shorter.callback()));
  EXPECT_EQ(longer.code(), "AUDIO_TOO_LONG");
  EXPECT_EQ(shorter.code(), "");
}

TEST_F(EngineAdmission, CancelAndCloseReachAJobThatWaitsForMemory) {
  EngineOptions options;
  options.workers = 3;
  options.admission.working_bytes = 200'000;
  const auto one = engine(options);
  const Opener opener(gate_);
  Outcome running;
  ASSERT_TRUE(one->submit(request(tone(100)), running.callback()));
  gate_.wait_for_arrivals(1);
  Outcome cancelled;
  Outcome closed;
  const auto id = one->submit(request(tone(100)), cancelled.callback());
  ASSERT_TRUE(id);
  while (one->stats().admission.waiting_for_memory != 1) std::this_thread::yield();
  ASSERT_TRUE(one->submit(request(tone(100)), closed.callback()));
  while (one->stats().admission.waiting_for_memory != 2) std::this_thread::yield();
  EXPECT_TRUE(one->cancel(id.value()));
  EXPECT_EQ(cancelled.code(), "ABORTED");
  std::thread closer([&] { one->close(); });
  EXPECT_EQ(closed.code(), "ENGINE_CLOSED");
  gate_.open();
  closer.join();
}

}  // namespace
}  // namespace timbre
