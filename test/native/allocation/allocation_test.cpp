// Memory that runs out anywhere: every allocation of a scenario fails in turn, alone and with all that follow.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/fake_model.h"
#include "scoring/search_pool.h"

namespace {

/// Counts the allocations of all threads and fails those it is told to.
struct Failing {
  std::atomic<bool> armed{false};
  std::atomic<long> count{0};
  std::atomic<long> first{0};
  std::atomic<bool> all_after{false};
  std::atomic<long> failed{0};

  bool fails() {
    if (!armed.load()) return false;
    const long number = count.fetch_add(1);
    const bool now = all_after ? number >= first : number == first;
    if (now) ++failed;
    return now;
  }
};
Failing failing;

void* allocate(std::size_t size, std::size_t alignment) {
  if (failing.fails()) throw std::bad_alloc();
  void* const memory = alignment > alignof(std::max_align_t)
                           ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                           : std::malloc(size == 0 ? 1 : size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Where these are inlined, GCC takes what malloc gave for a block of another allocator.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new[](std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace timbre {
namespace {

using test::FakeModel;
using test::make_engine;
using test::request;
using test::tone;

/// What became of one job; its callback allocates nothing.
struct Outcome {
  std::atomic<int> calls{0};
  bool worked = false;
  ErrorCode code = ErrorCode::INTERNAL;
  float frames = 0;

  void take(const Result<EmbedResult>& result) {
    worked = result.ok();
    if (worked) {
      frames = result.value().embedding[0];
    } else {
      code = result.error().code;
    }
    ++calls;
    calls.notify_all();
  }
  void wait() const {
    while (calls == 0) calls.wait(0);
  }
};

/// Runs a scenario again and again, each time with the next allocation failing, until it needs no more of them. Gives
/// how often.
template <typename Scenario>
long fail_each(bool all_after, const Scenario& scenario) {
  for (long n = 0;; ++n) {
    failing.count = 0;
    failing.first = n;
    failing.failed = 0;
    failing.all_after = all_after;
    scenario();
    failing.armed = false;
    if (failing.failed == 0 || testing::Test::HasFailure()) return n;
  }
}

class Allocation : public testing::TestWithParam<std::tuple<bool, bool>> {
 protected:
  static bool batches() { return std::get<0>(GetParam()); }
  static bool all_after() { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Models, Allocation, testing::Combine(testing::Bool(), testing::Bool()), [](const auto& mode) {
  return std::string(std::get<0>(mode.param) ? "Batching" : "OneByOne") +
         (std::get<1>(mode.param) ? "AndAllThatFollow" : "AndThenNoMore");
});

TEST_P(Allocation, AJobIsRefusedWithoutATraceOrCalledBackOnce) {
  // The model remembers nothing, so that the scenario takes the same way each time.
  const auto model = [] { return std::make_unique<FakeModel>(batches(), test::signatures); };
  EngineOptions options;
  options.workers = 1;
  const auto engine = make_engine(model(), options);
  const AudioSamples recording = tone(20);
  const auto later = Clock::now() + std::chrono::hours(1);
  std::uint64_t submitted = 0;
  const long allocations = fail_each(all_after(), [&] {
    EmbedRequest first = request(recording);
    first.deadline = later;
    EmbedRequest second = request(recording);
    std::array<Outcome, 2> outcomes;
    failing.armed = true;
    const auto one = engine->submit(std::move(first), [&](auto result) { outcomes[0].take(result); });
    const auto two = engine->submit(std::move(second), [&](auto result) { outcomes[1].take(result); });
    if (one) outcomes[0].wait();
    if (two) outcomes[1].wait();
    failing.armed = false;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const bool admitted = i == 0 ? one.ok() : two.ok();
      submitted += admitted ? 1 : 0;
      ASSERT_EQ(outcomes[i].calls, admitted ? 1 : 0);
      if (!admitted) {
        ASSERT_EQ((i == 0 ? one : two).error().code, ErrorCode::OUT_OF_MEMORY);
      } else if (outcomes[i].worked) {
        ASSERT_EQ(outcomes[i].frames, 21);
      } else {
        ASSERT_EQ(outcomes[i].code, ErrorCode::OUT_OF_MEMORY);
      }
    }
    const EngineStats stats = engine->stats();
    ASSERT_EQ(stats.submitted, submitted);
    ASSERT_EQ(stats.queued + stats.running, 0U);
    ASSERT_EQ(stats.admission.queued, 0U);
    ASSERT_EQ(stats.admission.input_bytes, 0U);
    ASSERT_EQ(stats.admission.working_bytes, 0U);
  });
  EXPECT_GT(allocations, 50);
  // The engine is as good as new.
  Outcome after;
  ASSERT_TRUE(engine->submit(request(recording), [&](auto result) { after.take(result); }));
  after.wait();
  EXPECT_TRUE(after.worked);
}

TEST_P(Allocation, ARefusedRecordingIsCalledBackOnce) {
  const auto engine = make_engine(std::make_unique<FakeModel>(batches(), test::signatures));
  const AudioSamples recording = tone(1);
  const long allocations = fail_each(all_after(), [&] {
    EmbedRequest short_one = request(recording);
    Outcome outcome;
    failing.armed = true;
    const auto job = engine->submit(std::move(short_one), [&](auto result) { outcome.take(result); });
    if (job) outcome.wait();
    failing.armed = false;
    ASSERT_EQ(outcome.calls, job ? 1 : 0);
    const ErrorCode code = job ? outcome.code : job.error().code;
    ASSERT_TRUE(code == ErrorCode::OUT_OF_MEMORY || code == ErrorCode::AUDIO_TOO_SHORT) << name(code);
  });
  EXPECT_GT(allocations, 5);
}

TEST_P(Allocation, CancelAndCloseNeverFail) {
  const AudioSamples recording = tone(20);
  fail_each(all_after(), [&] {
    test::Gate gate;
    auto engine = make_engine(std::make_unique<FakeModel>(batches(), [&gate](auto utterances) {
      gate.pass();
      return test::signatures(utterances);
    }));
    std::array<Outcome, 3> outcomes;
    std::array<Engine::JobId, 3> ids{};
    ASSERT_TRUE(engine->submit(request(recording), [&](auto result) { outcomes[0].take(result); }));
    gate.wait_for_arrivals(1);
    for (std::size_t i = 1; i < outcomes.size(); ++i) {
      const auto id = engine->submit(request(recording), [&outcomes, i](auto result) { outcomes[i].take(result); });
      ASSERT_TRUE(id);
      ids[i] = id.value();
    }
    failing.armed = true;
    engine->cancel(ids[1]);
    gate.open();
    engine->close();
    failing.armed = false;
    for (const Outcome& outcome : outcomes) ASSERT_EQ(outcome.calls, 1);
    ASSERT_FALSE(outcomes[1].worked);
  });
}

TEST_P(Allocation, AnEngineIsMadeOrNot) {
  const long allocations = fail_each(all_after(), [&] {
    auto model = std::make_unique<FakeModel>(batches(), test::signatures);
    EngineOptions options;
    options.workers = 2;
    failing.armed = true;
    {
      const auto engine = Engine::create(std::move(model), options);
      if (!engine) {
        ASSERT_EQ(engine.error().code, ErrorCode::OUT_OF_MEMORY);
      }
    }
    failing.armed = false;
  });
  EXPECT_GT(allocations, 10);
}

TEST_P(Allocation, AGalleryKeepsWhatItHas) {
  Gallery gallery(4);
  const std::vector<float> vector{1, 2, 3, 4};
  Gallery::Key last = 0;
  // Into the second block, so that blocks are made and let go.
  for (Gallery::Key key = 0; key < 254; ++key) ASSERT_TRUE(gallery.put(key, vector));
  fail_each(all_after(), [&] {
    const std::size_t before = gallery.size();
    failing.armed = true;
    bool put = false;
    bool removed = false;
    try {
      put = gallery.put(1000 + last, vector).ok();
      removed = gallery.remove(last);
    } catch (const std::bad_alloc&) {
    }
    failing.armed = false;
    ASSERT_EQ(gallery.size(), before + (put ? 1 : 0) - (removed ? 1 : 0));
    ++last;
    const auto all = gallery.top(vector, 2000);
    ASSERT_TRUE(all);
    ASSERT_EQ(all.value().size(), gallery.size());
    for (const auto& match : all.value()) ASSERT_NEAR(match.cosine, 1, 1e-5);
  });
}

TEST_P(Allocation, ASearchIsRefusedOrCalledBackOnce) {
  auto pool = SearchPool::create({.threads = 1, .waiting = 10, .at_once = 4});
  ASSERT_TRUE(pool);
  const auto gallery = std::make_shared<Gallery>(4);
  for (Gallery::Key key = 0; key < 600; ++key) ASSERT_TRUE(gallery->put(key, std::vector<float>{1, 2, 3, 4}));
  const long allocations = fail_each(all_after(), [&] {
    SearchPool::Search search{gallery, {4, 3, 2, 1}, 5, std::vector<Gallery::Key>{1, 2, 3}};
    SearchPool::Search other{gallery, {4, 3, 2, 1}, 5, {}};
    std::array<std::atomic<int>, 2> calls{};
    const auto call = [&calls](std::size_t i) {
      return [&calls, i](const Result<Gallery::Matches>& result) {
        if (!result) {
          ASSERT_EQ(result.error().code, ErrorCode::OUT_OF_MEMORY);
        }
        ++calls[i];
        calls[i].notify_all();
      };
    };
    failing.armed = true;
    const auto one = pool.value()->submit(std::move(search), call(0));
    const auto two = pool.value()->submit(std::move(other), call(1));
    if (one) calls[0].wait(0);
    if (two) calls[1].wait(0);
    failing.armed = false;
    ASSERT_EQ(calls[0], one ? 1 : 0);
    ASSERT_EQ(calls[1], two ? 1 : 0);
  });
  EXPECT_GT(allocations, 10);
}

}  // namespace
}  // namespace timbre
