// Searches on a bounded number of threads, several in one pass.
#include "scoring/search_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

namespace timbre {
namespace {

using Matches = Gallery::Matches;

std::shared_ptr<Gallery> gallery(std::size_t dim, Gallery::Key count) {
  auto made = std::make_shared<Gallery>(dim);
  for (Gallery::Key key = 0; key < count; ++key) {
    std::vector<float> vector(dim, 0.1F);
    vector[key % dim] = 1 + static_cast<float>(key);
    EXPECT_TRUE(made->put(key, vector));
  }
  return made;
}

VoiceVector axis(std::size_t dim, std::size_t at) {
  VoiceVector vector(dim);
  vector[at] = 1;
  return vector;
}

/// A search's result, once it is there.
class Answer {
 public:
  SearchPool::Callback callback() {
    return [promise = promise_](Result<Matches> result) { promise->set_value(std::move(result)); };
  }
  Result<Matches> wait() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Result<Matches>>> promise_ = std::make_shared<std::promise<Result<Matches>>>();
};

/// Holds a pool's only thread in a callback until it is let go.
class Held {
 public:
  explicit Held(SearchPool& pool, const std::shared_ptr<Gallery>& gallery) {
    EXPECT_TRUE(pool.submit({gallery, axis(gallery->dim(), 0), 1, {}}, [this](const Result<Matches>&) {
      there_.set_value();
      go_.get_future().wait();
    }));
    there_.get_future().wait();
  }
  void let_go() { go_.set_value(); }

 private:
  std::promise<void> there_;
  std::promise<void> go_;
};

TEST(Gallery, AnswersSeveralQueriesAsItAnswersEachAlone) {
  const auto voices = gallery(8, 700);
  const std::vector<Gallery::Key> some{3, 699, 3, 1000, 257};
  const VoiceVector first = axis(8, 1);
  const VoiceVector second = axis(8, 5);
  const VoiceVector short_one = axis(4, 1);
  const std::vector<Gallery::Query> queries{{first, 5, {}}, {short_one, 5, {}}, {second, 2, some}, {second, 700, {}}};
  const auto results = voices->search(queries);
  ASSERT_EQ(results.size(), 4U);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().code, ErrorCode::INVALID_ARGUMENT);
  for (const std::size_t q : {0U, 2U, 3U}) {
    const auto alone = voices->top(queries[q].vector, queries[q].count, queries[q].candidates);
    ASSERT_TRUE(results[q] && alone);
    ASSERT_EQ(results[q].value().size(), alone.value().size());
    for (std::size_t i = 0; i < alone.value().size(); ++i) {
      EXPECT_EQ(results[q].value()[i].key, alone.value()[i].key);
      EXPECT_EQ(results[q].value()[i].cosine, alone.value()[i].cosine);
    }
  }
  EXPECT_EQ(results[3].value().size(), 700U);
}

TEST(SearchPool, AnswersEverySearchOnItsOwnThreads) {
  auto pool = SearchPool::create({.threads = 2, .waiting = 1000, .at_once = 16});
  ASSERT_TRUE(pool);
  const auto voices = gallery(8, 300);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::vector<Answer> answers(200);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto done = answers[i].callback();
    ASSERT_TRUE(pool.value()->submit({voices, axis(8, i % 8), 3, {}}, [&, done](Result<Matches> result) {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      done(std::move(result));
    }));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto result = answers[i].wait();
    ASSERT_TRUE(result);
    ASSERT_EQ(result.value().size(), 3U);
    EXPECT_EQ(result.value()[0].key % 8, i % 8);
  }
  EXPECT_LE(threads.size(), 2U);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0U);
}

TEST(SearchPool, RefusesOneMoreThanMayWait) {
  auto pool = SearchPool::create({.threads = 1, .waiting = 2, .at_once = 16});
  ASSERT_TRUE(pool);
  const auto voices = gallery(4, 10);
  Held held(*pool.value(), voices);
  Answer first;
  Answer second;
  int calls = 0;
  EXPECT_TRUE(pool.value()->submit({voices, axis(4, 1), 1, {}}, first.callback()));
  EXPECT_TRUE(pool.value()->submit({voices, axis(4, 2), 1, {}}, second.callback()));
  const auto refused = pool.value()->submit({voices, axis(4, 3), 1, {}}, [&](auto) { ++calls; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::OVERLOADED);
  held.let_go();
  EXPECT_TRUE(first.wait());
  EXPECT_TRUE(second.wait());
  EXPECT_EQ(calls, 0);
}

TEST(SearchPool, KeepsGalleriesApartAndWhatIsWrongWithOneQueryFromTheOthers) {
  auto pool = SearchPool::create({.threads = 1, .waiting = 100, .at_once = 16});
  ASSERT_TRUE(pool);
  const auto small = gallery(4, 10);
  const auto large = gallery(8, 10);
  Held held(*pool.value(), small);
  std::vector<Answer> answers(6);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& of = i % 2 == 0 ? small : large;
    // One query is as long as the other gallery's.
    ASSERT_TRUE(pool.value()->submit({of, axis(i == 2 ? 8 : of->dim(), 1), 10, {}}, answers[i].callback()));
  }
  held.let_go();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto result = answers[i].wait();
    EXPECT_EQ(result.ok(), i != 2) << i;
    if (i != 2) {
      EXPECT_EQ(result.value()[0].key, 9U) << i;
    }
  }
}

TEST(SearchPool, ClosingEndsWhatWaitsAndFinishesWhatRuns) {
  auto pool = SearchPool::create({.threads = 1, .waiting = 100, .at_once = 1});
  ASSERT_TRUE(pool);
  const auto voices = gallery(4, 10);
  Held held(*pool.value(), voices);
  Answer waiting;
  ASSERT_TRUE(pool.value()->submit({voices, axis(4, 1), 1, {}}, waiting.callback()));
  std::thread closer([&] { pool.value().reset(); });
  const auto result = waiting.wait();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::ENGINE_CLOSED);
  held.let_go();
  closer.join();
}

}  // namespace
}  // namespace timbre
